//! What a reference means.

use super::{Edit, VcsWriter, branch, commit, path, same, sha, tag};
use crate::ErrorKind;
use crate::model::{Budget, ChangedLines, Reference, Revision, Tag};
use crate::ports::{VcsSource, VcsSourceExt};

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
        let error = source.read(&revision, &path("a"), &Budget::default()).await;
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
    let files =
        source.read(&written.revision, &path("a"), &Budget::default()).await.expect("the files of a tag");
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
