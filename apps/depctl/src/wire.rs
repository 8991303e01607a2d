//! The server's answers that are more than what the library serialises, as far as tables show them; fields that are
//! not here are for `--output json`.

use nprt_core::model::ObjectId;
use nprt_pipeline::{Deployment, Running};
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

/// What a deploy, canary or promotion did; of a canary also how long its verdict takes.
#[derive(Debug, Deserialize)]
pub(crate) struct Done {
    #[serde(flatten)]
    pub(crate) deployment: Deployment,
    pub(crate) expected: Option<Expected>,
}

/// How long the verdict of a canary takes at the present traffic.
#[derive(Debug, Deserialize)]
pub(crate) struct Expected {
    pub(crate) detect_minutes: Option<f64>,
    pub(crate) pass_minutes: Option<f64>,
    /// Why not all of it is known.
    #[serde(default)]
    pub(crate) why: Option<String>,
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
