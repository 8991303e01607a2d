//! What a team has: a repository on a server, a registry, and namespaces of a cluster.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::future::join_all;
use nprt::model::Revision;
use nprt_shop::Repository;
use nprt_testkit::{Access, ControlPlane, Gate, GitHttp, GitHttpOptions, Registry, Shop, ShopVersion, need};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::RwLock;

use crate::support::{ADMIN, Server, Steps};

/// The control plane of this binary. Whoever measures something has it alone.
pub(crate) async fn plane() -> Option<&'static RwLock<ControlPlane>> {
    need(ControlPlane::shared_lock().await)
}

/// A repository with the shop, its images, and a namespace for each of the services `shop-0` and so on, which all
/// deploy from it.
pub(crate) struct World {
    pub(crate) shops: Vec<Shop>,
    pub(crate) git: GitHttp,
    registry: Registry,
    pub(crate) folder: TempDir,
    versions: AtomicU64,
    /// The repository, and its newest commit.
    main: Mutex<(Repository, Option<Revision>)>,
}

/// A version of the shop, in the repository.
#[derive(Debug, Clone)]
pub(crate) struct Commit {
    pub(crate) n: u64,
    pub(crate) sha: String,
    pub(crate) tag: String,
    pub(crate) manifests: String,
}

impl From<&Commit> for ShopVersion {
    fn from(commit: &Commit) -> Self {
        Self { n: commit.n, more: false, tag: commit.tag.clone() }
    }
}

impl World {
    pub(crate) async fn new(plane: &ControlPlane, name: &str, shops: usize) -> Option<Self> {
        let git = need(GitHttp::start(GitHttpOptions::default()).await)?;
        let registry = need(Registry::start(Access::Anonymous).await)?;
        let repository = Repository::open(&git.repository("shop.git").unwrap()).unwrap();
        let shops = join_all((0..shops).map(|_| Shop::new(plane, name))).await;
        Some(Self {
            shops: shops.into_iter().map(Result::unwrap).collect(),
            git,
            registry,
            folder: tempfile::tempdir().unwrap(),
            versions: AtomicU64::new(1),
            main: Mutex::new((repository, None)),
        })
    }

    /// Commits a new version on `main`, and pushes its images as CI does.
    pub(crate) async fn commit(&self) -> Commit {
        self.commit_with(|manifests| manifests).await
    }

    /// The same, of which the manifests are changed.
    pub(crate) async fn commit_with(&self, change: impl FnOnce(String) -> String) -> Commit {
        let n = self.versions.fetch_add(1, Ordering::Relaxed);
        let images = ["web", "worker"].map(|name| format!("{}/shop/{name}", self.registry.host()));
        let manifests = change(ShopVersion::manifests(n, false, [&images[0], &images[1]]));
        let sha = self.write(&manifests, n);
        let tag = format!("main-{}", &sha[..12]);
        for name in ["shop/web", "shop/worker"] {
            self.registry.push(name, &[&tag], &tag).await.unwrap();
        }
        Commit { n, sha, tag, manifests }
    }

    fn write(&self, manifests: &str, n: u64) -> String {
        let (repository, head) = &mut *self.main.lock().unwrap();
        let files = [("kubernetes/shop.yaml", manifests.as_bytes())];
        let commit = repository.commit("main", head.as_ref(), &format!("version {n}"), &files).unwrap();
        head.insert(commit).to_string()
    }

    /// A server of all services, as the replica `name`, which has its own cache; `more` is added to its file.
    pub(crate) async fn server(&self, name: &str, more: &Value) -> Server {
        self.server_by(&self.config(name, more), name).await
    }

    /// The same, through a door before the API server, for the first shop.
    pub(crate) async fn server_through(&self, gate: &Gate, name: &str, more: &Value) -> Server {
        let path = self.config(name, more);
        let mut file: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        file["services"][0]["cluster"]["kubernetes"]["kubeconfig"] = json!(gate.kubeconfig());
        std::fs::write(&path, file.to_string()).unwrap();
        self.server_by(&path, name).await
    }

    async fn server_by(&self, config: &Path, name: &str) -> Server {
        Server::serve_with(config, ADMIN, &[("HOSTNAME", name.to_owned())]).await
    }

    /// The file of that server.
    pub(crate) fn config(&self, name: &str, more: &Value) -> PathBuf {
        let services: Vec<Value> =
            self.shops.iter().enumerate().map(|(number, shop)| self.service(number, shop)).collect();
        let mut file = json!({
            "cache": self.folder.path().join(format!("cache-{name}")),
            "tokens": [{"name": "ci", "secret": ADMIN}],
            "pipeline": {"rollout_seconds": 120, "image_wait_seconds": 0},
            "services": services,
        });
        file.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let path = self.folder.path().join(format!("{name}.yml"));
        std::fs::write(&path, file.to_string()).unwrap();
        path
    }

    fn service(&self, number: usize, shop: &Shop) -> Value {
        let kubeconfig: &Path = shop.user.kubeconfig();
        json!({
            "name": format!("shop-{number}"),
            "vcs": {"git": {"url": self.git.url("shop.git")}},
            "registry": {"oci": {"docker_config": {"enabled": false}}},
            "metrics": {"statsd": {"listen": "127.0.0.1:0"}},
            "cluster": {"kubernetes": {"kubeconfig": kubeconfig, "namespace": shop.namespace}},
        })
    }
}

/// The path that makes `commit` stable in the shop of that number, waiting for others for so many seconds.
pub(crate) fn deploy(shop: usize, commit: &Commit, wait: u64) -> String {
    format!("/shop-{shop}/deploy?commit={}&wait={wait}", commit.sha)
}

/// Waits until all objects of a shop are applied.
pub(crate) async fn until_applied(steps: &mut Steps) {
    let mut left = Shop::OBJECTS;
    while left > 0 {
        let (name, data) = steps.next().await.expect("it goes on");
        assert_eq!(name, "progress", "{data}");
        left -= usize::from(data["event"] == "applied");
    }
}
