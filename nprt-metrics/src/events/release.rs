use nprt_core::model::ServiceName;

/// How releases are called: a text with `{version}` once and `{service}` perhaps: `{service}@{version}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReleasePattern {
    before: String,
    after: String,
}

const VERSION: &str = "{version}";
const SERVICE: &str = "{service}";

impl ReleasePattern {
    /// # Errors
    /// What is wrong with the pattern.
    pub(crate) fn new(pattern: &str) -> Result<Self, &'static str> {
        let (before, after) =
            pattern.split_once(VERSION).ok_or("expected {version} in it, for example {service}@{version}")?;
        if after.contains(VERSION) {
            return Err("expected {version} once");
        }
        Ok(Self { before: before.to_owned(), after: after.to_owned() })
    }

    /// The version in a release's name; `None` for the name of another kind of release.
    pub(crate) fn version<'a>(&self, release: &'a str, service: &ServiceName) -> Option<&'a str> {
        let of = |part: &str| part.replace(SERVICE, service.as_str());
        let version =
            release.strip_prefix(of(&self.before).as_str())?.strip_suffix(of(&self.after).as_str())?;
        (!version.is_empty()).then_some(version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_within_the_release() {
        let shop = ServiceName::new("shop").unwrap();
        for (pattern, release, version) in [
            ("{version}", "main-3f2a91c", Some("main-3f2a91c")),
            ("{service}@{version}", "shop@main-3f2a91c", Some("main-3f2a91c")),
            ("{service}@{version}", "cart@main-3f2a91c", None),
            ("{service}@{version}+web", "shop@1.2+web", Some("1.2")),
            ("{service}@{version}+web", "shop@1.2+ios", None),
            ("{service}@{version}", "shop@", None),
            ("aba{version}aba", "aba", None),
        ] {
            let pattern = ReleasePattern::new(pattern).unwrap();
            assert_eq!(pattern.version(release, &shop), version, "{pattern:?} {release}");
        }
        assert!(ReleasePattern::new("{service}").is_err());
        assert!(ReleasePattern::new("{version}{version}").is_err());
    }
}
