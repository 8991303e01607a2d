use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// How much one operation may read and compute of what a repository holds. All of its files, documents and objects
/// share each limit. The defaults are far above ordinary repositories, and keep a hostile one from taking the
/// process's memory and time.
///
/// ```
/// use nprt_core::model::Limits;
/// let limits: Limits = serde_json::from_str(r#"{"objects": 20000}"#)?;
/// assert_eq!((limits.objects, limits.depth), (20_000, 100));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Files, directories and links below the manifests' path, each as often as a link leads to it; by default 100,000.
    pub paths: u64,
    /// Directories in one another; by default 100.
    pub depth: u64,
    /// Files below the manifests' path; by default 20,000.
    pub files: u64,
    /// Bytes of these files, and of the text that YAML's aliases repeat; by default 8 MiB.
    pub bytes: u64,
    /// Values in all documents (each text, number, map, list and key), those that YAML's anchors and aliases repeat
    /// included; by default 300,000.
    pub nodes: u64,
    /// Kubernetes objects; by default 2,000. While a version is planned each is held several times.
    pub objects: u64,
    /// Steps of computation, such as comparing one selector with one workload's labels; by default 20 million, which
    /// take a few seconds. They are counted instead of CPU time, so that the same input always gets the same answer.
    pub steps: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            paths: 100_000,
            depth: 100,
            files: 20_000,
            bytes: 8 * 1024 * 1024,
            nodes: 300_000,
            objects: 2_000,
            steps: 20_000_000,
        }
    }
}

impl Limits {
    /// Validates them.
    ///
    /// # Errors
    /// `Invalid`, naming the field, for a limit of 0.
    pub fn check(&self) -> Result<()> {
        match Limit::ALL.into_iter().find(|limit| self.of(*limit) == 0) {
            None => Ok(()),
            Some(limit) => {
                Err(Error::invalid("limits", "expected at least 1")
                    .with("field", format_args!("limits.{limit}")))
            }
        }
    }

    /// The value of one limit.
    #[must_use]
    pub fn of(&self, limit: Limit) -> u64 {
        match limit {
            Limit::Paths => self.paths,
            Limit::Depth => self.depth,
            Limit::Files => self.files,
            Limit::Bytes => self.bytes,
            Limit::Nodes => self.nodes,
            Limit::Objects => self.objects,
            Limit::Steps => self.steps,
        }
    }
}

/// One of the [`Limits`]. It prints as the option's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// [`Limits::paths`]
    Paths,
    /// [`Limits::depth`]
    Depth,
    /// [`Limits::files`]
    Files,
    /// [`Limits::bytes`]
    Bytes,
    /// [`Limits::nodes`]
    Nodes,
    /// [`Limits::objects`]
    Objects,
    /// [`Limits::steps`]
    Steps,
}

impl Limit {
    pub(super) const ALL: [Self; 7] =
        [Self::Paths, Self::Depth, Self::Files, Self::Bytes, Self::Nodes, Self::Objects, Self::Steps];

    /// What there is too much of.
    pub(super) fn excess(self) -> &'static str {
        match self {
            Self::Paths => "too many files and directories below the path",
            Self::Depth => "directories are nested too deep",
            Self::Files => "too many files below the path",
            Self::Bytes => "the files, with what aliases repeat, hold too many bytes",
            Self::Nodes => "the documents, with what anchors and aliases repeat, hold too many values",
            Self::Objects => "too many Kubernetes objects",
            Self::Steps => "comparing the objects with each other takes too many steps",
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Paths => "paths",
            Self::Depth => "depth",
            Self::Files => "files",
            Self::Bytes => "bytes",
            Self::Nodes => "nodes",
            Self::Objects => "objects",
            Self::Steps => "steps",
        })
    }
}
