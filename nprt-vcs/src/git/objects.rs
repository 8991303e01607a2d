//! Commits and files, read from the objects of a repository on disk.

use std::path::Path;

use bytes::Bytes;
use git2::{ErrorCode, ObjectType, Oid, Repository, Tree};
use jiff::Timestamp;
use nprt_core::model::{
    ChangedLines, Commit, CommitPrefix, GitSha, Reference, RepoPath, Revision, SourceFile,
};
use nprt_core::{Error, ErrorKind, Result};

use super::client::Head;
use super::error::from_git;

/// More than any set of manifests; a path that holds more is a mistake.
const LARGEST: u64 = 64 * 1024 * 1024;
const LINK: i32 = 0o120_000;
const SUBMODULE: i32 = 0o160_000;

/// The reference among `heads` that a branch or tag names. A tag is the commit that it points at.
pub(super) fn find<'a>(heads: &'a [Head], reference: &Reference) -> Result<&'a Head> {
    let (names, folder, what) = match reference {
        Reference::Tag(tag) => {
            (vec![format!("refs/tags/{tag}^{{}}"), format!("refs/tags/{tag}")], "refs/tags/", "no such tag")
        }
        _ if reference.to_string() == "HEAD" => (vec!["HEAD".to_owned()], "refs/heads/", "no default branch"),
        branch => (vec![format!("refs/heads/{branch}")], "refs/heads/", "no such branch"),
    };
    names.iter().find_map(|name| heads.iter().find(|head| head.name == *name)).ok_or_else(|| {
        let there = heads.iter().filter_map(|head| head.name.strip_prefix(folder));
        Error::new(ErrorKind::NotFound, "vcs.resolve", what)
            .with("reference", reference)
            .with_available(there.filter(|name| !name.ends_with("^{}")))
    })
}

/// The references of a repository on this machine, as a server lists them.
pub(super) fn heads(repository: &Repository) -> Result<Vec<Head>> {
    let git = |error| from_git("vcs.resolve", error);
    let mut heads = Vec::new();
    if let Ok(commit) = repository.head().and_then(|head| head.peel_to_commit()) {
        heads.push(Head { name: "HEAD".to_owned(), oid: commit.id() });
    }
    for reference in repository.references().map_err(git)? {
        let reference = reference.map_err(git)?;
        // A name that is no text, or that leads to no commit, is nothing to deploy.
        let (Ok(name), Ok(commit)) = (reference.name(), reference.peel_to_commit()) else { continue };
        heads.push(Head { name: name.to_owned(), oid: commit.id() });
    }
    Ok(heads)
}

/// The one commit that begins with these digits.
pub(super) fn abbreviated(repository: &Repository, prefix: &CommitPrefix) -> Result<Oid> {
    let git = |error| from_git("vcs.resolve", error);
    match repository.find_commit_by_prefix(prefix.as_str()) {
        Ok(commit) => return Ok(commit.id()),
        Err(error) if error.code() == ErrorCode::Ambiguous => {}
        Err(_) => return Err(unknown(prefix)),
    }
    // Several objects begin so; of these, only commits count.
    let odb = repository.odb().map_err(git)?;
    let mut candidates = Vec::new();
    odb.foreach(|oid| {
        if oid.to_string().starts_with(prefix.as_str()) {
            candidates.push(*oid);
        }
        true
    })
    .map_err(git)?;
    candidates.retain(|oid| odb.read_header(*oid).is_ok_and(|(_, kind)| kind == ObjectType::Commit));
    candidates.sort_unstable();
    candidates.dedup();
    match candidates[..] {
        [] => Err(unknown(prefix)),
        [commit] => Ok(commit),
        _ => Err(Error::new(ErrorKind::Ambiguous, "vcs.resolve", "several commits begin so")
            .with("commit", prefix)
            .with_available(candidates)),
    }
}

/// What the repository knows of a commit.
pub(super) fn commit(repository: &Repository, oid: Oid) -> Result<Commit> {
    let git = |error| from_git("vcs.resolve", error);
    let commit = repository.find_commit(oid).map_err(|_| unknown(oid))?;
    let author = commit.author();
    let name = String::from_utf8_lossy(author.name_bytes()).into_owned();
    let mail = String::from_utf8_lossy(author.email_bytes()).into_owned();
    let time = Timestamp::from_second(commit.time().seconds()).map_err(|source| {
        Error::new(ErrorKind::Unexpected, "vcs.resolve", "the commit's time is out of range")
            .with("commit", oid)
            .with_source(source)
    })?;
    // Without the parent (it was not fetched) nothing can be said; a first commit changed all that it has.
    let parent = if commit.parent_count() == 0 { Some(None) } else { commit.parent(0).ok().map(Some) };
    let changed = parent.map(|parent| changed(repository, parent.as_ref(), &commit)).transpose();
    Ok(Commit {
        revision: Revision::Git(GitSha::new(&oid.to_string())?),
        author: format!("{name} <{mail}>"),
        time,
        message: String::from_utf8_lossy(commit.message_raw_bytes()).into_owned(),
        changed: changed.map_err(git)?,
    })
}

