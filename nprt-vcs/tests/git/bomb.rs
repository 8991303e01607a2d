//! Repositories of a few kilobytes that hold more than anybody can walk.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nprt_core::conformance::vcs::Edit;
use nprt_core::model::{Budget, Limits, RepoPath, Revision};
use nprt_core::ports::VcsSource;
use nprt_testkit::{GitHttp, GitHttpOptions, need};
use nprt_vcs::git::GitSource;
use tempfile::TempDir;

use crate::writer::Writer;

/// How long an answer may take here: what walks everything takes for ever.
const SOON: Duration = Duration::from_secs(30);

/// Those that hash large files take turns: without optimisation that takes long.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

fn tree(writer: &Writer, entries: &[(&str, &str, &str)]) -> String {
    let line = |(kind, name, object): &(&str, &str, &str)| {
        let mode = if *kind == "tree" { "040000" } else { "100644" };
        format!("{mode} {kind} {object}\t{name}\n")
    };
    writer.git(&["mktree"], &entries.iter().map(line).collect::<String>())
}

fn blob(writer: &Writer, content: &str) -> String {
    writer.git(&["hash-object", "-w", "--stdin"], content)
}

/// Trees in trees: `wide` entries on each of so many levels.
fn bomb(writer: &Writer, wide: usize, levels: usize) -> String {
    let names: Vec<String> = (0..wide).map(|n| format!("d{n}")).collect();
    let file = blob(writer, "x\n");
    let mut inner = tree(writer, &[("blob", "f", &file)]);
    for _ in 0..levels {
        let entries: Vec<_> = names.iter().map(|name| ("tree", name.as_str(), inner.as_str())).collect();
        inner = tree(writer, &entries);
    }
    inner
}

fn commit(writer: &Writer, tree: &str, parent: Option<&str>) -> Revision {
    let name = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com", "commit-tree", "-m", "x", tree];
    let parent = parent.map(|parent| ["-p", parent]);
    let commit = writer.git(&[&name[..], parent.as_ref().map_or(&[][..], |parent| &parent[..])].concat(), "");
    writer.git(&["update-ref", "refs/heads/main", &commit], "");
    Revision::new(&commit).unwrap()
}

/// The same repository, read in place and from a server.
struct Setting {
    sources: Vec<GitSource>,
    writer: Writer,
    _server: GitHttp,
    cache: TempDir,
}

impl Setting {
    async fn start() -> Option<Self> {
        let server = need(GitHttp::start(GitHttpOptions::default()).await)?;
        let (path, cache) = (server.repository("shop.git").unwrap(), TempDir::new().unwrap());
        let sources = vec![
            GitSource::builder(path.to_str().unwrap()).build().unwrap(),
            GitSource::builder(server.url("shop.git")).cache(cache.path()).build().unwrap(),
        ];
        Some(Self { sources, writer: Writer::new(&path), _server: server, cache })
    }

    fn cache(&self) -> &Path {
        self.cache.path()
    }

    /// Resolves `revision`, whose changed lines are too many to be counted.
    async fn is_uncounted(&self, revision: &Revision) {
        for source in &self.sources {
            let began = Instant::now();
            let commit = source.resolve(&revision.to_string().parse().unwrap()).await.unwrap();
            assert_eq!((&commit.revision, commit.changed), (revision, None));
            assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
        }
    }

