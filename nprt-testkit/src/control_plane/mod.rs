//! A real Kubernetes control plane on loopback: etcd, API server, controller manager and scheduler, with
//! simulated nodes (kwok).
//!
//! Real are API validation, server-side apply, admission, RBAC, garbage collection, the controllers of
//! workloads, events, scheduling and quotas. Simulated are containers: a pod becomes ready at once, or, with
//! the annotation `sim/behaviour: crash-loop | image-pull | never-ready` (or `fail` in a Job), fails as a kubelet
//! would report it (`cluster/failures.yaml`); each container has the log of one that crashed (`cluster/crash.log`). It starts
//! in 5 to 10 seconds and takes some 560 MB: tests of one binary share one ([`ControlPlane::shared`]), each in a
//! [namespace](ControlPlane::namespace) of its own.

mod accounts;
mod audit;
mod gate;
mod gateway;
mod janitor;
mod kubectl;
mod pki;
mod servers;
mod version;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use tempfile::TempDir;
use tokio::sync::{OnceCell, RwLock};

use crate::process::Process;
use crate::{Missing, build};
use accounts::{client_certificate, write_kubeconfig};
pub use audit::AuditedRequest;
pub use gate::{Gate, GateRequest, Held};
use janitor::Janitor;
pub use kubectl::{Kubectl, KubectlFailed};
use servers::Servers;
pub use version::KubernetesVersion;

/// The name in messages and in the cache.
const NAME: &str = "cluster";

/// The recipes of the programs.
const RECIPE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/cluster");

/// How to start a [`ControlPlane`].
#[derive(Debug, Clone)]
pub struct ControlPlaneOptions {
    /// The version of Kubernetes; where `None`, the one that [the environment](KubernetesVersion::from_environment)
    /// chooses.
    pub version: Option<KubernetesVersion>,
    /// How many nodes to simulate.
    pub nodes: u32,
    /// Where to keep its state, for a later start too; else in a temporary folder.
    pub data: Option<PathBuf>,
}

impl Default for ControlPlaneOptions {
    fn default() -> Self {
        Self { version: None, nodes: 3, data: None }
    }
}

/// A running control plane; stopped when dropped, and when the process ends in any other way.
#[derive(Debug)]
pub struct ControlPlane {
    // Dropped in this order: first what talks to the others.
    clients: Vec<Process>,
    api: Process,
    etcd: Process,
    janitor: Janitor,
    servers: Servers,
    admin: Kubectl,
    names: AtomicU32,
    _temporary: Option<TempDir>,
}

impl ControlPlane {
    /// Builds the programs of a version (that of [the environment](KubernetesVersion::from_environment) where
    /// `None`) if they are not there (several minutes, once; `say` is told), and returns their folder.
    ///
    /// # Errors
    /// [`Missing`] when the environment names an unknown version, Go is not there or the build fails.
    pub async fn build(
        version: Option<KubernetesVersion>,
        say: impl FnOnce(&str) + Send + 'static,
    ) -> Result<PathBuf, Missing> {
        let version = version.map_or_else(KubernetesVersion::from_environment, Ok)?;
        tokio::task::spawn_blocking(move || build::programs(&version.recipe(), say))
            .await
            .map_err(|error| Missing::new(NAME, error))?
    }

    /// Starts one with three nodes.
    ///
    /// # Errors
    /// [`Missing`] when it cannot be built or a server does not start.
    pub async fn start() -> Result<Self, Missing> {
        Self::start_with(ControlPlaneOptions::default()).await
    }

