use std::fmt;

use super::Tag;
use crate::{Error, Result};

/// A content digest: `algorithm:hex`, such as `sha256:` and 64 hex digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest(String);

impl Digest {
    /// Validates `digest` (sha256 and sha512 with their lengths, others by the OCI grammar).
    ///
    /// # Errors
    /// `Invalid` outside that grammar.
    pub fn new(digest: &str) -> Result<Self> {
        let hex = |encoded: &str, length| {
            encoded.len() == length && encoded.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        };
        let word = |part: &str| {
            !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        };
        let valid = digest.split_once(':').is_some_and(|(algorithm, encoded)| match algorithm {
            "sha256" => hex(encoded, 64),
            "sha512" => hex(encoded, 128),
            other => {
                other.split(['+', '.', '_', '-']).all(word)
                    && encoded.len() >= 32
                    && encoded.bytes().all(|b| b.is_ascii_alphanumeric() || b"=_-".contains(&b))
            }
        });
        if !valid {
            return Err(Error::invalid(
                "image.digest",
                "expected algorithm:hex, such as sha256 and 64 hex digits",
            )
            .with("digest", format_args!("{digest:?}")));
        }
        Ok(Self(digest.to_owned()))
    }
}

super::text_value!(Digest);

/// The name of an image without tag and digest: `[domain[:port]/]path`, as it was written.
///
/// ```
/// use nprt_core::model::ImageName;
/// let name = ImageName::new("localhost:5000/shop/cart")?;
/// assert_eq!((name.registry(), name.repository().as_str()), ("localhost:5000", "shop/cart"));
/// let name = ImageName::new("nginx")?;
/// assert_eq!((name.registry(), name.repository().as_str()), ("docker.io", "library/nginx"));
/// # Ok::<(), nprt_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ImageName {
    domain: Option<String>,
    path: String,
}

impl ImageName {
    /// Parses `[domain[:port]/]path`.
    ///
    /// # Errors
    /// `Invalid` outside the reference grammar, or when there is a tag or digest.
    pub fn new(name: &str) -> Result<Self> {
        let image = ImageRef::new(name)?;
        if image.tag.is_some() || image.digest.is_some() {
            return Err(Error::invalid("image.name", "expected an image without tag or digest")
                .with("image", format_args!("{name:?}")));
        }
        Ok(image.name)
    }

    fn parse(name: &str) -> Option<Self> {
        // What stands before the first `/` is a domain only if it can be no path component: docker's rule.
        let (domain, path) = match name.split_once('/') {
            Some((first, rest))
                if first.contains(['.', ':', '[']) || first == "localhost" || has_upper(first) =>
            {
                (Some(first), rest)
            }
            _ => (None, name),
        };
        let valid =
            domain.is_none_or(is_domain) && path.split('/').all(is_path_component) && name.len() <= 255;
        valid.then(|| Self { domain: domain.map(str::to_owned), path: path.to_owned() })
    }

    /// The registry's host and port; `docker.io` where none is written (or Docker Hub's older `index.docker.io`).
    #[must_use]
    pub fn registry(&self) -> &str {
        match self.domain.as_deref() {
            None | Some("index.docker.io") => "docker.io",
            Some(domain) => domain,
        }
    }

    /// The repository in the registry, with Docker Hub's `library/` for a single name.
    #[must_use]
    pub fn repository(&self) -> String {
        if self.registry() == "docker.io" && !self.path.contains('/') {
            return format!("library/{}", self.path);
        }
        self.path.clone()
    }

    /// The same image under `prefix`, which is `domain[/path]`: how a mirror or a private registry holds it.
    /// A domain that the name had is replaced.
    ///
    /// # Errors
    /// `Invalid` when the result is no image name.
    pub fn with_prefix(&self, prefix: &str) -> Result<Self> {
        Self::new(&format!("{}/{}", prefix.trim_end_matches('/'), self.path))
    }

    /// This name with `tag`.
    #[must_use]
    pub fn with_tag(&self, tag: Tag) -> ImageRef {
        ImageRef { name: self.clone(), tag: Some(tag), digest: None }
    }
}

fn has_upper(text: &str) -> bool {
    text.bytes().any(|b| b.is_ascii_uppercase())
}

