//! The contract of [`VcsSource`]. The suite writes the repository through a [`VcsWriter`], which each
//! backend's tests bring, and looks at it through the source; every check works on a branch of its own, so
//! that checks may run in any order and again.
#![expect(clippy::expect_used, clippy::panic, reason = "this is how a check fails")]

use async_trait::async_trait;
use futures_util::future::join_all;

use crate::ErrorKind;
use crate::model::{
    BranchName, ChangedLines, Commit, CommitPrefix, GitSha, Reference, RepoPath, Revision, SourceFile, Tag,
};
use crate::ports::{VcsSource, VcsSourceExt};

/// Writes the repository that the source under test reads, by other means than that source. It panics where
/// it fails: it belongs to the test.
#[async_trait]
pub trait VcsWriter: Send + Sync {
    /// Commits `edits` on `branch`, which begins empty when it is not there. The files of other branches
    /// stay as they are. The returned commit is what the source must say; `changed` is not looked at.
    async fn commit(&self, branch: &str, message: &str, edits: &[(&str, Edit<'_>)]) -> Commit;

    /// Tags the newest commit of `branch`, and answers with the commit that the tag names.
    async fn tag(&self, tag: &str, branch: &str) -> Commit;

    /// The default branch, which `HEAD` names.
    fn default_branch(&self) -> String;

    /// Two commits on `branch` whose names begin with the same 7 digits; asked only of a source that claims
    /// `commits`.
    async fn twins(&self, branch: &str) -> [Revision; 2];

    /// Whether it can write submodules.
    fn submodules(&self) -> bool;
}

/// One change of a commit.
#[derive(Debug, Clone, Copy)]
pub enum Edit<'a> {
    /// The file has this content.
    File(&'a str),
    /// A symbolic link to this target.
    Link(&'a str),
    /// A submodule.
    Submodule,
    /// The file is no longer there.
    Remove,
}

/// Runs every check.
///
/// # Panics
/// Where the source breaks the contract.
pub async fn all(source: &dyn VcsSource, writer: &dyn VcsWriter) {
    resolves_the_present_state(source, writer).await;
    resolves_the_default_branch(source, writer).await;
    resolves_its_own_revisions(source, writer).await;
    resolves_commits_or_says_unsupported(source, writer).await;
    names_ambiguous_commits(source, writer).await;
    resolves_tags_or_says_unsupported(source, writer).await;
    resolves_a_version_by_its_image_tag(source, writer).await;
    lists_branches_instead_of_an_unknown_one(source, writer).await;
    counts_changed_lines_where_claimed(source, writer).await;
    reads_in_order_and_recursively(source, writer).await;
    reads_exactly_that_revision(source, writer).await;
    reads_one_file(source, writer).await;
    lists_entries_instead_of_an_unknown_path(source, writer).await;
    refuses_links_and_submodules(source, writer).await;
    serves_calls_at_the_same_time(source, writer).await;
    survives_dropped_calls(source, writer).await;
}

/// A branch is its newest commit on the server, at once and each time.
///
/// # Panics
/// Where the source breaks the contract.
pub async fn resolves_the_present_state(source: &dyn VcsSource, writer: &dyn VcsWriter) {
    for n in 0..3 {
        let content = format!("n: {n}\n");
        let written = writer.commit("present", &format!("state {n}"), &[("a", Edit::File(&content))]).await;
        let resolved = source.resolve(&branch("present")).await;
        same(&resolved.expect("a branch that exists"), &written);
    }
}

/// `HEAD` is the default branch.
///
/// # Panics
/// Where the source breaks the contract.
pub async fn resolves_the_default_branch(source: &dyn VcsSource, writer: &dyn VcsWriter) {
    let default = writer.default_branch();
    let written = writer.commit(&default, "on the default branch", &[("default", Edit::File("1\n"))]).await;
    same(&source.resolve(&branch("HEAD")).await.expect("HEAD"), &written);
}

/// A full revision resolves to itself, though its branch went on; an unknown one is `NotFound`; one of
/// another kind of version control is `Unsupported`.
///
/// # Panics
/// Where the source breaks the contract.
pub async fn resolves_its_own_revisions(source: &dyn VcsSource, writer: &dyn VcsWriter) {
    let old = writer.commit("revisions", "the older one", &[("a", Edit::File("1\n"))]).await;
    writer.commit("revisions", "the newer one", &[("a", Edit::File("2\n"))]).await;
    let resolved = source.resolve(&Reference::Revision(old.revision.clone())).await;
    same(&resolved.expect("a revision that exists"), &old);

    let git = Revision::Git(sha(&"0123456789".repeat(4)));
    let svn = Revision::Svn(999_999_999);
    let claims = source.capabilities();
    assert!(claims.commits || claims.revision_numbers, "a source must know some kind of revision");
    for (revision, claimed) in [(git, claims.commits), (svn, claims.revision_numbers)] {
        let expected = if claimed { ErrorKind::NotFound } else { ErrorKind::Unsupported };
        let error = source.resolve(&Reference::Revision(revision.clone())).await;
        assert_eq!(error.expect_err("no such revision").kind(), expected, "resolve {revision}");
        let error = source.read(&revision, &path("a")).await;
        assert_eq!(error.expect_err("no such revision").kind(), expected, "read {revision}");
    }
}

/// A commit resolves in full and abbreviated, off the head of its branch as well; an unknown one is
/// `NotFound`. Without the capability both are `Unsupported`.
///
/// # Panics
/// Where the source breaks the contract.
pub async fn resolves_commits_or_says_unsupported(source: &dyn VcsSource, writer: &dyn VcsWriter) {
    let unknown = source.resolve(&commit("0123456789")).await.expect_err("no such commit");
    if !source.capabilities().commits {
        assert!(unknown.is_unsupported(), "an unclaimed capability answers Unsupported, not {unknown:?}");
        return;
    }
    assert!(unknown.is_not_found(), "expected NotFound, not {unknown:?}");
    let unknown = source.resolve(&commit(&"0123456789".repeat(4))).await.expect_err("no such commit");
    assert!(unknown.is_not_found(), "expected NotFound, not {unknown:?}");

    let old = writer.commit("commits", "the older one", &[("a", Edit::File("1\n"))]).await;
    writer.commit("commits", "the newer one", &[("a", Edit::File("2\n"))]).await;
    let name = old.revision.to_string();
    for digits in [40, 12, 39] {
        let resolved = source.resolve(&commit(&name[..digits])).await;
        same(&resolved.unwrap_or_else(|error| panic!("{digits} digits of {name}: {error:?}")), &old);
    }
}

/// An abbreviated commit that begins several lists them in full.
///
/// # Panics
/// Where the source breaks the contract.
pub async fn names_ambiguous_commits(source: &dyn VcsSource, writer: &dyn VcsWriter) {
    if !source.capabilities().commits {
        return;
    }
    let twins = writer.twins("twins").await.map(|twin| twin.to_string());
    let error = source.resolve(&commit(&twins[0][..7])).await.expect_err("two commits begin so");
    assert!(error.is_ambiguous(), "expected Ambiguous, not {error:?}");
    for twin in &twins {
        assert!(error.available().contains(twin), "{twin} is missing in {error:?}");
        let resolved = source.resolve(&commit(twin)).await.expect("a full commit is not ambiguous");
        assert_eq!(&resolved.revision.to_string(), twin);
    }
}

/// A tag resolves to the commit it names; an unknown one is `NotFound` with those that are there. Without
/// the capability both are `Unsupported`.
///
/// # Panics
/// Where the source breaks the contract.
pub async fn resolves_tags_or_says_unsupported(source: &dyn VcsSource, writer: &dyn VcsWriter) {
    let unknown = Reference::Tag(tag("no-such-tag"));
    if !source.capabilities().tags {
        let error = source.resolve(&unknown).await.expect_err("no such tag");
        assert!(error.is_unsupported(), "an unclaimed capability answers Unsupported, not {error:?}");
        return;
    }
    writer.commit("tagged", "what the tag names", &[("a", Edit::File("1\n"))]).await;
    let written = writer.tag("v1.2.3", "tagged").await;
    writer.commit("tagged", "after the tag", &[("a", Edit::File("2\n"))]).await;
    same(&source.resolve(&Reference::Tag(tag("v1.2.3"))).await.expect("a tag that exists"), &written);
    let files = source.read(&written.revision, &path("a")).await.expect("the files of a tag");
    assert_eq!(files[0].content, "1\n");
    let error = source.resolve(&unknown).await.expect_err("no such tag");
    assert!(error.is_not_found(), "expected NotFound, not {error:?}");
    assert!(error.available().contains(&"v1.2.3".to_owned()), "the tags are missing in {error:?}");
}

/// An image tag `<branch>-<commit>` means that commit, whatever its branch looks like.
///
/// # Panics
/// Where the source breaks the contract.
pub async fn resolves_a_version_by_its_image_tag(source: &dyn VcsSource, writer: &dyn VcsWriter) {
    let written = writer.commit("image-tags", "built by CI", &[("a", Edit::File("1\n"))]).await;
    let image_tag = Tag::for_commit("feature/login-abcdef1-page", &written.revision);
    same(&source.resolve_version(&image_tag.into()).await.expect("the tag's commit"), &written);
}

/// A branch that does not exist is `NotFound`, with those that do.
///
/// # Panics
/// Where the source breaks the contract.
pub async fn lists_branches_instead_of_an_unknown_one(source: &dyn VcsSource, writer: &dyn VcsWriter) {
    writer.commit("listed", "a branch", &[("a", Edit::File("1\n"))]).await;
    let error = source.resolve(&branch("not-listed")).await.expect_err("no such branch");
    assert!(error.is_not_found(), "expected NotFound, not {error:?}");
    assert!(error.available().contains(&"listed".to_owned()), "the branches are missing in {error:?}");
    assert!(!error.is_temporary(), "asking again does not help");
}

/// Changed lines are against the parent, and `None` unless claimed.
///
/// # Panics
/// Where the source breaks the contract.
pub async fn counts_changed_lines_where_claimed(source: &dyn VcsSource, writer: &dyn VcsWriter) {
    let files = [("changed/a", Edit::File("1\n2\n3\n")), ("changed/b", Edit::File("1\n"))];
    writer.commit("changed", "four lines", &files).await;
    let files = [("changed/a", Edit::File("1\ntwo\n3\n4\n")), ("changed/b", Edit::Remove)];
    writer.commit("changed", "two added, two removed", &files).await;
    let resolved = source.resolve(&branch("changed")).await.expect("a branch that exists");
    let claimed = source.capabilities().changed_lines;
    assert_eq!(resolved.changed, claimed.then_some(ChangedLines { added: 2, removed: 2 }));
}

/// All files below a path, in the order of their paths, nothing beside it, byte for byte.
///
/// # Panics
/// Where the source breaks the contract.
pub async fn reads_in_order_and_recursively(source: &dyn VcsSource, writer: &dyn VcsWriter) {
    let edits = [
        ("tree/b.yaml", Edit::File("b\r\n\u{fc}")),
        ("tree/a/z", Edit::File("z")),
        ("tree/a.yaml", Edit::File("")),
        ("tree/a/deep/er", Edit::File("$Id$ %s\n")),
        ("tree/with a space@2", Edit::File("at")),
        ("treeless/a", Edit::File("beside")),
        ("other", Edit::File("beside")),
    ];
    let written = writer.commit("tree", "a tree", &edits).await;
    let files = source.read(&written.revision, &path("tree")).await.expect("a path that exists");
    let expected = [
        ("tree/a.yaml", ""),
        ("tree/a/deep/er", "$Id$ %s\n"),
        ("tree/a/z", "z"),
        ("tree/b.yaml", "b\r\n\u{fc}"),
        ("tree/with a space@2", "at"),
    ];
    assert_eq!(contents(&files), expected);
    let everything = source.read(&written.revision, &path(".")).await.expect("the root");
    assert!(everything.is_sorted_by(|a, b| a.path < b.path), "in the order of their paths");
    assert!(everything.len() >= edits.len(), "the root holds all: {:?}", contents(&everything));
}

/// An older revision is read as it was, and a file that is gone is gone.
///
/// # Panics
/// Where the source breaks the contract.
pub async fn reads_exactly_that_revision(source: &dyn VcsSource, writer: &dyn VcsWriter) {
    let old = [("exact/a", Edit::File("old")), ("exact/b", Edit::File("b"))];
    let old = writer.commit("exact", "old", &old).await.revision;
    let new = [("exact/a", Edit::File("new")), ("exact/b", Edit::Remove)];
    let new = writer.commit("exact", "new", &new).await.revision;
    let files = source.read(&new, &path("exact")).await.expect("the newer revision");
    assert_eq!(contents(&files), [("exact/a", "new")]);
    let files = source.read(&old, &path("exact")).await.expect("the older revision");
    assert_eq!(contents(&files), [("exact/a", "old"), ("exact/b", "b")]);
}

/// The path of a single file is that file, with its path from the root.
///
/// # Panics
/// Where the source breaks the contract.
pub async fn reads_one_file(source: &dyn VcsSource, writer: &dyn VcsWriter) {
    let edits = [("one/a.yaml", Edit::File("a")), ("one/a.yaml.bak", Edit::File("b"))];
    let written = writer.commit("one", "one", &edits).await;
    let files = source.read(&written.revision, &path("one/a.yaml")).await.expect("a file");
    assert_eq!(contents(&files), [("one/a.yaml", "a")]);
}

/// A path where nothing is is `NotFound`, with what lies beside it.
///
/// # Panics
/// Where the source breaks the contract.
pub async fn lists_entries_instead_of_an_unknown_path(source: &dyn VcsSource, writer: &dyn VcsWriter) {
    let edits = [("beside/kubernetes/a", Edit::File("a")), ("beside/readme", Edit::File("b"))];
    let written = writer.commit("beside", "beside", &edits).await;
    for unknown in ["beside/k8s", "beside/k8s/deeper", "beside/readme/deeper"] {
        let error = source.read(&written.revision, &path(unknown)).await.expect_err("no such path");
        assert!(error.is_not_found(), "{unknown}: expected NotFound, not {error:?}");
        for name in ["beside/kubernetes", "beside/readme"] {
            assert!(error.available().contains(&name.to_owned()), "{name} is missing in {error:?}");
        }
    }
}

/// A symbolic link or submodule below the path is `Invalid` and named; one beside it does no harm.
///
/// # Panics
/// Where the source breaks the contract.
pub async fn refuses_links_and_submodules(source: &dyn VcsSource, writer: &dyn VcsWriter) {
    let mut edits = vec![
        ("linked/fine/a", Edit::File("a")),
        ("linked/bad/file", Edit::File("a")),
        ("linked/bad/link", Edit::Link("/etc/passwd")),
    ];
    if writer.submodules() {
        edits.push(("linked/sub/module", Edit::Submodule));
    }
    let written = writer.commit("linked", "links", &edits).await;
    source.read(&written.revision, &path("linked/fine")).await.expect("no link below this path");
    let bad: Vec<&str> = edits.iter().skip(2).map(|(at, _)| *at).collect();
    for at in bad {
        let (parent, _) = at.rsplit_once('/').expect("a path with a parent");
        for top in [parent, at] {
            let error = source.read(&written.revision, &path(top)).await.expect_err("a link");
            assert!(error.is_invalid(), "{top}: expected Invalid, not {error:?}");
            assert!(error.to_string().contains(at), "{at} is not named in {error:?}");
        }
    }
}

/// Calls may run at the same time.
///
/// # Panics
/// Where the source breaks the contract.
pub async fn serves_calls_at_the_same_time(source: &dyn VcsSource, writer: &dyn VcsWriter) {
    let written = writer.commit("parallel", "parallel", &[("parallel/a", Edit::File("a"))]).await;
    let resolves = join_all((0..8).map(|_| async { source.resolve(&branch("parallel")).await }));
    let reads = join_all((0..8).map(|_| async {
        let resolved = source.resolve(&Reference::Revision(written.revision.clone())).await?;
        source.read(&resolved.revision, &path("parallel")).await
    }));
    let (resolved, read) = futures_util::join!(resolves, reads);
    for commit in resolved {
        same(&commit.expect("a branch that exists"), &written);
    }
    for files in read {
        assert_eq!(contents(&files.expect("a path that exists")), [("parallel/a", "a")]);
    }
}

/// A call that was dropped at any point never breaks a later one.
///
/// # Panics
/// Where the source breaks the contract.
pub async fn survives_dropped_calls(source: &dyn VcsSource, writer: &dyn VcsWriter) {
    for millis in [0, 1, 3, 10, 30] {
        let content = format!("{millis}");
        let written = writer.commit("dropped", &content, &[("dropped", Edit::File(&content))]).await;
        let patience = std::time::Duration::from_millis(millis);
        let _ = tokio::time::timeout(patience, source.resolve(&branch("dropped"))).await;
        let _ = tokio::time::timeout(patience, source.read(&written.revision, &path("dropped"))).await;
        same(&source.resolve(&branch("dropped")).await.expect("a branch that exists"), &written);
        let files = source.read(&written.revision, &path("dropped")).await.expect("a file that exists");
        assert_eq!(contents(&files), [("dropped", content.as_str())]);
    }
}

fn same(resolved: &Commit, written: &Commit) {
    let changed = written.changed;
    assert_eq!(Commit { changed, ..resolved.clone() }, *written);
}

fn contents(files: &[SourceFile]) -> Vec<(&str, &str)> {
    let text = |file| str::from_utf8(file).expect("the suite writes text");
    files.iter().map(|file| (file.path.as_str(), text(&file.content))).collect()
}

fn branch(name: &str) -> Reference {
    Reference::Branch(BranchName::new(name).expect("a valid branch"))
}

fn commit(digits: &str) -> Reference {
    Reference::Commit(CommitPrefix::new(digits).expect("a valid commit"))
}

fn tag(name: &str) -> Tag {
    Tag::new(name).expect("a valid tag")
}

fn path(path: &str) -> RepoPath {
    RepoPath::new(path).expect("a valid path")
}

fn sha(digits: &str) -> GitSha {
    GitSha::new(digits).expect("a valid name")
}
