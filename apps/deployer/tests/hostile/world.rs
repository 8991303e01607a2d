//! A server with two services: `evil`, whose repository is hostile, and `good`.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use gix::ObjectId;
use serde_json::{Value, json};
use tokio::sync::{Mutex, MutexGuard};

use crate::support::{ADMIN, MANIFEST, Server, commits, images};
use crate::trees::{Entry, FILE, Repository, TREE};
use crate::watch::Watch;

/// One case after the other: what they measure is the server alone.
static TURN: Mutex<()> = Mutex::const_new(());

pub(crate) struct World {
    folder: tempfile::TempDir,
    pub(crate) repository: Repository,
    base: ObjectId,
    good: Vec<String>,
    _turn: MutexGuard<'static, ()>,
}

/// How a request ended.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
    pub(crate) took: Duration,
}

impl World {
    pub(crate) async fn new() -> Self {
        let turn = TURN.lock().await;
        let folder = tempfile::tempdir().unwrap();
        let good = commits(&folder.path().join("good"), &[("kubernetes/web.yaml", MANIFEST.as_bytes())]);
        let repository = Repository::make(&folder.path().join("evil"));
        let base = repository.tree([(TREE, "kubernetes".to_owned(), repository.tree([web(&repository)]))]);
        let base = repository.commit("base", None, "base", base);
        Self { folder, repository, base, good, _turn: turn }
    }

    /// A version whose manifests are these files, beside the one of the service.
    pub(crate) fn manifests(&self, name: &str, more: Vec<Entry>) -> String {
        let web = web(&self.repository);
        let manifests = self.repository.tree([web].into_iter().chain(more));
        let tree = self.repository.tree([(TREE, "kubernetes".to_owned(), manifests)]);
        self.version(name, tree)
    }

    /// A version whose repository has these entries beside the manifests.
    pub(crate) fn beside(&self, name: &str, more: Vec<Entry>) -> String {
        let manifests = self.repository.tree([web(&self.repository)]);
        let tree = self.repository.tree([(TREE, "kubernetes".to_owned(), manifests)].into_iter().chain(more));
        self.version(name, tree)
    }

    /// A version of this one manifest.
    pub(crate) fn of(&self, name: &str, manifest: &str) -> String {
        let file = (FILE, "web.yaml".to_owned(), self.repository.blob(manifest));
        self.version(
            name,
            self.repository.tree([(TREE, "kubernetes".to_owned(), self.repository.tree([file]))]),
        )
    }

    pub(crate) fn version(&self, name: &str, tree: ObjectId) -> String {
        tag(name, self.repository.commit(name, Some(self.base), name, tree))
    }

    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// Starts the server, for which these versions have images, and deploys both services once.
    pub(crate) async fn serve<'a>(&self, versions: impl IntoIterator<Item = &'a String>) -> Server {
        self.serve_with(versions, json!({}), json!({})).await
    }

    /// The same, with what `more` adds to its file, and `evil` to that service.
    pub(crate) async fn serve_with<'a>(
        &self,
        versions: impl IntoIterator<Item = &'a String>,
        more: Value,
        evil: Value,
    ) -> Server {
        let server = self.start(versions, more, evil).await;
        let base = put(&server, &format!("/evil/deploy?tag={}", tag("base", self.base))).await;
        assert_eq!(base.status, 200, "{base:?}");
        self.still_serves(&server).await;
        server
    }

    /// The same, without a deploy.
    pub(crate) async fn start<'a>(
        &self,
        versions: impl IntoIterator<Item = &'a String>,
        more: Value,
        evil: Value,
    ) -> Server {
        let base = tag("base", self.base);
        let tags: Vec<String> = versions.into_iter().cloned().chain([base.clone(), self.good()]).collect();
        images(&self.at("images/web"), &tags);
        let service = |name: &str| {
            json!({
                "name": name,
                "vcs": {"git": {"url": self.at(name)}},
                "registry": {"layout": {"root": self.at("images")}},
                "metrics": {"statsd": {"listen": "127.0.0.1:0"}},
                "cluster": {"memory": {"namespace": name}},
            })
        };
        let mut file = json!({
            "cache": self.at("cache"),
            "tokens": [{"name": "admin", "secret": ADMIN}],
            "autopilot": {"enabled": false},
            "pipeline": {"image_wait_seconds": 0},
            "services": [service("evil"), service("good")],
        });
        let extend = |into: &mut Value, more: Value| {
            into.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        };
        extend(&mut file["services"][0], evil);
        extend(&mut file, more);
        let config = self.at("deployer.yml");
        std::fs::write(&config, file.to_string()).unwrap();
        Server::serve(&config, ADMIN).await
    }

    fn good(&self) -> String {
        format!("main-{}", &self.good[0][..12])
    }

    /// The other service can be deployed.
    pub(crate) async fn still_serves(&self, server: &Server) {
        let good = put(server, &format!("/good/deploy?tag={}", self.good())).await;
        assert_eq!(good.status, 200, "{good:?}\n{}", server.log());
    }
}

pub(crate) fn watch(server: &Server) -> Watch {
    Watch::start(server.address(), server.pid())
}

pub(crate) async fn put(server: &Server, path: &str) -> Answer {
    let began = Instant::now();
    let (status, body) = server.put(path).await;
    Answer { status: status.as_u16(), body, took: began.elapsed() }
}

fn tag(branch: &str, commit: ObjectId) -> String {
    format!("{branch}-{}", &commit.to_string()[..12])
}

fn web(repository: &Repository) -> Entry {
    (FILE, "web.yaml".to_owned(), repository.blob(MANIFEST))
}
