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
//! use nprt_core::manifest::{self, Settings, Version};
//! use nprt_core::model::{RepoPath, SourceFile};
//!
//! let text = "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: a, image: shop}]}}";
//! let file = SourceFile { path: RepoPath::new("pod.yaml")?, content: text.into() };
//! let manifests = manifest::read(&[file])?;
//! let version = Version {
//!     service: "shop".parse()?,
//!     revision: "3f2a91c0b1d2e3f4a5b6c7d8e9f0a1b2c3d4e5f6".parse()?,
//!     tag: "main-3f2a91c".parse()?,
//!     digests: Default::default(),
//! };
//! let rendered = manifest::stable(&manifests, &version, &Settings::default(), &[])?;
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
mod identity;
mod image;
mod json;
mod label_names;
mod live;
mod made;
mod pair;
mod placement;
pub(crate) mod places;
mod policies;
mod read;
mod references;
mod remedy;
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
pub(crate) mod traffic;
mod transform;
mod version;
mod workload;
mod yaml;

pub(crate) use belongs::written_tag;
pub(crate) use canary::canary_within;
pub use canary::{Beside, canary};
pub use change::{FieldChange, Rendered};
pub use document::{Document, Ignored, Manifests, Source};
pub use drift::{Drift, drift};
pub use image::images;
pub use label_names::LabelNames;
pub(crate) use pair::{Services, serves, services};
pub use read::{read, read_within};
pub use remedy::remedy;
pub use replicas::canary_replicas;
pub(crate) use reserved::refuse_name;
pub(crate) use run::{Run, is_job, was_run, when_run};
pub use settings::{CanarySettings, EnvironmentNames, Replicas, Settings, StableSelector, Traffic};
pub use transform::stable;
pub(crate) use transform::stable_within;
pub use version::Version;
pub(crate) use version::label_value;
pub use yaml::to_yaml;
