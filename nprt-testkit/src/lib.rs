//! Real servers for tests and demos: one file a server, each started on free loopback ports and stopped when
//! its value is dropped. A suite that needs one asks through [`need`], so that it never skips in silence.

pub mod build;
mod control_plane;
mod need;
pub mod process;

pub use control_plane::{ControlPlane, ControlPlaneOptions, Kubectl, KubectlFailed};
pub use need::{Missing, need};