fn is_domain(domain: &str) -> bool {
    let (host, port) = match domain.rsplit_once(':') {
        Some((host, port)) if !domain.ends_with(']') => (host, Some(port)),
        _ => (domain, None),
    };
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    let host_valid = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => host.split('.').all(label),
    };
    host_valid && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`
fn is_path_component(part: &str) -> bool {
    let word = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = part.as_bytes();
    let separators = bytes.split(word).filter(|separator| !separator.is_empty());
    bytes.first().is_some_and(word)
        && bytes.last().is_some_and(word)
        && separators.into_iter().all(|s| matches!(s, b"." | b"_" | b"__") || s.iter().all(|&b| b == b'-'))
}

impl fmt::Display for ImageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.domain {
            Some(domain) => write!(f, "{domain}/{}", self.path),
            None => f.write_str(&self.path),
        }
    }
}

super::parsed_value!(ImageName);

/// A reference to an image, `name[:tag][@digest]`, by the grammar of the distribution project.
///
/// It prints as it was written; [`ImageName::registry`] and [`ImageName::repository`] fill in the
/// defaults of Docker Hub.
///
/// ```
/// use nprt_core::model::ImageRef;
/// let image = ImageRef::new("host:5000/app")?;
/// assert!(image.tag().is_none());
/// let image = ImageRef::new("host:5000/app:v1")?;
/// assert_eq!(image.tag().unwrap().as_str(), "v1");
/// # Ok::<(), nprt_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ImageRef {
    name: ImageName,
    tag: Option<Tag>,
    digest: Option<Digest>,
}

impl ImageRef {
    /// Parses `name[:tag][@digest]`.
    ///
    /// # Errors
    /// `Invalid` outside the grammar.
    pub fn new(text: &str) -> Result<Self> {
        let invalid = |message: &str| {
            Error::invalid("image", message.to_owned()).with("image", format_args!("{text:?}"))
        };
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(Digest::new(digest).map_err(|e| invalid(e.message()))?)),
            None => (text, None),
        };
        // A `:` before the last `/` belongs to the port.
        let last_part = rest.rfind('/').map_or(0, |slash| slash + 1);
        let (name, tag) = match rest[last_part..].split_once(':') {
            Some((part, tag)) => {
                let tag = Tag::new(tag).map_err(|e| invalid(&format!("bad tag, {}", e.message())))?;
                (&rest[..last_part + part.len()], Some(tag))
            }
            None => (rest, None),
        };
        let name = ImageName::parse(name)
            .ok_or_else(|| invalid("expected [domain[:port]/]path[:tag][@digest], the path in lower case"))?;
        Ok(Self { name, tag, digest })
    }

    /// The name without tag and digest.
    #[must_use]
    pub fn name(&self) -> &ImageName {
        &self.name
    }

    /// The tag, where one is written.
    #[must_use]
    pub fn tag(&self) -> Option<&Tag> {
        self.tag.as_ref()
    }

    /// The digest, where one is written.
    #[must_use]
    pub fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }

    /// The same reference, pinned to `digest`.
    #[must_use]
    pub fn with_digest(self, digest: Digest) -> Self {
        Self { digest: Some(digest), ..self }
    }

    /// The same reference under another name.
    #[must_use]
    pub fn with_name(self, name: ImageName) -> Self {
        Self { name, ..self }
    }
}

impl fmt::Display for ImageRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name.fmt(f)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

super::parsed_value!(ImageRef);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_whole_grammar() {
        let sha = format!("sha256:{}", "0a".repeat(32));
        let cases = [
            ("nginx", "docker.io", "library/nginx", None, false),
            ("shop/cart", "docker.io", "shop/cart", None, false),
            ("docker.io/nginx:1", "docker.io", "library/nginx", Some("1"), false),
            ("host:5000/app", "host:5000", "app", None, false),
            ("host:5000/a/b__c/d--e:v1", "host:5000", "a/b__c/d--e", Some("v1"), false),
            ("[::1]:5000/app:x", "[::1]:5000", "app", Some("x"), false),
            ("localhost/app", "localhost", "app", None, false),
            (&format!("gcr.io/x/app:v1@{sha}"), "gcr.io", "x/app", Some("v1"), true),
            (&format!("app@{sha}"), "docker.io", "library/app", None, true),
        ];
        for (text, registry, repository, tag, digest) in cases {
            let image = ImageRef::new(text).unwrap();
            assert_eq!(image.name().registry(), registry, "{text}");
            assert_eq!(image.name().repository(), repository, "{text}");
            assert_eq!(image.tag().map(Tag::as_str), tag, "{text}");
            assert_eq!(image.digest().is_some(), digest, "{text}");
            assert_eq!(image.to_string(), text);
        }
    }

    #[test]
    fn refuses_what_no_registry_takes() {
        for bad in [
            "",
            ":v1",
            "App",
            "a//b",
            "a/",
            "/a",
            "a:",
            "a:b:c",
            "a@sha256:00",
            "a b",
            "host:0/a",
            "host:x/a",
            "-h.io/a",
            "a..b",
            "a___b",
            "a.-b",
            "https://a.io/b",
            "a.io/B",
        ] {
            assert!(ImageRef::new(bad).unwrap_err().is_invalid(), "{bad:?}");
        }
    }

    #[test]
    fn a_prefix_replaces_the_domain() {
        let name = ImageName::new("gcr.io/shop/cart").unwrap();
        assert_eq!(name.with_prefix("mirror:5000/all/").unwrap().to_string(), "mirror:5000/all/shop/cart");
    }
}
