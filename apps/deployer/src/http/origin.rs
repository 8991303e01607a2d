//! Pages elsewhere: a browser that knows the password would send it with their requests, too. What changes something is refused
//! where the browser says (`Sec-Fetch-Site`, `Origin`) that the request comes from a page of another origin, also of another one
//! of the same site. Clients that are no browsers say neither.

use axum::extract::{Request, State};
use axum::http::header::{HOST, ORIGIN};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Method, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use url::{Origin, Url};

use super::problem::Problem;
use crate::app::App;

const SEC_FETCH_SITE: &str = "sec-fetch-site";

/// Refuses what changes something, and comes from elsewhere.
pub(crate) async fn refuse_elsewhere(State(app): State<App>, request: Request, next: Next) -> Response {
    // These change nothing: no route of theirs does.
    if matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
        return next.run(request).await;
    }
    let composed = app.current();
    let own = own_origin(request.uri(), request.headers(), composed.config.url.as_deref());
    if is_elsewhere(request.headers(), &own) {
        let detail = "a page of another origin asked for this, and only the server's own may change anything; behind a \
                      proxy, `url` in the configuration says which that is";
        return Problem::forbidden(detail).into_response();
    }
    next.run(request).await
}

/// The origins that pages of this server have.
#[derive(Debug, PartialEq, Eq)]
struct Own {
    /// As the client addresses it. It speaks plain http itself.
    asked: Option<Origin>,
    /// As the configuration says.
    public: Option<Origin>,
}

fn own_origin(uri: &Uri, headers: &HeaderMap, public: Option<&str>) -> Own {
    let host = uri.authority().map(Authority::as_str);
    let host = host.or_else(|| headers.get(HOST).and_then(|host| host.to_str().ok()));
    let address = |scheme: &str| Url::parse(&format!("{scheme}://{}", host?)).ok();
    let public = public.and_then(|url| Url::parse(url).ok());
    // The host of an https server is not that of a page that came by http.
    let is_public = public
        .as_ref()
        .is_some_and(|url| address(url.scheme()).is_some_and(|asked| asked.origin() == url.origin()));
    let asked = if is_public { None } else { address("http").map(|url| url.origin()) };
    Own { asked, public: public.map(|url| url.origin()) }
}

/// Whether one of the two headers says so. What nobody sends, such as one that is there twice, says so as well.
fn is_elsewhere(headers: &HeaderMap, own: &Own) -> bool {
    let mut sites = headers.get_all(SEC_FETCH_SITE).iter();
    let mut origins = headers.get_all(ORIGIN).iter();
    let is_foreign = |text: &str| {
        // "null", which any page can send, is no address.
        let Ok(url) = Url::parse(text) else { return true };
        let origin = Some(url.origin());
        !url.origin().is_tuple() || (origin != own.asked && origin != own.public)
    };
    sites.next().is_some_and(|site| !matches!(site.as_bytes(), b"same-origin" | b"none"))
        || origins.next().is_some_and(|origin| origin.to_str().map_or(true, is_foreign))
        || sites.next().is_some()
        || origins.next().is_some()
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn refuses(host: &str, public: Option<&str>, said: &[(&str, &str)]) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_str(host).unwrap());
        for (name, value) in said {
            let name: HeaderName = name.parse().unwrap();
            headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        is_elsewhere(&headers, &own_origin(&Uri::from_static("/web/deploy"), &headers, public))
    }

    #[test]
    fn only_its_own_pages_are_not_elsewhere() {
        let public = Some("https://deployer.example.com/tools");
        let (site, origin) = ("sec-fetch-site", "origin");
        for (host, public, said, expected) in [
            ("d:80", None, &[][..], false),
            ("d:8080", None, &[(site, "same-origin")], false),
            ("d:8080", None, &[(site, "none")], false),
            ("d:8080", None, &[(site, "same-site")], true),
            ("d:8080", None, &[(site, "cross-site")], true),
            ("d:8080", None, &[(site, "")], true),
            ("d:8080", None, &[(site, "Same-Origin")], true),
            ("d:8080", None, &[(site, "same-origin"), (site, "cross-site")], true),
            ("d:8080", None, &[(site, "same-origin"), (site, "same-origin")], true),
            ("d:8080", None, &[(origin, "http://d:8080")], false),
            ("D:8080", None, &[(origin, "http://d:8080")], false),
            ("d", None, &[(origin, "http://d")], false),
            ("d:80", None, &[(origin, "http://d")], false),
            ("d:8080", None, &[(origin, "http://d")], true),
            ("d:8080", None, &[(origin, "http://d:8081")], true),
            ("d:8080", None, &[(origin, "https://d:8080")], true),
            ("d:8080", None, &[(origin, "http://evil.example")], true),
            ("d:8080", None, &[(origin, "http://d:8080.evil.example")], true),
            ("d:8080", None, &[(origin, "null")], true),
            ("d:8080", None, &[(origin, "")], true),
            ("d:8080", None, &[(origin, "file://d:8080")], true),
            ("d:8080", None, &[(origin, "http://d:8080"), (origin, "http://evil.example")], true),
            ("d:8080", None, &[(site, "same-origin"), (origin, "http://evil.example")], true),
            ("d:8080", None, &[(site, "cross-site"), (origin, "http://d:8080")], true),
            ("[::1]:8080", None, &[(origin, "http://[::1]:8080")], false),
            // Behind a proxy that ends TLS, and changes Host or does not.
            ("deployer.example.com", public, &[(origin, "https://deployer.example.com")], false),
            ("deployer.internal:8080", public, &[(origin, "https://deployer.example.com")], false),
            ("deployer.internal:8080", public, &[(origin, "http://deployer.internal:8080")], false),
            ("deployer.example.com", public, &[(origin, "http://deployer.example.com")], true),
            ("deployer.example.com:443", public, &[(origin, "http://deployer.example.com")], true),
            ("deployer.example.com", public, &[(origin, "https://other.example.com")], true),
            // What a proxy is said to have been asked is what anybody can say.
            ("d:8080", None, &[(origin, "http://evil"), ("x-forwarded-host", "evil")], true),
        ] {
            assert_eq!(refuses(host, public, said), expected, "{host} {public:?} {said:?}");
        }
    }
}
