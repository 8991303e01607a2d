use crate::model::Track;

/// What the measurements of each track may call its version: the tag, the tag as a label, the commit. A backend whose
/// metrics say a version and no track tells the track by it.
///
/// ```
/// use nprt_core::model::Track;
/// use nprt_core::ports::Versions;
///
/// let mut versions = Versions { canary: vec!["main-3f2a91c".to_owned()], stable: vec!["main-77aa001".to_owned()] };
/// assert_eq!(versions.track("main-3f2a91c"), Some(Track::Canary));
/// assert_eq!(versions.track("main-0000000"), None);
/// // Where stable's is not known, it is whatever is not the canary's.
/// versions.stable.clear();
/// assert_eq!(versions.track("main-0000000"), Some(Track::Stable));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Versions {
    /// Of the canary; none where there is no canary, or nothing is known of it.
    pub canary: Vec<String>,
    /// Of stable; none where it is any other version than the canary's.
    pub stable: Vec<String>,
}

impl Versions {
    /// The track that runs this version; `None` for one that does not run, and one that runs on both.
    #[must_use]
    pub fn track(&self, version: &str) -> Option<Track> {
        let is_in = |names: &[String]| names.iter().any(|name| name == version);
        match (is_in(&self.canary), is_in(&self.stable)) {
            (true, false) => Some(Track::Canary),
            (false, true) => Some(Track::Stable),
            (true, true) => None,
            (false, false) => self.stable.is_empty().then_some(Track::Stable),
        }
    }
}
