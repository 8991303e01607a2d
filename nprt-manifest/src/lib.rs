//! The manifest transformer: from a service's Kubernetes manifests to the objects of one track of one
//! version. Pure functions: the same input gives the same bytes.
//!
//! [`read`] files to [`Manifests`], ask the registry for the [`images`] that take the version's tag, then
//! render [`stable`] or [`canary`]. Kinds and fields that it does not know pass through untouched.
//!
//! A canary is a second workload beside the stable one, and both may have a selector that matches the
//! other's pods: a stable Deployment that selects `app: web` matches the canary's too. Kubernetes tells
//! them apart by the pods' owner (and the ReplicaSets by their hash), so neither adopts nor removes the
//! other's. What goes by labels alone counts both: a Service, as it must, a PodDisruptionBudget, and a
//! HorizontalPodAutoscaler when it averages its metrics. [`StableSelector::AddTrack`] keeps them apart for
//! workloads that are new, and says how to get there with one that is not.
//!
//! ```
//! use nprt_manifest::{Settings, Version};
//! use nprt_core::model::{RepoPath, SourceFile};
//!
//! let text = "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: a, image: shop}]}}";
//! let file = SourceFile { path: RepoPath::new("pod.yaml")?, content: text.into() };
//! let manifests = nprt_manifest::read(&[file])?;
//! let version = Version {
//!     service: "shop".parse()?,
//!     revision: "3f2a91c0b1d2e3f4a5b6c7d8e9f0a1b2c3d4e5f6".parse()?,
//!     tag: "main-3f2a91c".parse()?,
//!     digests: Default::default(),
//! };
//! let rendered = nprt_manifest::stable(&manifests, &version, &Settings::default(), &[])?;
//! let pod = rendered.documents[0].object.as_value();
//! assert_eq!(pod["spec"]["containers"][0]["image"], "shop:main-3f2a91c");
//! assert_eq!(pod["metadata"]["labels"]["nprt.dev/service"], "shop");
//! # Ok::<(), nprt_core::Error>(())
//! ```

mod belongs;
mod canary;
mod change;
mod choose;
mod copies;
mod datadog;
mod diagnose;
mod document;
mod drift;
mod environment;
mod fields;
mod identity;
mod image;
mod input;
mod json;
mod label_names;
mod live;
mod made;
mod pair;
mod placement;
#[doc(hidden)]
pub mod places;
mod policies;
mod read;
mod references;
mod replicas;
mod reserved;
mod rewritten;
mod run;
mod selector;
mod selectors;
mod selects;
mod settings;
mod string_data;
mod surroundings;
mod template;
#[doc(hidden)]
pub mod traffic;
mod transform;
mod twin;
mod version;
mod workload;
mod yaml;

pub use canary::canary;
pub use change::{FieldChange, Rendered};
pub use document::{Document, Ignored, Manifests, Source};
pub use drift::{Drift, drift};
pub use image::images;
pub use input::Beside;
pub use label_names::LabelNames;
pub use read::{read, read_within};
pub use replicas::canary_replicas;
pub use settings::{CanarySettings, EnvironmentNames, Replicas, Settings, StableSelector, Traffic};
pub use transform::stable;
pub use version::Version;
pub use yaml::to_yaml;

/// What the pipeline needs beside; it may change with any version.
#[doc(hidden)]
pub mod parts {
    pub use crate::belongs::written_tag;
    pub use crate::canary::canary_within;
    pub use crate::pair::{Services, serves, services};
    pub use crate::reserved::refuse_name;
    pub use crate::run::{Run, is_job, was_run, when_run};
    pub use crate::transform::stable_within;
    pub use crate::version::label_value;
}

/// The README's snippet compiles and runs.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
