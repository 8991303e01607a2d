//! The contract of version control, over the memory backend in both its forms.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says what it expects")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use nprt_core::clock::SystemClock;
use nprt_core::conformance::vcs::{self, Edit, VcsWriter};
use nprt_core::model::{Budget, Commit, Reference, RepoPath, Revision, SourceFile, VersionRef};
use nprt_core::ports::{VcsCapabilities, VcsSource, VcsSourceExt};
use nprt_core::wrap::{Backoff, Retry, Timeout};
use nprt_core::{ErrorKind, Result};
use nprt_memory::MemoryVcs;

struct Writer<'a>(&'a MemoryVcs);

#[async_trait]
impl VcsWriter for Writer<'_> {
    async fn commit(&self, branch: &str, message: &str, edits: &[(&str, Edit<'_>)]) -> Commit {
        let mut commit = self.0.commit(branch).message(message);
        for (path, edit) in edits {
            commit = match edit {
                Edit::File(content) => commit.file(*path, content.to_string()),
                Edit::Link(target) => commit.link(*path, *target),
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
async fn wrappers_keep_the_contract() {
    let fresh = Arc::new(MemoryVcs::new());
    fresh.commit("main").push().unwrap();
    let boxed: Box<dyn VcsSource> = Box::new(Arc::clone(&fresh));
    let limited = Timeout::new(boxed, Duration::from_secs(60), Arc::new(SystemClock));
    let retried = Retry::new(limited, Backoff::default(), Arc::new(SystemClock));
    vcs::all(&retried, &Writer(&fresh)).await;
}

/// A fault that systems like ours have had.
#[derive(Debug, Clone, Copy)]
enum Fault {
    /// A branch is served from a copy that never advances.
    Stale,
    /// The newest commit is read, whatever revision was asked for.
    Newest,
    /// A link is left out as if it were not there.
    SkipsLinks,
    /// The first of several commits is taken.
    FirstMatch,
}

#[derive(Debug)]
struct Broken {
    vcs: MemoryVcs,
    fault: Fault,
    first: Mutex<Option<Commit>>,
}

#[async_trait]
impl VcsSource for Broken {
    fn capabilities(&self) -> VcsCapabilities {
        self.vcs.capabilities()
    }

    async fn resolve(&self, reference: &Reference) -> Result<Commit> {
        let commit = match (self.vcs.resolve(reference).await, self.fault) {
            (Err(error), Fault::FirstMatch) if error.kind() == ErrorKind::Ambiguous => {
                let first = error.available()[0].parse().unwrap();
                self.vcs.resolve(&Reference::Revision(first)).await?
            }
            (result, _) => result?,
        };
        let first = self.first.lock().unwrap().get_or_insert_with(|| commit.clone()).clone();
        Ok(if matches!(self.fault, Fault::Stale) { first } else { commit })
    }

    async fn read(&self, revision: &Revision, path: &RepoPath, budget: &Budget) -> Result<Vec<SourceFile>> {
        let newest = self.vcs.resolve(&"exact".parse().unwrap()).await.map(|commit| commit.revision);
        match (self.vcs.read(revision, path, budget).await, self.fault, newest) {
            (Ok(_), Fault::Newest, Ok(newest)) => self.vcs.read(&newest, path, budget).await,
            (Err(error), Fault::SkipsLinks, _) if error.is_invalid() => Ok(Vec::new()),
            (result, _, _) => result,
        }
    }
}

#[tokio::test]
async fn the_suite_finds_what_systems_like_ours_got_wrong() {
    for fault in [Fault::Stale, Fault::Newest, Fault::SkipsLinks, Fault::FirstMatch] {
        let found = tokio::spawn(async move {
            let vcs = MemoryVcs::new();
            vcs.commit("main").push().unwrap();
            let broken = Broken { vcs, fault, first: Mutex::default() };
            vcs::all(&broken, &Writer(&broken.vcs)).await;
        });
        assert!(found.await.is_err_and(|error| error.is_panic()), "{fault:?} was not found");
    }
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