    /// Starts one.
    ///
    /// # Errors
    /// As [`start`](ControlPlane::start).
    pub async fn start_with(options: ControlPlaneOptions) -> Result<Self, Missing> {
        #[expect(clippy::print_stderr, reason = "a test that builds for minutes says so")]
        let programs = Self::build(options.version, |what| eprintln!("{what}")).await?;
        let missing = |error: std::io::Error| Missing::new(NAME, error);
        let (data, temporary) = match options.data {
            Some(data) => (data, None),
            None => {
                let folder = TempDir::with_prefix("nprt-cluster-").map_err(missing)?;
                (folder.path().to_owned(), Some(folder))
            }
        };
        std::fs::create_dir_all(&data).map_err(missing)?;
        // Servers get absolute paths, so that the folder may be given relatively.
        let data = data.canonicalize().map_err(missing)?;
        let mut janitor = Janitor::start(temporary.as_ref().map(TempDir::path))?;
        let servers = Servers::new(programs, data)?;

        let etcd = spawn(&servers, &mut janitor, "etcd", servers.etcd())?;
        let api = spawn(&servers, &mut janitor, "kube-apiserver", servers.api_server())?;
        let admin = Kubectl::new(servers.program("kubectl"), servers.kubeconfig());
        write_kubeconfig(&servers, &servers.kubeconfig(), &client_certificate(&servers))?;
        let mut plane = Self {
            clients: Vec::new(),
            api,
            etcd,
            janitor,
            servers,
            admin,
            names: AtomicU32::new(0),
            _temporary: temporary,
        };
        plane.wait_until_ready().await?;
        plane.start_clients()?;
        plane.add_nodes(options.nodes).await?;
        plane.wait_for_service_account("default").await?;
        Ok(plane)
    }

