//! The values that every part speaks of. Each validates in its constructor, so that one in hand is valid.

mod block;
mod branches;
mod budget;
mod commit;
mod image;
mod labels;
mod limits;
mod metric;
mod object;
mod path;
mod per_track;
mod reference;
mod revision;
mod secret;
mod service;
mod shown;
mod strict_json;
mod tag;
mod time_range;
mod track;
mod unit;

pub use block::{Block, BlockData, BlockShape};
pub use branches::Branches;
pub use budget::Budget;
pub use commit::{ChangedLines, Commit};
pub use image::{Digest, ImageName, ImageRef};
pub use labels::{annotation, label};
pub use limits::{Limit, Limits};
pub use metric::MetricName;
pub use object::{Object, ObjectId};
pub use path::{RepoPath, SourceFile};
pub use per_track::PerTrack;
pub use reference::{BranchName, CommitPrefix, Reference, VersionRef};
pub use revision::{GitSha, Revision};
pub use secret::Secret;
pub use service::ServiceName;
pub use shown::{find_hidden, shown, written_out};
pub use strict_json::StrictJson;
pub use tag::Tag;
pub use time_range::TimeRange;
pub use track::Track;
pub use unit::{Scale, Unit, significant};

/// Derives the text forms of a validated string newtype `T(String)` that has `T::new`.
macro_rules! text_value {
    ($type:ident) => {
        impl $type {
            /// The value as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
        $crate::model::parsed_value!($type);
    };
}

/// `FromStr` and serde by `T::new` and `Display`, so that every way in validates.
macro_rules! parsed_value {
    ($type:ident) => {
        impl std::str::FromStr for $type {
            type Err = $crate::Error;
            fn from_str(text: &str) -> $crate::Result<Self> {
                Self::new(text)
            }
        }
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <String as serde::Deserialize>::deserialize(deserializer)?;
                Self::new(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}
use {parsed_value, text_value};
