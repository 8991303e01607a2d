use std::collections::BTreeMap;

use nprt_core::model::{Digest, ImageName, Revision, ServiceName, Tag};
use sha2::{Digest as _, Sha256};

/// The version of a service that is rendered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// The service.
    pub service: ServiceName,
    /// The revision whose manifests are rendered.
    pub revision: Revision,
    /// The tag of its images.
    pub tag: Tag,
    /// What each image's tag means in the registry, for [`Settings::pin_digests`](super::Settings).
    pub digests: BTreeMap<ImageName, Digest>,
}

impl Version {
    /// The tag as the value of a label: itself where the grammar allows (63 characters, a letter or digit at
    /// both ends). Else its beginning and, so that two tags never share a value, the commit that it ends
    /// with or the first 8 hex digits of its SHA-256.
    ///
    /// ```
    /// # use nprt_manifest::Version;
    /// # let version = |tag: &str| Version {
    /// #     service: "shop".parse().unwrap(), revision: "r1".parse().unwrap(), tag: tag.parse().unwrap(),
    /// #     digests: Default::default(),
    /// # };
    /// assert_eq!(version("main-3f2a91c").label(), "main-3f2a91c");
    /// let long = "feature-that-takes-a-while-to-name-0123456789abcdef0123456789abcdef01234567";
    /// assert_eq!(version(long).label(), "feature-that-takes-a-w-0123456789abcdef0123456789abcdef01234567");
    /// ```
    #[must_use]
    pub fn label(&self) -> String {
        label_value(&self.tag)
    }
}

const LONGEST: usize = 63;

/// A tag as the value of a label: [`Version::label`].
pub fn label_value(tag: &Tag) -> String {
    let text = tag.as_str();
    let alphanumeric = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    if text.len() <= LONGEST && alphanumeric(text.chars().next()) && alphanumeric(text.chars().last()) {
        return text.to_owned();
    }
    let end = match tag.commit() {
        // A full commit is unique; an abbreviated one need not be.
        Some(commit) if commit.as_str().len() == 40 => commit.as_str().to_owned(),
        _ => Sha256::digest(text)[..4].iter().map(|byte| format!("{byte:02x}")).collect(),
    };
    let beginning = text.strip_suffix(&end).unwrap_or(text);
    let cut: String = beginning
        .trim_start_matches(|c: char| !c.is_ascii_alphanumeric())
        .chars()
        .take(LONGEST - end.len() - 1)
        .collect();
    let cut = cut.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
    if cut.is_empty() { end } else { format!("{cut}-{end}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tag_becomes_a_label_and_keeps_its_end() {
        let sha = "0123456789abcdef0123456789abcdef01234567";
        let cases = [
            ("v1.2.3".to_owned(), "v1.2.3".to_owned()),
            ("x".repeat(63), "x".repeat(63)),
            (format!("{}-{sha}", "b".repeat(87)), format!("{}-{sha}", "b".repeat(22))),
            (format!("_{sha}"), format!("{sha}-")),
        ];
        for (tag, expected) in &cases[..3] {
            assert_eq!(&label_value(&Tag::new(tag).unwrap()), expected);
        }
        for tag in
            ["_", "__-", "v1-", "_v1", &"x".repeat(64), &"-".repeat(0).replacen("", "y.", 64), &cases[3].0]
        {
            let label = label_value(&Tag::new(tag).unwrap());
            let ends = [label.chars().next().unwrap(), label.chars().last().unwrap()];
            assert!(label.len() <= 63 && ends.iter().all(char::is_ascii_alphanumeric), "{tag}: {label}");
            assert_eq!(label, label_value(&Tag::new(tag).unwrap()));
        }
    }

    #[test]
    fn tags_that_share_their_beginning_or_middle_stay_apart() {
        let values: std::collections::BTreeSet<String> = ["v1", "v1-", "v1.", "_v1", "v1_"]
            .iter()
            .map(|tag| label_value(&Tag::new(tag).unwrap()))
            .collect();
        assert_eq!(values.len(), 5);
        let long = |end: &str| label_value(&Tag::new(&format!("{}{end}", "x".repeat(80))).unwrap());
        assert_ne!(long("a"), long("b"));
    }
}