    /// The one that all tests of this process share; started by the first that asks.
    ///
    /// # Errors
    /// As [`start`](ControlPlane::start).
    pub async fn shared() -> Result<&'static Self, Missing> {
        static SHARED: OnceCell<Result<ControlPlane, Missing>> = OnceCell::const_new();
        SHARED.get_or_init(Self::start).await.as_ref().map_err(Missing::clone)
    }

    /// The same, for tests of which some need it alone: whoever kills its API server, or measures something, takes
    /// it for writing. It is another one than [`shared`](ControlPlane::shared) gives.
    ///
    /// # Errors
    /// As [`start`](ControlPlane::start).
    pub async fn shared_lock() -> Result<&'static RwLock<Self>, Missing> {
        static SHARED: OnceCell<Result<RwLock<ControlPlane>, Missing>> = OnceCell::const_new();
        let start = || async { Self::start().await.map(RwLock::new) };
        SHARED.get_or_init(start).await.as_ref().map_err(Missing::clone)
    }

    /// The kubeconfig of a cluster admin.
    #[must_use]
    pub fn kubeconfig(&self) -> &Path {
        self.admin.kubeconfig()
    }

    /// kubectl as a cluster admin.
    #[must_use]
    pub fn kubectl(&self) -> &Kubectl {
        &self.admin
    }

    /// Makes a namespace whose name begins with `prefix` and is new in this control plane.
    ///
    /// # Errors
    /// [`Missing`] when the server refuses it.
    pub async fn namespace(&self, prefix: &str) -> Result<String, Missing> {
        let number = self.names.fetch_add(1, Ordering::Relaxed);
        let name = format!("{prefix}-{}-{number}", std::process::id());
        self.kubectl_or_missing(&["create", "namespace", &name], "").await?;
        self.wait_for_service_account(&name).await?;
        Ok(name)
    }

    /// A door to the API server for `user`, at which single requests can be held.
    ///
    /// # Errors
    /// [`Missing`] when it cannot be made.
    pub async fn gate(&self, user: &Kubectl) -> Result<Gate, Missing> {
        let gate = Gate::open(self.servers.api, &self.servers.pki.file("ca.crt"), user.kubeconfig()).await;
        gate.map_err(|error| Missing::new(NAME, format_args!("gate: {error}")))
    }

    /// What the service account was seen to ask, in the order in which it ended, watches where they began.
    ///
    /// # Errors
    /// [`Missing`] when the audit log cannot be read.
    pub async fn requests(&self, namespace: &str, name: &str) -> Result<Vec<AuditedRequest>, Missing> {
        let user = format!("system:serviceaccount:{namespace}:{name}");
        audit::requests(&self.servers.audit_log(), &user).await
    }

    /// Kills the API server at once (SIGKILL).
    pub fn kill_api_server(&mut self) {
        self.api.kill();
    }

    /// Starts the API server again, on the same address and data, and waits until it is ready.
    ///
    /// # Errors
    /// [`Missing`] when it does not start.
    pub async fn restart_api_server(&mut self) -> Result<(), Missing> {
        self.api.kill();
        self.api = spawn(&self.servers, &mut self.janitor, "kube-apiserver", self.servers.api_server())?;
        self.restart_clients().await
    }

    /// Kills etcd at once (SIGKILL): the API server stays, and can neither read nor write.
    pub fn kill_etcd(&mut self) {
        self.etcd.kill();
    }

    /// Starts etcd again, on the same address and data, and waits until the API server is ready.
    ///
    /// # Errors
    /// [`Missing`] when it does not start.
    pub async fn restart_etcd(&mut self) -> Result<(), Missing> {
        self.etcd.kill();
        self.etcd = spawn(&self.servers, &mut self.janitor, "etcd", self.servers.etcd())?;
        self.restart_clients().await
    }

    /// Controllers, scheduler and nodes begin anew: else they would look again after a pause that grows with each
    /// outage, to a minute, and find themselves forbidden by a server that does not know its roles yet.
    async fn restart_clients(&mut self) -> Result<(), Missing> {
        self.wait_until_ready().await?;
        self.clients.clear();
        // Those of the nodes, which would run out first.
        self.kubectl_or_missing(&["delete", "leases", "-n", "kube-node-lease", "--all"], "").await?;
        self.start_clients()
    }

    fn start_clients(&mut self) -> Result<(), Missing> {
        for (name, command) in [
            ("kube-controller-manager", self.servers.controller_manager()),
            ("kube-scheduler", self.servers.scheduler()),
            ("kwok", self.servers.kwok()?),
        ] {
            self.clients.push(spawn(&self.servers, &mut self.janitor, name, command)?);
        }
        Ok(())
    }

    async fn wait_until_ready(&mut self) -> Result<(), Missing> {
        let deadline = Instant::now() + Duration::from_secs(60);
        self.api.wait_for_port(self.servers.api).await?;
        while self.admin.run(&["get", "--raw", "/readyz"]).await.is_err() {
            self.api.check(deadline)?;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    async fn add_nodes(&self, nodes: u32) -> Result<(), Missing> {
        if nodes == 0 {
            return Ok(());
        }
        let node = |name: String| {
            let labels = json!({
                "kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"
            });
            json!({ "apiVersion": "v1", "kind": "Node", "metadata": { "name": name, "labels": labels } })
        };
        let items: Vec<_> = (0..nodes).map(|i| node(format!("node-{i}"))).collect();
        let list = json!({ "apiVersion": "v1", "kind": "List", "items": items });
        self.kubectl_or_missing(&["apply", "--server-side", "-f", "-"], &list.to_string()).await?;
        self.kubectl_or_missing(&["wait", "--for=condition=Ready", "node", "--all", "--timeout=60s"], "")
            .await?;
        Ok(())
    }

    /// Pods are refused until the controllers have made the namespace's default account.
    async fn wait_for_service_account(&self, namespace: &str) -> Result<(), Missing> {
        let account = ["-n", namespace, "wait", "--for=create", "serviceaccount/default", "--timeout=30s"];
        self.kubectl_or_missing(&account, "").await.map(drop)
    }

    async fn kubectl_or_missing(&self, args: &[&str], input: &str) -> Result<String, Missing> {
        self.admin.run_with_input(args, input).await.map_err(|error| Missing::new(NAME, error))
    }
}

fn spawn(
    servers: &Servers,
    janitor: &mut Janitor,
    name: &'static str,
    mut command: std::process::Command,
) -> Result<Process, Missing> {
    let process = Process::start(name, &mut command, &servers.data.join(format!("{name}.log")))?;
    janitor.watch(process.id())?;
    Ok(process)
}
