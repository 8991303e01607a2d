//! Files, and what calls may do to each other.

use futures_util::future::join_all;

use super::{Edit, VcsWriter, branch, contents, path, same};
use crate::model::{Budget, Reference};
use crate::ports::VcsSource;

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
    let files =
        source.read(&written.revision, &path("tree"), &Budget::default()).await.expect("a path that exists");
    let expected = [
        ("tree/a.yaml", ""),
        ("tree/a/deep/er", "$Id$ %s\n"),
        ("tree/a/z", "z"),
        ("tree/b.yaml", "b\r\n\u{fc}"),
        ("tree/with a space@2", "at"),
    ];
    assert_eq!(contents(&files), expected);
    let everything = source.read(&written.revision, &path("."), &Budget::default()).await.expect("the root");
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
    let files = source.read(&new, &path("exact"), &Budget::default()).await.expect("the newer revision");
    assert_eq!(contents(&files), [("exact/a", "new")]);
    let files = source.read(&old, &path("exact"), &Budget::default()).await.expect("the older revision");
    assert_eq!(contents(&files), [("exact/a", "old"), ("exact/b", "b")]);
}

/// The path of a single file is that file, with its path from the root.
///
/// # Panics
/// Where the source breaks the contract.
pub async fn reads_one_file(source: &dyn VcsSource, writer: &dyn VcsWriter) {
    let edits = [("one/a.yaml", Edit::File("a")), ("one/a.yaml.bak", Edit::File("b"))];
    let written = writer.commit("one", "one", &edits).await;
    let files =
        source.read(&written.revision, &path("one/a.yaml"), &Budget::default()).await.expect("a file");
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
        let error = source
            .read(&written.revision, &path(unknown), &Budget::default())
            .await
            .expect_err("no such path");
        assert!(error.is_not_found(), "{unknown}: expected NotFound, not {error:?}");
        for name in ["beside/kubernetes", "beside/readme"] {
            assert!(error.available().contains(&name.to_owned()), "{name} is missing in {error:?}");
        }
    }
}

/// Symbolic links to files and directories inside the repository are followed, also outside the path, through other
/// links, and where the path itself is one. A file has the path by which it was found.
///
/// # Panics
/// Where the source breaks the contract.
pub async fn follows_links_inside_the_repository(source: &dyn VcsSource, writer: &dyn VcsWriter) {
    let edits = [
        ("links/common/cm.yaml", Edit::File("shared")),
        ("links/common/deep/a", Edit::File("a")),
        ("links/app/own", Edit::File("own")),
        ("links/app/file", Edit::Link("../common/cm.yaml")),
        ("links/app/dir", Edit::Link("../common/deep")),
        ("links/app/chain", Edit::Link("./file")),
        ("links/app/through", Edit::Link("dir/a")),
        // From the directory that `dir` leads to, as a file system has it.
        ("links/app/up", Edit::Link("dir/../cm.yaml")),
        ("links/linked", Edit::Link("app")),
    ];
    let written = writer.commit("links", "links", &edits).await;
    let expected = [
        ("chain", "shared"),
        ("dir/a", "a"),
        ("file", "shared"),
        ("own", "own"),
        ("through", "a"),
        ("up", "shared"),
    ];
    for top in ["links/app", "links/linked"] {
        let files = source
            .read(&written.revision, &path(top), &Budget::default())
            .await
            .expect("links inside the repository");
        let expected: Vec<(String, &str)> =
            expected.iter().map(|(name, content)| (format!("{top}/{name}"), *content)).collect();
        let found: Vec<(String, &str)> =
            contents(&files).into_iter().map(|(path, content)| (path.to_owned(), content)).collect();
        assert_eq!(found, expected);
    }
    for (one, content) in
        [("links/app/file", "shared"), ("links/linked/own", "own"), ("links/linked/dir/a", "a")]
    {
        let files = source
            .read(&written.revision, &path(one), &Budget::default())
            .await
            .expect("a file behind a link");
        assert_eq!(contents(&files), [(one, content)]);
    }
}

/// A symbolic link that is absolute, leaves the repository, leads to nothing or in a circle is `Invalid`, and so is a
/// submodule; each is named, a link with its target. One beside the path does no harm.
///
/// # Panics
/// Where the source breaks the contract.
pub async fn refuses_other_links_and_submodules(source: &dyn VcsSource, writer: &dyn VcsWriter) {
    let mut edits = vec![
        ("linked/fine/a", Edit::File("a")),
        ("linked/absolute/link", Edit::Link("/etc/passwd")),
        ("linked/outside/link", Edit::Link("../../../outside")),
        ("linked/outside-by-detour/link", Edit::Link("../fine/../../../linked/fine/a")),
        ("linked/nothing/link", Edit::Link("../fine/b")),
        ("linked/below-a-file/link", Edit::Link("../fine/a/b")),
        ("linked/itself/link", Edit::Link("link")),
        ("linked/circle/link", Edit::Link("other")),
        ("linked/circle/other", Edit::Link("link")),
        ("circled/parent/link", Edit::Link("..")),
        ("linked/own-directory/link", Edit::Link(".")),
    ];
    if writer.submodules() {
        edits.push(("linked/sub/module", Edit::Submodule));
    }
    let written = writer.commit("linked", "links", &edits).await;
    source
        .read(&written.revision, &path("linked/fine"), &Budget::default())
        .await
        .expect("no link below this path");
    for (at, edit) in edits.iter().skip(1).filter(|(at, _)| !at.ends_with("other")) {
        let (parent, _) = at.rsplit_once('/').expect("a path with a parent");
        let error =
            source.read(&written.revision, &path(parent), &Budget::default()).await.expect_err("a bad link");
        assert!(error.is_invalid(), "{at}: expected Invalid, not {error:?}");
        assert!(error.to_string().contains("link") || error.to_string().contains("module"), "{error:?}");
        if let Edit::Link(target) = edit {
            assert!(
                error.to_string().contains(target),
                "{at}: its target {target} is not named in {error:?}"
            );
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
        source.read(&resolved.revision, &path("parallel"), &Budget::default()).await
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
        let _ = tokio::time::timeout(
            patience,
            source.read(&written.revision, &path("dropped"), &Budget::default()),
        )
        .await;
        same(&source.resolve(&branch("dropped")).await.expect("a branch that exists"), &written);
        let files = source
            .read(&written.revision, &path("dropped"), &Budget::default())
            .await
            .expect("a file that exists");
        assert_eq!(contents(&files), [("dropped", content.as_str())]);
    }
}
