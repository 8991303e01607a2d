mod commit;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use async_trait::async_trait;
use bytes::Bytes;
use nprt_core::model::{
    BranchName, Budget, Commit, CommitPrefix, Reference, RepoPath, Revision, SourceFile, Tag,
};
use nprt_core::ports::{SourceTree, TreeEntry, VcsCapabilities, VcsSource, read_tree};
use nprt_core::{Error, ErrorKind, Result};

pub use commit::MemoryCommit;

/// A repository in memory: [`MemoryVcs::new`] names its commits as git does, [`MemoryVcs::numbered`] as
/// subversion does. Commits may be added while others read it.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use nprt_memory::MemoryVcs;
/// use nprt_core::model::{Budget, RepoPath};
/// use nprt_core::ports::VcsSource;
///
/// let vcs = MemoryVcs::new();
/// let first = vcs.commit("main").message("a cart").file("kubernetes/cart.yaml", "kind: Pod").push()?;
/// vcs.tag("v1", &first.revision)?;
///
/// assert_eq!(vcs.resolve(&"HEAD".parse()?).await?, first);
/// let files = vcs.read(&first.revision, &RepoPath::new("kubernetes")?, &Budget::default()).await?;
/// assert_eq!(files[0].path.as_str(), "kubernetes/cart.yaml");
/// # Ok::<(), nprt_core::Error>(())
/// # }).unwrap();
/// ```
#[derive(Debug, Default)]
pub struct MemoryVcs {
    numbered: bool,
    state: RwLock<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The branch of the first commit; `HEAD` means it.
    default: Option<BranchName>,
    branches: BTreeMap<BranchName, Revision>,
    tags: BTreeMap<Tag, Revision>,
    commits: BTreeMap<Revision, (Commit, Tree)>,
}

type Tree = BTreeMap<RepoPath, Entry>;

#[derive(Debug, Clone)]
enum Entry {
    File(Bytes),
    Link(String),
    Submodule,
}

impl MemoryVcs {
    /// An empty repository whose commits have names of 40 hex digits.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty repository whose commits are numbered from `r1`.
    #[must_use]
    pub fn numbered() -> Self {
        Self { numbered: true, ..Self::default() }
    }

