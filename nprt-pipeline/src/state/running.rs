//! A version that runs on a track, as its objects say.

use jiff::Timestamp;
use nprt_core::model::{Object, ObjectId, Revision, ServiceName, Tag, annotation};
use nprt_core::{Error, ErrorKind, Result};
use nprt_manifest::Version;
use serde::{Deserialize, Serialize};

/// Who holds a canary, why and since when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Who asked for it.
    pub by: String,
    /// Why; may be empty.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
}

/// A version that runs on a track.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    /// Its revision; `None` where the objects do not say, or disagree.
    pub revision: Option<Revision>,
    /// Its tag; `None` where the objects do not say, or disagree.
    pub tag: Option<Tag>,
    /// When it was started; only of a canary.
    pub started: Option<Timestamp>,
    /// When its time is over; only of a canary.
    pub expires: Option<Timestamp>,
    /// Who asked for it.
    pub caller: Option<String>,
    /// Who [holds](crate::Pipeline::hold) it; only of a canary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<Held>,
    /// The fields that others have set on stable and that this canary does not have, such as
    /// `Deployment/web spec.template.spec.containers[web].env[DEBUG]`: its promotion keeps them. Only of a canary.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drift: Vec<String>,
    /// The objects of the track.
    pub objects: Vec<ObjectId>,
}

/// The drift that a canary's object says.
pub(crate) fn drift_said(object: &Object) -> Vec<String> {
    object.annotation(annotation::DRIFT).and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

/// # Errors
/// `Conflict` for a canary whose time is over.
pub(crate) fn not_expired(canary: &Running, now: Timestamp, operation: &'static str) -> Result<()> {
    if !canary.is_expired(now) {
        return Ok(());
    }
    let expires = canary.expires.filter(|expires| *expires != Timestamp::MIN);
    let expires = expires.map_or_else(|| "cannot be read".to_owned(), |expires| expires.to_string());
    Err(Error::new(ErrorKind::Conflict, operation, "the canary's time is over: start it anew")
        .with("canary", canary.describe())
        .with("expires", expires))
}

impl Held {
    /// What an object says. What cannot be read holds all the same, since the beginning of time.
    pub(crate) fn of(object: &Object) -> Option<Self> {
        let text = object.annotation(annotation::HELD)?;
        let unknown = |_| Self { by: "unknown".to_owned(), reason: text.to_owned(), since: Timestamp::MIN };
        Some(serde_json::from_str(text).unwrap_or_else(unknown))
    }
}

impl Running {
    /// `main-3f2a91c (3f2a91c0b1d2)`, or what is known of it.
    #[must_use]
    pub fn describe(&self) -> String {
        match (&self.tag, &self.revision) {
            (Some(tag), Some(revision)) => format!("{tag} ({})", revision.short()),
            (None, Some(revision)) => revision.short(),
            (Some(tag), None) => tag.to_string(),
            (None, None) => "an unknown or mixed version".to_owned(),
        }
    }

    /// Whether its time was over at `now`. One that does not say when never is.
    #[must_use]
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }

    /// Whether it is exactly this version, started then, and held or not as this one.
    pub(crate) fn is_same_trial(&self, other: &Self) -> bool {
        let trial = |one: &Self| (one.revision.clone(), one.tag.clone(), one.started, one.held.clone());
        trial(self) == trial(other)
    }

    /// Whether it is exactly this version.
    pub(crate) fn is(&self, version: &Version) -> bool {
        self.revision.as_ref() == Some(&version.revision) && self.tag.as_ref() == Some(&version.tag)
    }
}

pub(crate) fn no_canary(operation: &'static str, service: &ServiceName) -> Error {
    Error::new(ErrorKind::NotFound, operation, "there is no canary").with("service", service)
}
