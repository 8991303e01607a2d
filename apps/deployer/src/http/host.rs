//! Checks which server a request names. A request that names none or two, or one in a way that two servers could read
//! differently, is refused.

use axum::http::header::HOST;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Request, Uri, Version};
use url::Host;

/// What is wrong with how a request names its server.
pub(super) fn wrong<B>(request: &Request<B>) -> Option<&'static str> {
    let (uri, headers) = (request.uri(), request.headers());
    if headers.get_all(HOST).iter().nth(1).is_some() {
        return Some("the request has more than one Host header");
    }
    let needs_header = request.version() == Version::HTTP_11;
    match host(headers) {
        None if headers.contains_key(HOST) => {
            Some("the Host header must be a host name or IP address, with an optional port")
        }
        None if needs_header || (uri.authority().is_none() && request.version() > Version::HTTP_11) => {
            Some("the request has no Host header")
        }
        host => conflict(uri, host),
    }
}

/// The address in the request line (HTTP/2, or a request to a proxy) takes precedence over the header.
fn conflict(uri: &Uri, host: Option<Authority>) -> Option<&'static str> {
    let named = uri.authority()?;
    if !is_host_and_port(named) {
        return Some("the request's address must have a host name or IP address, with an optional port");
    }
    host.filter(|host| host != named)
        .map(|_| "the Host header differs from the host in the request's address")
}

fn host(headers: &HeaderMap) -> Option<Authority> {
    let host: Authority = headers.get(HOST)?.to_str().ok()?.parse().ok()?;
    is_host_and_port(&host).then_some(host)
}

fn is_host_and_port(authority: &Authority) -> bool {
    let Some(port) = authority.as_str().strip_prefix(authority.host()) else { return false };
    let is_port = port.is_empty()
        || port.strip_prefix(':').is_some_and(|port| {
            port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok()
        });
    is_port && Host::parse(authority.host()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_wrong(version: Version, uri: &str, hosts: &[&str]) -> bool {
        let mut request = Request::builder().version(version).uri(uri);
        for host in hosts {
            request = request.header(HOST, *host);
        }
        wrong(&request.body(()).unwrap()).is_some()
    }

    #[test]
    fn a_request_names_one_server() {
        let (old, new, two) = (Version::HTTP_10, Version::HTTP_11, Version::HTTP_2);
        for (version, uri, hosts, expected) in [
            (new, "/", &["d"][..], false),
            (new, "/", &["d:8080"], false),
            (new, "/", &["[::1]:8080"], false),
            (new, "/", &["10.0.0.1:80"], false),
            (new, "/", &[], true),
            (new, "/", &[""], true),
            (new, "/", &["d", "d"], true),
            (new, "/", &["d", "e"], true),
            (new, "/", &["a b"], true),
            (new, "/", &["d, e"], true),
            (new, "/", &["me@d"], true),
            (new, "/", &["d/x"], true),
            (new, "/", &["d:"], true),
            (new, "/", &["d:x"], true),
            (new, "/", &["d:+80"], true),
            (new, "/", &["d:99999"], true),
            (new, "/", &["http://d"], true),
            (new, "/", &["d?x"], true),
            (new, "/", &["d%00"], true),
            (new, "/", &["[::1"], true),
            (new, "/", &[":80"], true),
            (new, "http://d/", &["d"], false),
            (new, "http://d/", &["e"], true),
            (new, "http://d/", &[], true),
            (old, "/", &[], false),
            (old, "/", &["d", "e"], true),
            (two, "http://d/", &[], false),
            (two, "http://d/", &["D"], false),
            (two, "http://d/", &["e"], true),
            (two, "http://me@d/", &[], true),
            (two, "/", &[], true),
        ] {
            assert_eq!(is_wrong(version, uri, hosts), expected, "{version:?} {uri} {hosts:?}");
        }
    }
}