fn changed(
    repository: &Repository,
    parent: Option<&git2::Commit<'_>>,
    commit: &git2::Commit<'_>,
) -> Result<ChangedLines, git2::Error> {
    let before = parent.map(git2::Commit::tree).transpose()?;
    let after = commit.tree()?;
    let stats = repository.diff_tree_to_tree(before.as_ref(), Some(&after), None)?.stats()?;
    Ok(ChangedLines { added: stats.insertions() as u64, removed: stats.deletions() as u64 })
}

/// The files below `path` in `commit`.
pub(super) fn read(repository: &Repository, commit: Oid, path: &RepoPath) -> Result<Vec<SourceFile>> {
    let root = repository
        .find_commit(commit)
        .and_then(|commit| commit.tree())
        .map_err(|_| unknown(commit).with("path", path))?;
    let mut reader = Reader { repository, files: Vec::new(), size: 0 };
    if path.is_root() {
        reader.tree(&root, "")?;
    } else {
        let entry =
            root.get_path(Path::new(path.as_str())).map_err(|_| missing(repository, &root, commit, path))?;
        reader.entry(entry.id(), entry.filemode(), path.as_str())?;
    }
    if reader.files.is_empty() {
        return Err(missing(repository, &root, commit, path));
    }
    reader.files.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    Ok(reader.files)
}

struct Reader<'a> {
    repository: &'a Repository,
    files: Vec<SourceFile>,
    size: u64,
}

impl Reader<'_> {
    fn tree(&mut self, tree: &Tree<'_>, prefix: &str) -> Result<()> {
        for entry in tree {
            let name = String::from_utf8_lossy(entry.name_bytes());
            self.entry(entry.id(), entry.filemode(), &format!("{prefix}{name}"))?;
        }
        Ok(())
    }

    fn entry(&mut self, oid: Oid, mode: i32, path: &str) -> Result<()> {
        let git = |error| from_git("vcs.read", error).with("path", path);
        let refused = |why| Err(Error::invalid("vcs.read", why).with("path", path));
        match mode {
            LINK => return refused("a symbolic link could leave the repository"),
            SUBMODULE => return refused("a submodule is another repository"),
            _ => {}
        }
        let (size, kind) = self.repository.odb().and_then(|odb| odb.read_header(oid)).map_err(git)?;
        if kind == ObjectType::Tree {
            let tree = self.repository.find_tree(oid).map_err(git)?;
            return self.tree(&tree, &format!("{path}/"));
        }
        self.size += size as u64;
        if self.size > LARGEST {
            return refused("the files below the path hold more than 64 MiB");
        }
        let blob = self.repository.find_blob(oid).map_err(git)?;
        let content = Bytes::copy_from_slice(blob.content());
        self.files.push(SourceFile { path: RepoPath::new(path)?, content });
        Ok(())
    }
}

/// Nothing is at `path`: what is in the deepest directory on the way to it.
fn missing(repository: &Repository, root: &Tree<'_>, commit: Oid, path: &RepoPath) -> Error {
    let error = Error::new(ErrorKind::NotFound, "vcs.read", "nothing at this path")
        .with("path", path)
        .with("revision", commit);
    let mut directory = path.as_str();
    while let Some((parent, _)) = directory.rsplit_once('/') {
        let entry = root.get_path(Path::new(parent));
        if let Ok(tree) = entry.and_then(|entry| repository.find_tree(entry.id())) {
            return error.with_available(names(&tree, &format!("{parent}/")));
        }
        directory = parent;
    }
    error.with_available(names(root, ""))
}

fn names(tree: &Tree<'_>, prefix: &str) -> Vec<String> {
    tree.iter().map(|entry| format!("{prefix}{}", String::from_utf8_lossy(entry.name_bytes()))).collect()
}

pub(super) fn unknown(commit: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::NotFound, "vcs.resolve", "no such commit").with("commit", commit)
}
