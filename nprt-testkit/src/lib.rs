//! Real servers for tests and demos: one file a server, each started on free loopback ports and stopped when
//! its value is dropped. A suite that needs one asks through [`need`], so that it never skips in silence.

mod apache;
pub mod build;
mod chromium;
mod control_plane;
mod git_http;
mod git_ssh;
mod mod_dav_svn;
mod need;
pub mod process;
mod prometheus;
#[cfg(feature = "registry")]
mod registry;
mod svn;
mod svnserve;
mod tls;
mod tool;

pub use apache::{PASSWORD, USER};
pub use chromium::{Chromium, Look, Scheme};
pub use control_plane::{
    AuditedRequest, ControlPlane, ControlPlaneOptions, Gate, GateRequest, Held, Kubectl, KubectlFailed,
};
pub use git_http::{GitHttp, GitHttpOptions};
pub use git_ssh::GitSsh;
pub use mod_dav_svn::ModDavSvn;
pub use need::{Missing, need};
pub use prometheus::Prometheus;
#[cfg(feature = "registry")]
pub use registry::{Access, Registry};
pub use svnserve::Svnserve;
pub use tool::tool;
