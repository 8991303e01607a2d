//! What a cache survives: other processes, killed ones, and what they leave.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use nprt_core::conformance::vcs::Edit;
use nprt_core::model::{Budget, Commit, RepoPath};
use nprt_core::ports::VcsSource;
use nprt_testkit::{GitHttp, GitHttpOptions, need};
use nprt_vcs::git::GitSource;
use tempfile::TempDir;

use crate::writer::Writer;

struct Setting {
    server: GitHttp,
    writer: Writer,
    cache: TempDir,
}

impl Setting {
    async fn start() -> Option<Self> {
        let server = need(GitHttp::start(GitHttpOptions::default()).await)?;
        let writer = Writer::new(server.repository("shop.git").unwrap());
        Some(Self { server, writer, cache: TempDir::new().unwrap() })
    }

    fn source(&self) -> GitSource {
        GitSource::builder(self.server.url("shop.git")).cache(self.cache.path()).build().unwrap()
    }

    fn commit(&self, content: &str) -> Commit {
        self.writer.write("main", content, &[("a", Edit::File(content))])
    }

    /// The one directory of the cache.
    fn directory(&self) -> PathBuf {
        fs::read_dir(self.cache.path()).unwrap().next().unwrap().unwrap().path()
    }
}

async fn serves(source: &GitSource, commit: &Commit) {
    let short = commit.revision.short();
    for reference in ["main", &commit.revision.to_string(), &short] {
        let resolved = source.resolve(&reference.parse().unwrap()).await;
        let resolved = resolved.unwrap_or_else(|error| panic!("{reference}: {error:?}"));
        assert_eq!(resolved.revision, commit.revision, "{reference}");
    }
    let files =
        source.read(&commit.revision, &RepoPath::new("a").unwrap(), &Budget::default()).await.unwrap();
    assert_eq!(files[0].content, commit.message);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_commit_is_a_shallow_copy_until_there_are_many() {
    let Some(setting) = Setting::start().await else { return };
    let source = setting.source();
    for n in 0..12 {
        let commit = setting.commit(&format!("{n}"));
        let resolved = source.resolve(&"main".parse().unwrap()).await.unwrap();
        assert_eq!(resolved.revision, commit.revision);
        let copy = setting.directory().join(format!("copies/{}.git", commit.revision));
        assert_eq!(copy.exists(), n < 8, "commit {n}");
        assert_eq!(copy.join("shallow").exists(), (1..8).contains(&n), "commit {n}");
        assert_eq!(setting.directory().join("mirror.git").exists(), n >= 8, "commit {n}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_commit_is_two_requests() {
    let Some(setting) = Setting::start().await else { return };
    let source = setting.source();
    for n in 0..10 {
        let (commit, before) = (setting.commit(&format!("{n}")), setting.server.requests().len());
        source.resolve(&commit.revision.to_string().parse().unwrap()).await.unwrap();
        source.read(&commit.revision, &RepoPath::new(".").unwrap(), &Budget::default()).await.unwrap();
        let asked = async || {
            while setting.server.requests().len() < before + 2 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), asked()).await.unwrap();
        let asked = setting.server.requests().split_off(before);
        let wanted =
            ["GET /git/shop.git/info/refs?service=git-upload-pack", "POST /git/shop.git/git-upload-pack"];
        assert_eq!(asked, wanted, "commit {n}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fetches_leave_no_file_each_to_look_into() {
    let Some(setting) = Setting::start().await else { return };
    for n in 0..3 {
        serves(&setting.source(), &setting.commit(&format!("{n}"))).await;
    }
    let packs = || fs::read_dir(setting.directory().join("mirror.git/objects/pack")).unwrap().count();
    assert_eq!(packs(), 0, "few objects are files of their own");
    let files: Vec<(String, String)> = (0..150).map(|n| (format!("f{n}"), format!("{n}\n"))).collect();
    let edits: Vec<_> = files.iter().map(|(name, content)| (&**name, Edit::File(content))).collect();
    let large = setting.writer.write("large", "many files", &edits);
    let source = setting.source();
    source.resolve(&large.revision.short().parse().unwrap()).await.unwrap();
    assert_eq!(packs(), 2, "many are a pack and its index");
    serves(&source, &setting.commit("and on")).await;
    let files = source.read(&large.revision, &RepoPath::new(".").unwrap(), &Budget::default()).await.unwrap();
    assert_eq!(files.len(), 150);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_process_left_breaks_nothing() {
    let Some(setting) = Setting::start().await else { return };
    let first = setting.commit("first");
    serves(&setting.source(), &first).await;

    let directory = setting.directory();
    let second = setting.commit("second");
    let half = [directory.join(format!("copies/{}.git", second.revision)), directory.join("temporary/half")];
    for half in &half {
        fs::create_dir_all(half.join("objects/pack")).unwrap();
        fs::write(half.join("objects/pack/pack-1.pack"), "PACK").unwrap();
        fs::write(half.join("HEAD"), "ref: refs/heads/main\n").unwrap();
    }
    let mirror = directory.join("mirror.git");
    for lock in ["shallow.lock", "packed-refs.lock", "HEAD.lock", "config.lock"] {
        fs::write(mirror.join(lock), "").unwrap();
    }
    let rests = [".tmp1", ".tmp2"].map(|name| mirror.join(name));
    fs::write(&rests[0], "").unwrap();
    fs::create_dir(&rests[1]).unwrap();
    serves(&setting.source(), &second).await;
    assert!(!rests.iter().any(|rest| rest.exists()), "and what its writers left");
    assert!(!half[1].exists(), "what no process holds is removed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_mirror_is_made_anew() {
    let Some(setting) = Setting::start().await else { return };
    for (n, damage) in [garbage as fn(&Path), no_objects, no_trees, a_file].into_iter().enumerate() {
        let commit = setting.commit(&format!("{n}"));
        serves(&setting.source(), &commit).await;
        damage(&setting.directory().join("mirror.git"));
        let commit = setting.commit(&format!("{n} after the damage"));
        serves(&setting.source(), &commit).await;
    }
}

fn garbage(mirror: &Path) {
    fs::remove_dir_all(mirror).unwrap();
    fs::create_dir_all(mirror.join("objects")).unwrap();
    fs::write(mirror.join("HEAD"), "garbage").unwrap();
}

fn no_objects(mirror: &Path) {
    fs::remove_dir_all(mirror.join("objects")).unwrap();
    fs::create_dir_all(mirror.join("objects")).unwrap();
}

fn no_trees(mirror: &Path) {
    let mut git = Command::new("git");
    let arguments = ["cat-file", "--batch-all-objects", "--batch-check"];
    let output = git.arg("--git-dir").arg(mirror).args(arguments).output().unwrap();
    let mut removed = 0;
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let [object, kind, _] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        if kind == "tree" {
            fs::remove_file(mirror.join("objects").join(&object[..2]).join(&object[2..])).unwrap();
            removed += 1;
        }
    }
    assert!(removed > 0);
}

fn a_file(mirror: &Path) {
    fs::remove_dir_all(mirror).unwrap();
    fs::write(mirror, "no directory").unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn repositories_of_one_name_never_share() {
    let Some(setting) = Setting::start().await else { return };
    let Some(other) = Setting::start().await else { return };
    let commits = [setting.commit("ours"), other.commit("theirs")];
    let source = GitSource::builder(other.server.url("shop.git")).cache(setting.cache.path());
    serves(&setting.source(), &commits[0]).await;
    serves(&source.build().unwrap(), &commits[1]).await;
    serves(&setting.source(), &commits[0]).await;
}

const CHILD: &str = "NPRT_TEST_GIT_CHILD";

/// Several processes work on one cache at the same time, and some are killed.
#[tokio::test(flavor = "multi_thread")]
async fn processes_share_a_cache_and_may_be_killed() {
    if let Ok(arguments) = std::env::var(CHILD) {
        return child(&arguments).await;
    }
    let Some(setting) = Setting::start().await else { return };
    let commit = setting.commit("first");
    let spawn = || -> Child {
        let arguments = format!("{} {}", setting.server.url("shop.git"), setting.cache.path().display());
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "cache::processes_share_a_cache_and_may_be_killed"])
            .env(CHILD, arguments)
            .spawn()
            .unwrap()
    };
    for millis in [10, 30, 60, 100] {
        let mut killed = spawn();
        tokio::time::sleep(Duration::from_millis(millis)).await;
        killed.kill().unwrap();
        killed.wait().unwrap();
    }
    let children: Vec<Child> = (0..3).map(|_| spawn()).collect();
    serves(&setting.source(), &commit).await;
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let commit = setting.commit("second");
    serves(&setting.source(), &commit).await;
}

async fn child(arguments: &str) {
    let (url, cache) = arguments.split_once(' ').unwrap();
    let source = GitSource::builder(url).cache(cache).build().unwrap();
    let commit = source.resolve(&"main".parse().unwrap()).await.unwrap();
    serves(&source, &commit).await;
}
