//! The server's answers, as far as tables show them; fields that are not here are for `--output json`.

use nprt_core::compare::Verdict;
use nprt_core::model::ObjectId;
use serde::Deserialize;
use serde_json::Value;

#[derive(Debug, Deserialize)]
pub(crate) struct Listing {
    pub(crate) services: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) stable: Option<Running>,
    pub(crate) canary: Option<Running>,
    pub(crate) operation: Option<String>,
    #[serde(default)]
    pub(crate) held: bool,
    pub(crate) verdict: Option<String>,
    pub(crate) error: Option<String>,
}

/// A version on a track.
#[derive(Debug, Deserialize)]
pub(crate) struct Running {
    pub(crate) revision: Option<String>,
    pub(crate) tag: Option<String>,
    pub(crate) started: Option<String>,
    pub(crate) expires: Option<String>,
    pub(crate) caller: Option<String>,
}

impl Running {
    /// As the library's `Running::describe`.
    pub(crate) fn describe(&self) -> String {
        let short = self.revision.as_deref().map(|revision| revision.get(..12).unwrap_or(revision));
        match (&self.tag, short) {
            (Some(tag), Some(revision)) => format!("{tag} ({revision})"),
            (None, Some(revision)) => revision.to_owned(),
            (Some(tag), None) => tag.clone(),
            (None, None) => "an unknown or mixed version".to_owned(),
        }
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct Shown {
    pub(crate) service: String,
    #[serde(default)]
    pub(crate) config: Value,
    pub(crate) stable: Option<Running>,
    pub(crate) canary: Option<Running>,
    #[serde(default)]
    pub(crate) images: Vec<Value>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Tags {
    pub(crate) images: Vec<ImageTags>,
    pub(crate) shared: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct ImageTags {
    pub(crate) image: String,
    pub(crate) tags: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Status {
    pub(crate) service: String,
    pub(crate) stable: Option<Running>,
    pub(crate) canary: Option<Running>,
    pub(crate) operation: Option<String>,
    pub(crate) held: Option<Held>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Held {
    pub(crate) by: Option<String>,
    pub(crate) reason: Option<String>,
    pub(crate) since: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Deployment {
    pub(crate) service: String,
    pub(crate) track: String,
    pub(crate) revision: String,
    pub(crate) tag: String,
    #[serde(default)]
    pub(crate) applied: Vec<Applied>,
    #[serde(default)]
    pub(crate) removed: Vec<ObjectId>,
    #[serde(default)]
    pub(crate) pruned: Vec<ObjectId>,
    #[serde(default)]
    pub(crate) withheld: Vec<ObjectId>,
    #[serde(default)]
    pub(crate) warnings: Vec<String>,
    pub(crate) expected: Option<Expected>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Applied {
    pub(crate) change: String,
}

/// How long the verdict of a canary takes at the present traffic.
#[derive(Debug, Deserialize)]
pub(crate) struct Expected {
    pub(crate) detect_minutes: Option<f64>,
    pub(crate) pass_minutes: Option<f64>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Rollback {
    pub(crate) service: String,
    pub(crate) canary: Option<Running>,
    pub(crate) stable: Option<Running>,
    #[serde(default)]
    pub(crate) removed: Vec<ObjectId>,
    #[serde(default)]
    pub(crate) ending: Vec<ObjectId>,
    pub(crate) cancelled: Option<String>,
    #[serde(default)]
    pub(crate) warnings: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Judgement {
    pub(crate) service: String,
    pub(crate) revision: String,
    pub(crate) tag: String,
    pub(crate) started: String,
    pub(crate) verdict: Verdict,
}

/// What a dry run would change.
#[derive(Debug, Deserialize)]
pub(crate) struct Preview {
    pub(crate) service: String,
    pub(crate) track: String,
    pub(crate) revision: String,
    pub(crate) tag: String,
    #[serde(default)]
    pub(crate) objects: Vec<Previewed>,
    #[serde(default)]
    pub(crate) removed: Vec<ObjectId>,
    #[serde(default)]
    pub(crate) pruned: Vec<ObjectId>,
    #[serde(default)]
    pub(crate) withheld: Vec<ObjectId>,
    #[serde(default)]
    pub(crate) warnings: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Previewed {
    pub(crate) object: ObjectId,
    pub(crate) change: String,
    #[serde(default)]
    pub(crate) before: Option<Value>,
    #[serde(default)]
    pub(crate) after: Option<Value>,
}
