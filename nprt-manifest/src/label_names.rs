use std::collections::BTreeSet;

use nprt_core::{Error, Result};
use serde::{Deserialize, Serialize};

/// What the labels of Datadog's unified service tagging begin with.
const DATADOG: &str = "tags.datadoghq.com/";

/// The names of the labels that people and metrics go by, on workloads and their pods; `None` or an empty name
/// leaves one out. nprt itself relies on labels with the prefix `nprt.dev/`.
///
/// Rename one, or leave it out, if the manifests use the label for something else. A deploy that would change
/// which pods a selector matches is refused, and the error names the label.
///
/// ```
/// use nprt_manifest::Settings;
/// let settings: Settings = serde_json::from_str(r#"{"labels": {"track": "example.com/track", "version": null}}"#)?;
/// assert_eq!(settings.labels.track.as_deref(), Some("example.com/track"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LabelNames {
    /// `stable` or `canary`. By default `track`.
    pub track: Option<String>,
    /// The tag, shortened to a label's 63 characters. By default `app.kubernetes.io/version`.
    pub version: Option<String>,
}

impl Default for LabelNames {
    fn default() -> Self {
        Self { track: Some("track".to_owned()), version: Some("app.kubernetes.io/version".to_owned()) }
    }
}

impl LabelNames {
    /// The label with the track, where there is one.
    pub(super) fn track(&self) -> Option<&str> {
        self.track.as_deref().filter(|name| !name.is_empty())
    }

    /// The label with the version, where there is one.
    pub(super) fn version(&self) -> Option<&str> {
        self.version.as_deref().filter(|name| !name.is_empty())
    }

    /// # Errors
    /// `Invalid`, with the field, for what is no name of a label, or is the name of another label of ours.
    pub(super) fn check(&self, datadog: bool) -> Result<()> {
        let mut names = BTreeSet::new();
        for (field, name) in [("labels.track", self.track()), ("labels.version", self.version())] {
            let Some(name) = name else { continue };
            let expected = if !is_label(name) {
                "expected the name of a label, such as `track` or `example.com/track`"
            } else if name.starts_with("nprt.dev/") || (datadog && name.starts_with(DATADOG)) {
                "expected a label that nprt does not set for something else"
            } else if !names.insert(name) {
                "expected different labels for track and version"
            } else {
                continue;
            };
            return Err(Error::invalid("manifest.settings", expected)
                .with("field", field)
                .with("value", format_args!("{name:?}")));
        }
        Ok(())
    }
}

/// `[prefix/]name`, by the grammar of Kubernetes.
fn is_label(text: &str) -> bool {
    let ends = |text: &str, allowed: fn(u8) -> bool| {
        text.bytes().next().is_some_and(allowed) && text.bytes().next_back().is_some_and(allowed)
    };
    let is_name = |name: &str| {
        name.len() <= 63
            && ends(name, |b| b.is_ascii_alphanumeric())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    };
    let part = |part: &str| {
        let word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        ends(part, word) && part.bytes().all(|b| word(b) || b == b'-')
    };
    match text.split_once('/') {
        Some((prefix, name)) => prefix.len() <= 253 && prefix.split('.').all(part) && is_name(name),
        None => is_name(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_grammar_and_take_nothing_of_ours() {
        let check = |name: &str, datadog: bool| {
            let names = LabelNames { track: Some(name.to_owned()), ..LabelNames::default() };
            names.check(datadog)
        };
        for good in
            ["", "track", "example.com/track", "a_b.C-d", "tags.datadoghq.com/version", &"x".repeat(63)]
        {
            assert!(check(good, false).is_ok(), "{good}");
        }
        for bad in
            ["/", "a/", "/a", "a/b/c", "-a", "a-", "a b", "Example.com/a", "a..b/c", "ü", &"x".repeat(64)]
        {
            let error = check(bad, false).unwrap_err();
            assert!(error.is_invalid() && error.to_string().contains("labels.track"), "{bad}: {error}");
        }
        for (taken, datadog) in [
            ("nprt.dev/track", false),
            ("app.kubernetes.io/version", false),
            ("tags.datadoghq.com/version", true),
        ] {
            assert!(check(taken, datadog).unwrap_err().to_string().contains("labels."), "{taken}");
        }
    }
}
