//! The contract of version control, over the memory backend in both its forms.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says what it expects")]

use async_trait::async_trait;
use nprt_core::conformance::vcs::{self, Edit, VcsWriter};
use nprt_core::memory::MemoryVcs;
use nprt_core::model::{Commit, Revision, VersionRef};
use nprt_core::ports::{VcsCapabilities, VcsSource, VcsSourceExt};

struct Writer<'a>(&'a MemoryVcs);

#[async_trait]
impl VcsWriter for Writer<'_> {
    async fn commit(&self, branch: &str, message: &str, edits: &[(&str, Edit<'_>)]) -> Commit {
        let mut commit = self.0.commit(branch).message(message);
        for (path, edit) in edits {
            commit = match edit {
                Edit::File(content) => commit.file(*path, content.to_string()),
                Edit::Link(_) => commit.link(*path),
                Edit::Submodule => commit.submodule(*path),
                Edit::Remove => commit.remove(*path),
            };
        }
        commit.push().unwrap()
    }

    async fn tag(&self, tag: &str, branch: &str) -> Commit {
        let commit = self.0.resolve(&branch.parse().unwrap()).await.unwrap();
        self.0.tag(tag, &commit.revision).unwrap();
        commit
    }

    fn default_branch(&self) -> String {
        "main".to_owned()
    }

    async fn twins(&self, branch: &str) -> [Revision; 2] {
        ["3f2a91c0", "3f2a91c1"].map(|start| {
            let revision = Revision::new(&format!("{start:0<40}")).unwrap();
            self.0.commit(branch).revision(revision).push().unwrap().revision
        })
    }

    fn submodules(&self) -> bool {
        true
    }
}

async fn repository(vcs: MemoryVcs) -> MemoryVcs {
    vcs.commit("main").file("readme", "hello\n").push().unwrap();
    vcs::all(&vcs, &Writer(&vcs)).await;
    vcs
}

#[tokio::test]
async fn keeps_the_contract_as_git_does() {
    let vcs = repository(MemoryVcs::new()).await;
    let claims = VcsCapabilities { commits: true, revision_numbers: false, tags: true, changed_lines: true };
    assert_eq!(vcs.capabilities(), claims);
}

#[tokio::test]
async fn keeps_the_contract_as_subversion_does() {
    let vcs = repository(MemoryVcs::numbered()).await;
    let claims = VcsCapabilities { commits: false, revision_numbers: true, tags: true, changed_lines: true };
    assert_eq!(vcs.capabilities(), claims);
}

#[tokio::test]
async fn commit_and_tag_must_agree() {
    let vcs = MemoryVcs::new();
    let first = vcs.commit("main").message("first").push().unwrap().revision;
    let second = vcs.commit("main").message("second").push().unwrap().revision;
    vcs.tag("v1", &first).unwrap();

    let version = VersionRef::new(Some(&first.short()), Some("v1")).unwrap();
    assert_eq!(vcs.resolve_version(&version).await.unwrap().revision, first);

    let tag = format!("main-{}", first.short());
    for tag in ["v1", tag.as_str()] {
        let version = VersionRef::new(Some(&second.short()), Some(tag)).unwrap();
        let said = vcs.resolve_version(&version).await.unwrap_err().to_string();
        assert!(said.contains("mismatch") && said.contains(&first.to_string()), "{said}");
        assert!(said.contains(&second.to_string()), "{said}");
    }
}

#[test]
fn a_revision_is_made_once_and_of_one_kind() {
    let vcs = MemoryVcs::new();
    let first = vcs.commit("main").push().unwrap().revision;
    assert!(vcs.commit("main").revision(first).push().unwrap_err().is_conflict());
    assert!(vcs.commit("main").revision(Revision::Svn(7)).push().unwrap_err().is_unsupported());
    assert!(vcs.tag("v1", &Revision::Svn(7)).unwrap_err().is_not_found());
}
