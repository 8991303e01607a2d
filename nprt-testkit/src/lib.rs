//! Real servers for tests and demos: one file a server, each started on free loopback ports and stopped when
//! its value is dropped. A suite that needs one asks through [`need`], so that it never skips in silence.
//!
//! What is sold as a service alone has a fake that keeps the rules of its public documentation, by the feature
//! `notify`: `FakeSlack`, `FakeBugsnag`; `WebhookReceiver` verifies what it gets by the convention's own library.

mod apache;
pub mod build;
mod chromium;
mod control_plane;
mod envoy;
#[cfg(feature = "notify")]
mod fake_bugsnag;
#[cfg(feature = "notify")]
mod fake_slack;
mod git_http;
mod git_ssh;
mod mod_dav_svn;
mod need;
pub mod process;
mod prometheus;
#[cfg(feature = "registry")]
mod registry;
pub mod reliability;
mod shop;
mod svn;
mod svnserve;
mod tls;
mod tool;
mod traefik;
#[cfg(feature = "notify")]
mod webhook_receiver;

pub use apache::{PASSWORD, USER};
pub use chromium::{Chromium, Look, Scheme};
pub use control_plane::{
    AuditedRequest, ControlPlane, ControlPlaneOptions, Gate, GateRequest, Held, Kubectl, KubectlFailed,
    KubernetesVersion,
};
pub use envoy::Envoy;
#[cfg(feature = "notify")]
pub use fake_bugsnag::FakeBugsnag;
#[cfg(feature = "notify")]
pub use fake_slack::FakeSlack;
pub use git_http::{GitHttp, GitHttpOptions};
pub use git_ssh::GitSsh;
pub use mod_dav_svn::ModDavSvn;
pub use need::{Missing, need};
pub use prometheus::Prometheus;
#[cfg(feature = "registry")]
pub use registry::{Access, Registry};
pub use shop::{Shop, ShopState, ShopVersion};
pub use svnserve::Svnserve;
pub use tool::tool;
pub use traefik::Traefik;
#[cfg(feature = "notify")]
pub use webhook_receiver::WebhookReceiver;
