//! The Kubernetes backend of nprt: a [`Cluster`](nprt_core::ports::Cluster) that is one namespace of a real
//! cluster, through server-side apply with strict validation.
//!
//! ```no_run
//! use nprt_k8s::{KubernetesCluster, KubernetesConfig};
//!
//! # async fn connect() -> nprt_core::Result<()> {
//! let config = KubernetesConfig { namespace: Some("shop".into()), ..KubernetesConfig::default() };
//! let cluster = KubernetesCluster::builder(config).build().await?;
//! # Ok(())
//! # }
//! ```
//!
//! - It is whoever the context of a kubeconfig says (a token, a certificate, a credential plugin), the service
//!   account of its pod, or whom these may impersonate. Each is one identity in one namespace of one cluster; a
//!   process may have many.
//! - Fields are owned as the manager `nprt`. The first apply takes over what the tool set by which the object was
//!   made (`kubectl apply`, also `--server-side`, `kubectl create`, Helm), so that a field that the manifest lacks
//!   is dropped, and what people changed with kubectl since, where the manifest names it. It patches the object's
//!   owners, at the resource version that was read, and then applies. A dry run says what that would do, and whose
//!   fields it takes ([`Applied::adopts`](nprt_core::ports::Applied::adopts)): it has the server try one patch that
//!   makes of the object what both requests would, and writes nothing. `docs/adoption.md` lists which tools and edits
//!   were tried.
//! - A server default without an owner does not block an apply: if the server refuses the object because
//!   of one (`rollingUpdate` beside `strategy: {type: Recreate}`), the same apply removes it.
//! - What the server would have as it is, defaults filled in, is `Unchanged`. It is not written, not even where an
//!   apply that changes nothing makes the server write it again (a NetworkPolicy with `ingress: []`).
//! - A field of any other manager, such as that of `kubectl edit` or of a controller, is a `Conflict`, unless
//!   [`force_conflicts`](KubernetesConfig::force_conflicts) names the manager.
//! - Where a HorizontalPodAutoscaler or a ScaledObject (KEDA) of the namespace targets a workload, its live
//!   replicas stay, also when the manifest names none. They are looked for only where an apply would change
//!   the replicas. One that is new in the same deploy is applied before the workload; the dry run does not
//!   know it yet. A VerticalPodAutoscaler changes pods as they start
//!   or run, and no field of what is applied: nothing is to be kept.
//! - A service's lease is a `coordination.k8s.io` Lease named `nprt-<service>`. It says who holds it and for
//!   what, and while a version is replaced `nprt.dev/from` and `nprt.dev/to`, and by `nprt.dev/records` which record
//!   of that counts. It runs out once whoever asks has seen it without renewal for as long as it lasts, by a
//!   monotonic clock. Where this machine's time of day is off by more than 5 seconds, that of the API server's
//!   answers (`Date`) is written and compared instead.
//! - The API server refuses the writes of one who lost the lease: each names the very object that was read, by
//!   uid and resource version, or that there is none; and whoever takes a lease that was not given back in
//!   order changes the annotation `nprt.dev/epoch` of every object of the service first. That restarts no pod. An
//!   object that is made too late all the same is taken back by whoever made it, unless that process dies
//!   before it learns that the lease is lost: then it stays, with the epoch of that lease.
//! - A list covers the kinds that nprt has applied for the service: the Lease's annotation `nprt.dev/kinds`
//!   remembers them. For a service without a Lease it covers the usual kinds.
//! - While a lease is held, an object that was read is not read again to be changed, and is where the server
//!   says that it has changed. So a deploy asks little: two requests for each object, and about a dozen others.
//! - An HTTPRoute of the Gateway API by which a canary gets requests is one object as any other: its rules are
//!   one field, owned by whoever applied them. One that `kubectl apply` made is taken over; for one of a
//!   controller such as Flux or Argo CD, `force_conflicts` names its manager, and it must not put the route back
//!   meanwhile.
//! - A rollout that does not go on says why in its message: which pod, which container, what the cluster warned
//!   of, and the last five lines of a log after a crash. It fails when the Deployment's `progressDeadlineSeconds`
//!   have passed, never before: a crash loop may heal. StatefulSets and DaemonSets have no deadline; their
//!   message says what is wrong until the caller stops listening. A Job fails when Kubernetes gives it up
//!   (`backoffLimit`, `activeDeadlineSeconds`); the pod that failed, and its log, are there to tell with
//!   `restartPolicy: Never`.
//! - What happened to a workload is left on it as an Event (`events.k8s.io`), which `kubectl describe` shows and
//!   the cluster forgets after an hour, or as it is set.
//! - It supports Kubernetes 1.34 to 1.37, the last four minor versions, and is tested on 1.34 and 1.37.
//! - The binary chooses the version of Kubernetes' types, as k8s-openapi asks of it: it depends on `k8s-openapi` with
//!   one of its features `v1_*`. Choose the oldest version that you deploy to; `v1_34` suits all that are supported.
//!
#![doc = include_str!("example.md")]
//!
//! # Rights
//!
//! The tests run under this role, and for each right in it, and in the one below, one fails when it is taken away.
//! A kind beside those in it needs its own rule (`get`, `list`, `create`, `patch`, `delete`). A diagnosis says what
//! it may not read.
//!
//! ```yaml
#![doc = include_str!("../role.yaml")]
//! ```
//!
//! Kinds that give rights or are of the whole cluster, which a service may bring only where its `allow_kinds`
//! names them, need this beside it:
//!
//! ```yaml
#![doc = include_str!("../role-extra.yaml")]
//! ```

mod adopt;
mod apply;
mod autoscale;
mod backend;
mod belongs;
mod builder;
mod change;
mod client;
mod config;
mod connect;
mod contention;
mod delete;
mod discovery;
mod error;
mod event;
mod fields;
mod identity;
mod lease;
mod leftover;
mod list;
mod merge;
mod object;
mod operation;
mod owned;
mod owners;
mod reads;
mod refusal;
mod resource;
mod rollout;
mod server_time;
mod survey;
mod text;
mod write;
mod yaml_body;

pub use backend::KubernetesCluster;
pub use builder::KubernetesBuilder;
pub use config::{Impersonate, KubernetesConfig};

/// The README's snippet compiles and runs.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
