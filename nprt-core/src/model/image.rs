use std::fmt;

use super::Tag;
use crate::{Error, Result};

/// A content digest: `algorithm:hex`, such as `sha256:` and 64 hex digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest(String);

/// The algorithms of digests, and how many hex digits each has.
const ALGORITHMS: [(&str, usize); 3] = [("sha256", 64), ("sha384", 96), ("sha512", 128)];

impl Digest {
    /// Validates `digest`: sha256, sha384 or sha512 with the hex digits that each has, the algorithms that
    /// container runtimes know.
    ///
    /// # Errors
    /// `Invalid` for anything else.
    pub fn new(digest: &str) -> Result<Self> {
        let valid = digest.split_once(':').is_some_and(|(algorithm, hex)| {
            let known = ALGORITHMS.iter().any(|&(name, digits)| name == algorithm && digits == hex.len());
            known && is_lower_hex(hex)
        });
        if !valid {
            let expected = "expected algorithm:hex, such as sha256 and 64 hex digits in lower case";
            return Err(Error::invalid("image.digest", expected)
                .with("digest", format_args!("{digest:?}"))
                .with_available(ALGORITHMS.map(|(name, _)| name)));
        }
        Ok(Self(digest.to_owned()))
    }
}

super::text_value!(Digest);

fn is_lower_hex(text: &str) -> bool {
    text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

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
            domain.is_none_or(is_domain) && path.split('/').all(is_path_component) && path.len() <= 255;
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

    /// Whether it names no registry, as `shop/web` does.
    #[must_use]
    pub fn is_short(&self) -> bool {
        self.domain.is_none()
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
        Some(address) => !address.contains('.') && address.parse::<std::net::Ipv6Addr>().is_ok(),
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

/// A reference to an image, `name[:tag][@digest]`, by the grammar of the distribution project, which Docker
/// and Kubernetes share.
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
        if text.len() == 64 && is_lower_hex(text) {
            return Err(invalid("64 hex digits are the id of an image, not its name"));
        }
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
