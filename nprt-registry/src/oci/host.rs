use std::net::IpAddr;

use nprt_core::model::ImageName;
use nprt_core::{Error, Result};
use url::Url;

use super::config::{Credentials, RegistryConfig};

/// Where a registry is, and what it may be told.
#[derive(Debug, Clone)]
pub(super) struct Host {
    /// `https://registry.example.com:5000/`
    pub(super) origin: Url,
    pub(super) credentials: Option<Credentials>,
    realms: Vec<Url>,
    docker_key: String,
}

impl Host {
    /// The registry that images name `registry`.
    pub(super) fn new(registry: &str, config: &RegistryConfig) -> Result<Self> {
        let invalid = |field: &'static str, value: &str, expected: &str| {
            Error::invalid("registry.config", expected.to_owned())
                .with("registry", registry)
                .with("field", field)
                .with("value", format_args!("{value:?}"))
        };
        if !is_host(registry) {
            return Err(invalid("registries", registry, "expected a host as in an image's name"));
        }
        let default = if registry == "docker.io" { "registry-1.docker.io" } else { registry };
        let host = config.host.as_deref().unwrap_or(default);
        if !is_host(host) {
            return Err(invalid("host", host, "expected a host, with a port where it needs one"));
        }
        let parse = |scheme| {
            Url::parse(&format!("{scheme}://{host}/"))
                .map_err(|_| invalid("host", host, "expected a host, with a port where it needs one"))
        };
        let https = parse("https")?;
        let plain_http = config.plain_http.unwrap_or_else(|| is_loopback(&https));
        let origin = if plain_http { parse("http")? } else { https };
        if let Some(Credentials::Basic { username, password }) = &config.credentials {
            if username.is_empty() || username.contains(':') {
                return Err(invalid("credentials.username", username, "expected a name without `:`"));
            }
            if password.expose().is_empty() {
                return Err(invalid("credentials.password", "", "expected a password"));
            }
        }
        let realm = |text: &String| Url::parse(text).map_err(|_| invalid("realms", text, "expected a URL"));
        let realms = config.realms.iter().map(realm).collect::<Result<_>>()?;
        let docker_key =
            if host == "registry-1.docker.io" { "https://index.docker.io/v1/" } else { host }.to_owned();
        Ok(Self { origin, credentials: config.credentials.clone(), realms, docker_key })
    }

    /// The URL of `path` below the repository.
    pub(super) fn url(&self, repository: &str, path: &str) -> Url {
        let mut url = self.origin.clone();
        url.set_path(&format!("/v2/{repository}/{path}"));
        url
    }

    /// By which name docker's configuration knows it.
    pub(super) fn docker_key(&self) -> &str {
        &self.docker_key
    }

    /// Whether the token service at `realm` may be told our credentials, and trusted with its answer.
    pub(super) fn trusts(&self, realm: &Url) -> bool {
        let near = realm.host() == self.origin.host() || (is_loopback(realm) && is_loopback(&self.origin));
        let without_query = {
            let mut realm = realm.clone();
            realm.set_query(None);
            realm
        };
        let anonymous = realm.username().is_empty() && realm.password().is_none();
        anonymous
            && match realm.scheme() {
                "https" => true,
                "http" => (near && self.origin.scheme() == "http") || self.realms.contains(&without_query),
                _ => false,
            }
    }
}

/// Whether `host` can stand before the path of an image's name, as it is.
fn is_host(host: &str) -> bool {
    ImageName::new(&format!("{host}/image")).is_ok_and(|name| name.registry() == host)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(domain)) => domain == "localhost",
        Some(url::Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(url::Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(registry: &str) -> Host {
        Host::new(registry, &RegistryConfig::default()).unwrap()
    }

    #[test]
    fn https_but_for_loopback_or_by_configuration() {
        let cases = [
            ("docker.io", "https://registry-1.docker.io/"),
            ("gcr.io", "https://gcr.io/"),
            ("localhost:5000", "http://localhost:5000/"),
            ("127.0.0.1:5000", "http://127.0.0.1:5000/"),
            ("[::1]:5000", "http://[::1]:5000/"),
            ("10.0.0.1:5000", "https://10.0.0.1:5000/"),
            ("localhost.example.com", "https://localhost.example.com/"),
        ];
        for (registry, origin) in cases {
            assert_eq!(host(registry).origin.as_str(), origin, "{registry}");
        }
        let plain = RegistryConfig { plain_http: Some(true), ..RegistryConfig::default() };
        assert_eq!(Host::new("gcr.io", &plain).unwrap().origin.as_str(), "http://gcr.io/");
        let mirror = RegistryConfig { host: Some("mirror:5000".to_owned()), ..RegistryConfig::default() };
        assert_eq!(Host::new("docker.io", &mirror).unwrap().origin.as_str(), "https://mirror:5000/");
    }

    #[test]
    fn a_bad_host_names_its_field() {
        for bad in ["https://gcr.io", "gcr.io/", "gcr", "user@gcr.io", "", "index.docker.io"] {
            let error = Host::new(bad, &RegistryConfig::default()).unwrap_err();
            assert!(error.is_invalid() && error.to_string().contains("registries"), "{bad}: {error}");
        }
    }

    #[test]
    fn a_token_service_is_on_https_or_near_a_plain_registry() {
        let trusts = |registry, realm: &str| host(registry).trusts(&Url::parse(realm).unwrap());
        assert!(trusts("docker.io", "https://auth.docker.io/token"));
        assert!(trusts("127.0.0.1:5000", "http://localhost:5001/token"));
        assert!(!trusts("docker.io", "http://auth.docker.io/token"));
        assert!(!trusts("gcr.io", "http://gcr.io/token"));
        assert!(!trusts("gcr.io", "http://127.0.0.1/token"));
        assert!(!trusts("127.0.0.1:5000", "http://example.com/token"));
        assert!(!trusts("docker.io", "https://user:word@auth.docker.io/token"));
        assert!(!trusts("docker.io", "ftp://auth.docker.io/token"));
        let realms = vec!["http://auth.internal/token".to_owned()];
        let allowed = Host::new("gcr.io", &RegistryConfig { realms, ..RegistryConfig::default() }).unwrap();
        assert!(allowed.trusts(&Url::parse("http://auth.internal/token?x=1").unwrap()));
        assert!(!allowed.trusts(&Url::parse("http://auth.internal/other").unwrap()));
    }
}
