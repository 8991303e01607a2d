//! Trunk, branches and tags: whose files a revision means.

use nprt_core::conformance::vcs::{Edit, VcsWriter};
use nprt_core::model::{Budget, Reference, RepoPath, Revision};
use nprt_core::ports::VcsSource;
use nprt_vcs::svn::{SvnBuilder, SvnLayout, SvnSource};
use tempfile::TempDir;

use crate::writer::Writer;

fn repository() -> (TempDir, Writer, SvnBuilder) {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("repository");
    let builder = SvnSource::builder(format!("file://{}", path.display()));
    let writer = Writer::create(&path);
    (directory, writer, builder)
}

async fn content(source: &SvnSource, reference: &str) -> String {
    let commit = source.resolve(&reference.parse().unwrap()).await.unwrap();
    let files =
        source.read(&commit.revision, &RepoPath::new("a").unwrap(), &Budget::default()).await.unwrap();
    String::from_utf8(files[0].content.to_vec()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_branch_has_its_own_files() {
    let (_directory, writer, builder) = repository();
    let source = builder.build().unwrap();
    writer.commit("trunk", "one", &[("a", Edit::File("trunk"))]).await;
    writer.svn(&["copy", "--quiet", "trunk", "branches/release"]);
    writer.commit_all("a branch");
    assert_eq!(content(&source, "release").await, "trunk");
    let branch = writer.commit("release", "two", &[("a", Edit::File("branch"))]).await;
    for (reference, expected) in [
        ("release", "branch"),
        (&branch.revision.to_string(), "branch"),
        ("HEAD", "trunk"),
        ("trunk", "trunk"),
    ] {
        assert_eq!(content(&source, reference).await, expected, "{reference}");
    }
    let error = source.resolve(&"release/a".parse().unwrap()).await.unwrap_err();
    assert!(error.is_not_found() && error.available() == ["release", "trunk"], "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revision_of_several_lines_is_ambiguous() {
    let (_directory, writer, builder) = repository();
    let source = builder.build().unwrap();
    for line in ["trunk", "branches/release"] {
        writer.edit(line, &[("a", Edit::File(line))]);
    }
    let both = writer.commit_all("both").revision;
    let error = source.read(&both, &RepoPath::new("a").unwrap(), &Budget::default()).await.unwrap_err();
    assert!(error.is_ambiguous() && error.available() == ["branches/release", "trunk"], "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_url_below_the_root_and_one_of_trunk_itself() {
    let (directory, writer, _) = repository();
    writer.edit("shops/a b@c/trunk", &[("a", Edit::File("nested"))]);
    let nested = writer.commit_all("nested").revision;
    writer.commit("trunk", "another", &[("a", Edit::File("another"))]).await;
    let root = format!("file://{}/repository", directory.path().display());
    let source = SvnSource::builder(format!("{root}/shops/a b@c")).build().unwrap();
    assert_eq!(content(&source, "HEAD").await, "nested");
    assert_eq!(source.resolve(&"HEAD".parse().unwrap()).await.unwrap().revision, nested);

    let flat = SvnSource::builder(format!("{root}/trunk")).layout(SvnLayout::flat()).build().unwrap();
    assert_eq!(content(&flat, "HEAD").await, "another");
    writer.commit("elsewhere", "a later one", &[("b", Edit::File("b"))]).await;
    assert_eq!(content(&flat, "r4").await, "another");
}

#[tokio::test(flavor = "multi_thread")]
async fn externals_and_keywords_are_left_alone() {
    let (_directory, writer, builder) = repository();
    let source = builder.build().unwrap();
    writer.commit("trunk", "files", &[("k/a", Edit::File("$Id$")), ("other/b", Edit::File("b"))]).await;
    writer.svn(&["propset", "--quiet", "svn:externals", "^/trunk/other external", "trunk/k"]);
    writer.svn(&["propset", "--quiet", "svn:keywords", "Id", "trunk/k/a"]);
    let commit = writer.commit_all("properties");
    let files =
        source.read(&commit.revision, &RepoPath::new("k").unwrap(), &Budget::default()).await.unwrap();
    assert_eq!(files.len(), 1);
    assert_eq!(files[0].content, "$Id$");
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_lines_are_those_of_text() {
    let (_directory, writer, builder) = repository();
    let source = builder.build().unwrap();
    let changed = async |revision: &Revision| {
        let commit = source.resolve(&Reference::Revision(revision.clone())).await.unwrap();
        commit.changed.map(|changed| (changed.added, changed.removed))
    };
    // Neither properties nor what is binary; `--- x` and a missing end of line count for what they are.
    let files = [("a b@c", Edit::File("1\n2\n3")), ("d", Edit::File("--- x\n+++ y\n@@ -1 +1 @@\n"))];
    writer.edit("trunk", &[("binary", Edit::File("\0\n\0\n"))]);
    let first = writer.commit("trunk", "one", &files).await.revision;
    assert_eq!(changed(&first).await, Some((6, 0)));
    writer.svn(&["propset", "--quiet", "note", "one\n## -0,0 +1 ##\n+two", "trunk/d"]);
    writer.edit("trunk", &[("binary", Edit::File("\0\n\n\n"))]);
    let files = [("a b@c", Edit::File("1\ntwo\n3\n4")), ("d", Edit::File("++ y\n-- a\n"))];
    let second = writer.commit("trunk", "two", &files).await.revision;
    assert_eq!(changed(&second).await, Some((5, 5)));
    // What is copied was not changed by it; what is changed in the copy was.
    writer.svn(&["copy", "--quiet", "trunk", "branches/a b@c@"]);
    assert_eq!(changed(&writer.commit_all("a branch").revision).await, Some((0, 0)));
    writer.svn(&["copy", "--quiet", "trunk", "tags/v1"]);
    writer.edit("tags/v1", &[("d", Edit::File("++ y\n"))]);
    assert_eq!(changed(&writer.commit_all("a tag that was edited").revision).await, Some((0, 1)));
    writer.svn(&["move", "--quiet", "branches/a b@c@", "branches/moved"]);
    assert_eq!(changed(&writer.commit_all("another name").revision).await, Some((0, 0)));
}
