use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Where the layouts are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayoutConfig {
    /// The folder with one layout an image.
    pub root: PathBuf,
    /// The registry that it stands for, as in images' names (`docker.io` where they name none); without
    /// one it answers for all.
    #[serde(default)]
    pub registry: Option<String>,
}
