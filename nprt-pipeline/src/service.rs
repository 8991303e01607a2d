use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use nprt_compare::{Policy, Preset};
use nprt_core::model::{Branches, ImageName, RepoPath, ServiceName};
use nprt_core::ports::{Cluster, ImageRegistry, MetricsBackend, Notifier, VcsSource};
use nprt_core::{Error, ErrorKind, Result};
use nprt_manifest::Settings;
use serde::{Deserialize, Serialize};

/// What to do about drift: fields that others have set on the live stable objects (`kubectl set env`, `kubectl patch`,
/// what a Helm release left behind) stay there when a version is promoted, and a canary from the manifests lacks them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DriftPolicy {
    /// Start the canary without them, and name them in the answer, in the status, with the verdict and in the report.
    #[default]
    Warn,
    /// Refuse the canary, and the promotion of one that lacks them.
    Refuse,
    /// Give the canary the same fields.
    Carry,
}

/// What is deployed, as it stands in a configuration file.
///
/// ```
/// use nprt_pipeline::Service;
/// let service: Service = serde_json::from_str(r#"{"name": "shop"}"#)?;
/// assert_eq!(service.manifests.as_str(), "kubernetes");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// Its name.
    pub name: ServiceName,
    /// Where its manifests are in the repository; `kubernetes` by default, so that one repository can hold
    /// many services.
    #[serde(default = "default_path")]
    pub manifests: RepoPath,
    /// How the manifests are transformed.
    #[serde(default)]
    pub transform: Settings,
    /// The images of its versions whose tags the manifests spell out, as Helm and kustomize render them:
    /// `shop/web` for `shop/web:v1.2.4`. By default none: a version then has only the images without tag and
    /// digest. They decide which workloads [belong to a version](Settings::images).
    #[serde(default)]
    pub images: BTreeSet<ImageName>,
    /// What a canary must keep to; the preset `default` by default.
    #[serde(default = "default_policy")]
    pub policy: Policy,
    /// Whether a deploy deletes stable's objects that the manifests no longer hold, once the pods of all
    /// workloads are ready. By default it does not, as kubectl and Argo CD do not, and warns instead: all
    /// else that a deploy does is undone by another one, and a moved folder would delete what serves.
    ///
    /// Deleted is only what has this service's label, is of a kind that the cluster lists, and does not say
    /// [`nprt.dev/prune: "false"`](nprt_core::model::annotation::PRUNE); never a Namespace, a
    /// CustomResourceDefinition, a PersistentVolume or a PersistentVolumeClaim.
    #[serde(default)]
    pub prune: bool,
    /// Kinds that the service may bring although they give rights, change what the API server answers, or are
    /// of the whole cluster: `group/Kind`, or `Kind` alone for the core group, such as
    /// `rbac.authorization.k8s.io/Role` and `Namespace`. By default none. All others of these are refused before
    /// anything changes: Namespaces, CustomResourceDefinitions, all kinds of RBAC and admission, and whatever
    /// the cluster says has no namespace.
    ///
    /// The cluster must allow them too: for Kubernetes, `role-extra.yaml` of nprt-k8s says how. What is of the
    /// whole cluster has no namespace to be listed in, so it is never pruned.
    ///
    /// An object that names another namespace than the cluster's is always refused: a service lives in one.
    #[serde(default)]
    pub allow_kinds: BTreeSet<String>,
    /// The services whose objects this one may take over, such as those from which it was split off. By default
    /// none: an object that belongs to another service (its label `nprt.dev/service`) is refused before anything
    /// changes.
    #[serde(default)]
    pub take_over: BTreeSet<ServiceName>,
    /// What to do if others have set fields on the live stable objects, so that a canary would differ from its
    /// promotion.
    #[serde(default)]
    pub drift: DriftPolicy,
    /// The branches that may be deployed, start a canary and be promoted; by default all. What is of another one, by
    /// the request or by the [tag](Branches::allow_tag) of its images, is refused before anything changes.
    #[serde(default)]
    pub deployable_branches: Branches,
}

/// The outside, as one service sees it. Services may share any of it.
#[derive(Debug, Clone)]
pub struct Ports {
    /// The repository of its manifests.
    pub vcs: Arc<dyn VcsSource>,
    /// Where its images are.
    pub registry: Arc<dyn ImageRegistry>,
    /// Where its measurements are.
    pub metrics: Arc<dyn MetricsBackend>,
    /// Where it runs.
    pub cluster: Arc<dyn Cluster>,
    /// Who is told.
    pub notifier: Arc<dyn Notifier>,
}

/// The services that a pipeline knows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Services(BTreeMap<ServiceName, (Service, Ports)>);

fn default_policy() -> Policy {
    Policy::preset(Preset::Default)
}

fn default_path() -> RepoPath {
    RepoPath::kubernetes()
}

impl Service {
    /// A service with all defaults.
    #[must_use]
    pub fn new(name: ServiceName) -> Self {
        let (transform, policy) = (Settings::default(), default_policy());
        Self {
            name,
            manifests: default_path(),
            transform,
            images: BTreeSet::new(),
            policy,
            prune: false,
            allow_kinds: BTreeSet::new(),
            take_over: BTreeSet::new(),
            drift: DriftPolicy::default(),
            deployable_branches: Branches::default(),
        }
    }
}

impl Services {
    pub(crate) fn insert(&mut self, service: Service, ports: Ports) {
        self.0.insert(service.name.clone(), (service, ports));
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Service> {
        self.0.values().map(|(service, _)| service)
    }

    pub(crate) fn get(&self, name: &ServiceName) -> Result<&(Service, Ports)> {
        self.0.get(name).ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "pipeline.service", "no such service")
                .with("service", name)
                .with_available(self.0.keys())
        })
    }
}
