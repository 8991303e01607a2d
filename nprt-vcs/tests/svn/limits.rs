//! What a hostile repository, or a server that lies about it, can make `svn` write to disk.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nprt_core::conformance::vcs::{Edit, VcsWriter};
use nprt_core::model::{Budget, Limits, Reference, RepoPath, Revision};
use nprt_core::ports::VcsSource;
use nprt_core::{Error, ErrorKind};
use nprt_testkit::{ModDavSvn, PASSWORD, Svnserve, USER, need};
use nprt_vcs::svn::{SvnBuilder, SvnSource};
use tempfile::TempDir;

use crate::writer::Writer;

fn small() -> Limits {
    Limits { paths: 40, depth: 5, files: 10, bytes: 20_000, ..Limits::default() }
}

/// The real `svn`, with a note of all that it was asked to do.
fn noted(directory: &Path) -> (PathBuf, impl Fn() -> String) {
    let (program, note) = (directory.join("noted-svn"), directory.join("note"));
    fs::write(&program, format!("#!/bin/sh\necho \"$@\" >> {}\nexec svn \"$@\"\n", note.display())).unwrap();
    fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
    (program, move || fs::read_to_string(&note).unwrap_or_default())
}

async fn refused(builder: SvnBuilder, revision: &Revision, path: &str, limits: Limits) -> Error {
    let source = builder.build().unwrap();
    let budget = Budget::of_section(limits, "pipeline.");
    source.read(revision, &RepoPath::new(path).unwrap(), &budget).await.unwrap_err()
}