    /// Begins a commit on `branch`, which is made if it is not there. It starts from the branch's files.
    pub fn commit(&self, branch: &str) -> MemoryCommit<'_> {
        MemoryCommit::new(self, branch)
    }

    /// Makes `branch` name `revision`, as a new branch or by force.
    ///
    /// # Errors
    /// `Invalid` for the name, `NotFound` for the revision.
    pub fn branch(&self, branch: &str, revision: &Revision) -> Result<()> {
        let branch = BranchName::new(branch)?;
        let mut state = self.state_mut();
        state.commit(revision)?;
        state.branches.insert(branch, revision.clone());
        Ok(())
    }

    /// Makes the tag `tag` name `revision`.
    ///
    /// # Errors
    /// `Invalid` for the name, `NotFound` for the revision.
    pub fn tag(&self, tag: &str, revision: &Revision) -> Result<()> {
        let tag = Tag::new(tag)?;
        let mut state = self.state_mut();
        state.commit(revision)?;
        state.tags.insert(tag, revision.clone());
        Ok(())
    }

    fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn state_mut(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn supports(&self, revision: &Revision) -> Result<()> {
        match (revision, self.numbered) {
            (Revision::Git(_), true) => Err(unsupported("revisions are numbers", revision)),
            (Revision::Svn(_), false) => Err(unsupported("revisions are git commits", revision)),
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl VcsSource for MemoryVcs {
    fn capabilities(&self) -> VcsCapabilities {
        VcsCapabilities {
            commits: !self.numbered,
            revision_numbers: self.numbered,
            tags: true,
            changed_lines: true,
        }
    }

    async fn resolve(&self, reference: &Reference) -> Result<Commit> {
        let state = self.state();
        match reference {
            Reference::Commit(_) if self.numbered => {
                Err(unsupported("revisions are numbers, such as r17", reference))
            }
            Reference::Commit(prefix) => state.abbreviated(prefix),
            Reference::Revision(revision) => {
                self.supports(revision)?;
                state.commit(revision).map(|(commit, _)| commit.clone())
            }
            Reference::Branch(branch) => state.branch(branch),
            Reference::Tag(tag) => {
                let revision = state.tags.get(tag).ok_or_else(|| {
                    not_found("no such tag").with("tag", tag).with_available(state.tags.keys())
                })?;
                state.commit(revision).map(|(commit, _)| commit.clone())
            }
        }
    }

    async fn read(&self, revision: &Revision, path: &RepoPath, budget: &Budget) -> Result<Vec<SourceFile>> {
        self.supports(revision)?;
        let state = self.state();
        let (_, tree) = state.commit(revision)?;
        let files =
            read_tree(&mut Reader(tree), path, budget).map_err(|error| error.with("revision", revision))?;
        if files.is_empty() {
            return Err(Error::new(ErrorKind::NotFound, "vcs.read", "nothing at this path")
                .with("path", path)
                .with("revision", revision)
                .with_available(siblings(tree, path)));
        }
        Ok(files)
    }
}

struct Reader<'a>(&'a Tree);

impl SourceTree for Reader<'_> {
    fn entry(&mut self, path: &str) -> Result<TreeEntry> {
        let at = RepoPath::new(if path.is_empty() { "." } else { path })?;
        match self.0.get(&at) {
            Some(Entry::File(content)) => return Ok(TreeEntry::File(content.clone())),
            Some(Entry::Link(target)) => return Ok(TreeEntry::Link(target.clone())),
            Some(Entry::Submodule) => return Ok(TreeEntry::Submodule),
            None => {}
        }
        let prefix = if path.is_empty() { String::new() } else { format!("{path}/") };
        let below = self.0.keys().filter_map(|at| at.as_str().strip_prefix(&prefix));
        let names: BTreeSet<&str> = below.filter_map(|rest| rest.split('/').next()).collect();
        if names.is_empty() {
            return Ok(TreeEntry::Missing);
        }
        Ok(TreeEntry::Directory(names.into_iter().map(str::to_owned).collect()))
    }
}

impl State {
    fn commit(&self, revision: &Revision) -> Result<&(Commit, Tree)> {
        self.commits.get(revision).ok_or_else(|| not_found("no such revision").with("revision", revision))
    }

    fn abbreviated(&self, prefix: &CommitPrefix) -> Result<Commit> {
        let commits = self.commits.values().map(|(commit, _)| commit);
        let mut found = commits.filter(|commit| prefix.abbreviates(&commit.revision));
        let Some(first) = found.next() else {
            return Err(not_found("no such commit").with("commit", prefix));
        };
        let others: Vec<&Revision> = found.map(|commit| &commit.revision).collect();
        if others.is_empty() {
            return Ok(first.clone());
        }
        Err(Error::new(ErrorKind::Ambiguous, "vcs.resolve", "several commits begin so")
            .with("commit", prefix)
            .with_available([&first.revision])
            .with_available(others))
    }

    fn branch(&self, branch: &BranchName) -> Result<Commit> {
        let named = if branch.as_str() == "HEAD" { self.default.as_ref() } else { Some(branch) };
        let revision = named.and_then(|name| self.branches.get(name)).ok_or_else(|| {
            not_found("no such branch").with("branch", branch).with_available(self.branches.keys())
        })?;
        self.commit(revision).map(|(commit, _)| commit.clone())
    }
}

fn not_found(message: &str) -> Error {
    Error::new(ErrorKind::NotFound, "vcs.resolve", message)
}

fn unsupported(message: &str, reference: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Unsupported, "vcs.resolve", message).with("reference", reference)
}

fn is_below(path: &RepoPath, top: &RepoPath) -> bool {
    let rest = path.as_str().strip_prefix(top.as_str());
    top.is_root() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// What lies in the deepest directory on the way to `path` that exists.
fn siblings(tree: &Tree, path: &RepoPath) -> BTreeSet<String> {
    let mut directory = path.as_str();
    while let Some((parent, _)) = directory.rsplit_once('/') {
        let prefix = format!("{parent}/");
        let below = tree.keys().filter_map(|at| at.as_str().strip_prefix(&prefix));
        let names: BTreeSet<String> =
            below.filter_map(|rest| rest.split('/').next()).map(|name| format!("{prefix}{name}")).collect();
        if !names.is_empty() {
            return names;
        }
        directory = parent;
    }
    tree.keys().filter_map(|at| at.as_str().split('/').next()).map(str::to_owned).collect()
}