    async fn refused(&self, revision: &Revision, path: &str) -> Vec<String> {
        let mut errors = Vec::new();
        for source in &self.sources {
            let began = Instant::now();
            let read = source.read(revision, &RepoPath::new(path).unwrap(), &Budget::default()).await;
            let error = read.unwrap_err();
            assert!(error.is_invalid() && began.elapsed() < SOON, "{error}: {:?}", began.elapsed());
            errors.push(error.to_string());
        }
        errors
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn trees_beside_the_manifests_keep_nobody_from_them() {
    let Some(setting) = Setting::start().await else { return };
    let (writer, file) = (&setting.writer, blob(&setting.writer, "kind: Pod\n"));
    let manifests = tree(writer, &[("blob", "web.yaml", &file)]);
    let bomb = bomb(writer, 10, 10);
    let first = commit(writer, &tree(writer, &[("tree", "k", &manifests), ("tree", "z", &bomb)]), None);
    setting.is_uncounted(&first).await;
    let only = tree(writer, &[("tree", "k", &manifests)]);
    let gone = commit(writer, &only, Some(&first.to_string()));
    setting.is_uncounted(&gone).await;
    let path = RepoPath::new("k").unwrap();
    for source in &setting.sources {
        assert_eq!(source.read(&first, &path, &Budget::default()).await.unwrap().len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn trees_below_the_manifests_end_at_a_limit() {
    let Some(setting) = Setting::start().await else { return };
    let bomb = bomb(&setting.writer, 10, 10);
    let revision = commit(&setting.writer, &tree(&setting.writer, &[("tree", "k", &bomb)]), None);
    for error in setting.refused(&revision, "k").await {
        assert!(error.contains("limit: 20000") && error.contains("option: limits.files"), "{error}");
        assert!(error.contains("path: k/d"), "{error}");
    }
    let limits = Limits { paths: 50, ..Limits::default() };
    let read = setting.sources[0].read(&revision, &RepoPath::new("k").unwrap(), &Budget::new(limits)).await;
    assert!(read.unwrap_err().to_string().contains("option: limits.paths"));
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_in_one_another_take_no_stack() {
    let Some(setting) = Setting::start().await else { return };
    let mut stream = String::new();
    for depth in [50, 4_000] {
        let path = vec!["d"; depth].join("/");
        stream += &format!("commit refs/heads/d{depth}\ncommitter A <a@x> 1790000000 +0000\ndata 1\nx\n");
        stream += &format!("M 100644 inline \"{path}/web.yaml\"\ndata 10\nkind: Pod\n\n");
    }
    setting.writer.git(&["fast-import", "--quiet"], &stream);
    let revision = |branch: &str| Revision::new(&setting.writer.git(&["rev-parse", branch], "")).unwrap();
    let path = RepoPath::new("d").unwrap();
    for source in &setting.sources {
        let commit = source.resolve(&"d50".parse().unwrap()).await.unwrap();
        assert_eq!(commit.changed.map(|changed| changed.added), Some(1));
        assert_eq!(source.read(&commit.revision, &path, &Budget::default()).await.unwrap().len(), 1);
        // Its one file is counted, or not: either is an answer.
        source.resolve(&"d4000".parse().unwrap()).await.unwrap();
    }
    for error in setting.refused(&revision("d4000"), "d").await {
        assert!(error.contains("limit: 100") && error.contains("option: limits.depth"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn large_files_and_directories_are_refused_before_they_are_read() {
    let _alone = ALONE.lock().await;
    let Some(setting) = Setting::start().await else { return };
    let writer = &setting.writer;
    let large = blob(writer, &"x".repeat(17 * 1024 * 1024));
    let revision = commit(writer, &tree(writer, &[("blob", "a.yaml", &large)]), None);
    for error in setting.refused(&revision, ".").await {
        assert!(error.contains("option: limits.bytes") && error.contains("path: a.yaml"), "{error}");
    }
    setting.is_uncounted(&revision).await;
    let file = blob(writer, "");
    let names: Vec<String> = (0..120_000).map(|n| format!("f{n}")).collect();
    let entries: Vec<_> = names.iter().map(|name| ("blob", name.as_str(), file.as_str())).collect();
    let revision = commit(writer, &tree(writer, &[("tree", "k", &tree(writer, &entries))]), None);
    for error in setting.refused(&revision, "k").await {
        assert!(error.contains("option: limits.paths") && error.contains("path: k"), "{error}");
    }
    setting.is_uncounted(&revision).await;
}

/// Over the wire an object has a limit of its own: what a few kilobytes inflate to has to fit into memory first.
#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_inflates_to_gigabytes_is_refused_by_its_limit() {
    let _alone = ALONE.lock().await;
    let Some(setting) = Setting::start().await else { return };
    let (writer, served) = (&setting.writer, &setting.sources[1]);
    let small = commit(writer, &tree(writer, &[("blob", "a.yaml", &blob(writer, "kind: Pod\n"))]), None);
    writer.git(&["branch", "small", "main"], "");
    let allowed = blob(writer, &"x".repeat(9 << 20));
    let allowed = tree(writer, &[("blob", "a.yaml", &blob(writer, "kind: Pod\n")), ("blob", "b", &allowed)]);
    let allowed = commit(writer, &allowed, None);
    let too_large = blob(writer, &"x".repeat((128 << 20) + 1));
    commit(writer, &tree(writer, &[("blob", "b", &too_large)]), None);
    writer.git(&["branch", "file", "main"], "");
    let began = Instant::now();
    let error = served.resolve(&"file".parse().unwrap()).await.unwrap_err();
    assert!(error.is_invalid() && !error.is_temporary(), "{error:?}");
    assert!(error.to_string().contains("limit: 128 MiB an object"), "{error}");
    // It is hashed once, here without optimisation, and not fetched again.
    assert!(began.elapsed() < 4 * SOON, "{:?}", began.elapsed());
    // What is below the limit, and what has no such object, is read.
    let path = RepoPath::new("a.yaml").unwrap();
    for (reference, revision) in [("small", &small), (&*allowed.to_string(), &allowed)] {
        let resolved = served.resolve(&reference.parse().unwrap()).await.unwrap();
        assert_eq!(&resolved.revision, revision);
        assert_eq!(served.read(revision, &path, &Budget::default()).await.unwrap().len(), 1);
    }
    // Nothing that was begun is left.
    let left = find(setting.cache(), &|name| name.starts_with(".tmp"));
    assert_eq!(left, Vec::<PathBuf>::new());
}

/// What is fetched may be larger than what is ever loaded to be read; that it is not damaged shows in the error's kind.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_to_be_loaded_is_refused_by_its_limit() {
    let Some(setting) = Setting::start().await else { return };
    let writer = &setting.writer;
    let large = blob(writer, &"x".repeat(65 << 20));
    let revision = commit(writer, &tree(writer, &[("blob", "a.yaml", &large)]), None);
    let limits = Limits { bytes: 100 << 20, ..Limits::default() };
    // Read in place: to fetch it takes long here.
    let read = setting.sources[0].read(&revision, &RepoPath::new(".").unwrap(), &Budget::new(limits)).await;
    let error = read.unwrap_err();
    assert!(error.is_invalid() && error.to_string().contains("limit: 64 MiB an object"), "{error:?}");
    assert!(error.to_string().contains("path: a.yaml"), "{error}");
}

/// All below a folder whose name is as wanted.
fn find(folder: &Path, is_wanted: &dyn Fn(&str) -> bool) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if is_wanted(&entry.file_name().to_string_lossy()) {
            found.push(entry.path());
        }
        if entry.file_type().unwrap().is_dir() {
            found.extend(find(&entry.path(), is_wanted));
        }
    }
    found.sort();
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn many_files_that_moved_are_no_reason_to_wait() {
    let Some(setting) = Setting::start().await else { return };
    let content =
        |n: usize, line: &str| -> String { (0..200).map(|m| format!("{line} {n} {m}\n")).collect() };
    let files: Vec<(String, String)> = (0..800).map(|n| (format!("a/{n}"), content(n, "before"))).collect();
    let moved: Vec<(String, String)> = (0..800).map(|n| (format!("b/{n}"), content(n, "after"))).collect();
    let mut edits: Vec<_> = files.iter().map(|(name, content)| (&**name, Edit::File(content))).collect();
    setting.writer.write("main", "before", &edits);
    edits = files.iter().map(|(name, _)| (&**name, Edit::Remove)).collect();
    edits.extend(moved.iter().map(|(name, content)| (&**name, Edit::File(content))));
    setting.writer.write("main", "after", &edits);
    let began = Instant::now();
    setting.sources[0].resolve(&"main".parse().unwrap()).await.unwrap();
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
}