/// Ten copies of the directory below, ten times over: 10 billion paths in a few kilobytes.
fn endless(writer: &Writer) -> Revision {
    writer.edit("trunk/bomb/0", &[("a", Edit::File("a"))]);
    writer.commit_all("a directory");
    for level in 1..=10 {
        let (from, to) = (format!("trunk/bomb/{}", level - 1), format!("trunk/bomb/{level}"));
        let root = writer.url();
        let mut arguments =
            vec!["--message".to_owned(), "copies".to_owned(), "mkdir".to_owned(), format!("{root}/{to}")];
        for copy in 0..10 {
            arguments.extend(["cp", "HEAD"].map(str::to_owned));
            arguments.extend([format!("{root}/{from}"), format!("{root}/{to}/{copy}")]);
        }
        writer.svnmucc(&arguments);
    }
    writer.youngest()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_much_is_never_exported() {
    let directory = TempDir::new().unwrap();
    let repository = directory.path().join("repository");
    let writer = Writer::create(&repository);
    let long = "a".repeat(20_001);
    let names: Vec<String> = (0..11).map(|number| format!("many/{number}")).collect();
    let folders: Vec<String> = (0..9).map(|number| format!("folders/{number}/b/b/b/a")).collect();
    let small_files = names.iter().chain(&folders);
    let mut edits: Vec<(&str, Edit<'_>)> = small_files.map(|name| (name.as_str(), Edit::File("x"))).collect();
    let deep_file = "deep/1/2/3/4/5/a";
    edits.extend([
        ("large/a", Edit::File(&long)),
        (deep_file, Edit::File("x")),
        ("fine/b/a", Edit::File("x")),
    ]);
    edits.extend([("link/a", Edit::Link("../large"))]);
    let commit = writer.commit("trunk", "one", &edits).await.revision;
    let (program, note) = noted(directory.path());
    let builder = SvnSource::builder(format!("file://{}", repository.display())).program(program);
    for (path, limit, place) in [
        ("large", "limits.bytes", "large/a"),
        ("large/a", "limits.bytes", "large/a"),
        ("many", "limits.files", "many/"),
        ("deep", "limits.depth", "deep/1/2/3/4/5"),
        ("folders", "limits.paths", "folders/"),
        // The link is exported, and what it leads to is not.
        ("link", "limits.bytes", "large/a"),
    ] {
        let error = refused(builder.clone(), &commit, path, small()).await;
        assert_eq!(error.kind(), ErrorKind::Invalid, "{path}: {error}");
        let text = error.to_string();
        assert!(
            text.contains(&format!("option: pipeline.{limit}")) && text.contains(&format!("path: {place}")),
            "{text}"
        );
    }
    let exports = note().lines().filter(|line| line.contains(" export ")).count();
    assert_eq!(exports, 1, "{}", note());
    let source = builder.build().unwrap();
    let read = source.read(&commit, &RepoPath::new("fine").unwrap(), &Budget::new(small())).await.unwrap();
    assert_eq!(read.len(), 1);
    // What may just be read may be exported as well.
    let exact = Limits { bytes: 20_001, files: 1, paths: 1, depth: 1, ..small() };
    let read = source.read(&commit, &RepoPath::new("large/a").unwrap(), &Budget::new(exact)).await.unwrap();
    assert_eq!(read[0].content.len(), 20_001);
    let exact = Limits { files: 11, paths: 12, depth: 1, ..small() };
    assert_eq!(
        source.read(&commit, &RepoPath::new("many").unwrap(), &Budget::new(exact)).await.unwrap().len(),
        11
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tree_without_end_ends_on_every_server() {
    let directory = TempDir::new().unwrap();
    let repository = directory.path().join("repository");
    let revision = endless(&Writer::create(&repository));
    ends(SvnSource::builder(format!("file://{}", repository.display())), &revision).await;
    let credentials =
        |url| SvnSource::builder(url).credentials(USER, nprt_core::model::Secret::new(PASSWORD));
    if let Some(server) = need(Svnserve::start().await) {
        ends(credentials(server.url()), &endless(&Writer::new(server.repository()))).await;
    }
    if let Some(server) = need(ModDavSvn::start().await) {
        ends(credentials(server.url()), &endless(&Writer::new(server.repository()))).await;
    }
}

async fn ends(builder: SvnBuilder, revision: &Revision) {
    let started = Instant::now();
    let error = refused(builder, revision, "bomb", Limits::default()).await;
    assert!(error.is_invalid() && error.to_string().contains("path: bomb/"), "{error}");
    assert!(error.to_string().contains("option: pipeline.limits."), "{error}");
    assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_sends_more_than_it_lists_is_cut_off() {
    let directory = TempDir::new().unwrap();
    let repository = directory.path().join("repository");
    let writer = Writer::create(&repository);
    let commit = writer.commit("trunk", "one", &[("k/a", Edit::File("a"))]).await.revision;
    // It answers as svn does, until it exports: then it writes without end, to the export or beside it.
    for (writes, limit) in [
        ("mkdir \"$last\"; exec cat /dev/zero > \"$last/a\"", "limits.bytes"),
        ("exec cat /dev/zero > \"$TMPDIR/a\"", "limits.bytes"),
        ("mkdir \"$last\"; while :; do n=$((n+1)); : > \"$last/$n\"; done", "limits.paths"),
    ] {
        let program = directory.path().join("lying-svn");
        let script = format!(
            "#!/bin/sh\nfor last; do :; done\ncase \" $* \" in\n*\" export \"*) echo $$ \"$last\" > {note}; {writes} ;;\n*) exec svn \"$@\" ;;\nesac\n",
            note = directory.path().join("export").display()
        );
        fs::write(&program, script).unwrap();
        fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
        let url = format!("file://{}", repository.display());
        let started = Instant::now();
        let error = refused(SvnSource::builder(url).program(program), &commit, "k", small()).await;
        assert!(
            error.is_invalid() && error.to_string().contains(&format!("option: pipeline.{limit}")),
            "{error}"
        );
        assert!(error.to_string().contains("path: k"), "{error}");
        assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
        // It was killed, and all that it wrote is gone.
        let note = fs::read_to_string(directory.path().join("export")).unwrap();
        let (process, place) = note.trim().split_once(' ').unwrap();
        assert!(!Path::new("/proc").join(process).exists(), "it still runs");
        assert!(!Path::new(place).parent().unwrap().exists(), "{place} is still there");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_comparison_that_fills_the_disk_is_given_up() {
    let directory = TempDir::new().unwrap();
    let repository = directory.path().join("repository");
    let writer = Writer::create(&repository);
    let commit = writer.commit("trunk", "one", &[("a", Edit::File("a"))]).await;
    let program = directory.path().join("svn");
    let script = "#!/bin/sh\ncase \" $* \" in\n*\" diff \"*) exec cat /dev/zero > \"$TMPDIR/a\" ;;\n*) exec svn \"$@\" ;;\nesac\n";
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
    let source =
        SvnSource::builder(format!("file://{}", repository.display())).program(program).build().unwrap();
    let started = Instant::now();
    let resolved = source.resolve(&Reference::Revision(commit.revision)).await.unwrap();
    assert_eq!((resolved.message.as_str(), resolved.changed), ("one", None));
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
}

/// What the program itself does with large files.
#[tokio::test(flavor = "multi_thread")]
async fn svn_compares_in_the_folder_that_is_looked_at() {
    let directory = TempDir::new().unwrap();
    let repository = directory.path().join("repository");
    let writer = Writer::create(&repository);
    let lines = "a line of manifests\n".repeat(4_000_000);
    writer.commit("trunk", "one", &[("a", Edit::File(&lines))]).await;
    let changed = format!("{lines}one more\n");
    let commit = writer.commit("trunk", "two", &[("a", Edit::File(&changed))]).await;
    let source = SvnSource::builder(format!("file://{}", repository.display())).build().unwrap();
    // 160 MB in files, and one line of difference: it is not worth the disk.
    assert_eq!(source.resolve(&Reference::Revision(commit.revision)).await.unwrap().changed, None);
}
