//! The contract of [`VcsSource`]. The suite writes the repository through a [`VcsWriter`], which each
//! backend's tests bring, and looks at it through the source; every check works on a branch of its own, so
//! that checks may run in any order and again.
#![expect(clippy::expect_used, clippy::panic, reason = "this is how a check fails")]

mod read;
mod resolve;

use async_trait::async_trait;

use crate::model::{
    BranchName, Commit, CommitPrefix, GitSha, Reference, RepoPath, Revision, SourceFile, Tag,
};
use crate::ports::VcsSource;

pub use read::{
    follows_links_inside_the_repository, lists_entries_instead_of_an_unknown_path,
    reads_exactly_that_revision, reads_in_order_and_recursively, reads_one_file,
    refuses_other_links_and_submodules, serves_calls_at_the_same_time, survives_dropped_calls,
};
pub use resolve::{
    counts_changed_lines_where_claimed, lists_branches_instead_of_an_unknown_one, names_ambiguous_commits,
    resolves_a_version_by_its_image_tag, resolves_commits_or_says_unsupported, resolves_its_own_revisions,
    resolves_tags_or_says_unsupported, resolves_the_default_branch, resolves_the_present_state,
};

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
    follows_links_inside_the_repository(source, writer).await;
    refuses_other_links_and_submodules(source, writer).await;
    serves_calls_at_the_same_time(source, writer).await;
    survives_dropped_calls(source, writer).await;
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
