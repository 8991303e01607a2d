//! Commits and files, read from the objects of a repository on disk.

use std::collections::BTreeMap;

use bytes::Bytes;
use gix::bstr::ByteSlice;
use gix::objs::Kind;
use gix::objs::tree::{EntryKind, EntryMode};
use gix::{Commit as GitCommit, ObjectId, Repository, Tree};
use jiff::Timestamp;
use nprt_core::model::{
    ChangedLines, Commit, CommitPrefix, GitSha, Reference, RepoPath, Revision, SourceFile,
};
use nprt_core::ports::{SourceTree, TreeEntry, read_tree};
use nprt_core::{Error, ErrorKind, Result};

use super::session::Head;

/// More than any set of manifests; a path that holds more is a mistake.
const LARGEST: u64 = 64 * 1024 * 1024;

/// The reference among `heads` that a branch or tag names. A tag is the commit that it points at.
pub(super) fn find<'a>(heads: &'a [Head], reference: &Reference) -> Result<&'a Head> {
    let (name, folder, what) = match reference {
        Reference::Tag(tag) => (format!("refs/tags/{tag}"), "refs/tags/", "no such tag"),
        _ if reference.to_string() == "HEAD" => ("HEAD".to_owned(), "refs/heads/", "no default branch"),
        branch => (format!("refs/heads/{branch}"), "refs/heads/", "no such branch"),
    };
    heads.iter().find(|head| head.name == name).ok_or_else(|| {
        let there = heads.iter().filter_map(|head| head.name.strip_prefix(folder));
        Error::new(ErrorKind::NotFound, "vcs.resolve", what)
            .with("reference", reference)
            .with_available(there)
    })
}

/// The references of a repository on this machine, as a server lists them.
pub(super) fn heads(repository: &Repository) -> Result<Vec<Head>> {
    let failed = |error| unreadable("vcs.resolve", error);
    let mut heads = Vec::new();
    let head = |name: &str, object: ObjectId| {
        let commit = repository.find_object(object).ok()?.peel_to_kind(Kind::Commit).ok()?.id;
        Some(Head { name: name.to_owned(), object, commit })
    };
    // There is none before the first commit.
    heads.extend(repository.head_id().ok().and_then(|id| head("HEAD", id.detach())));
    for reference in repository.references().map_err(failed)?.all().map_err(failed)? {
        // A name that is no text, or that leads to no commit, is nothing to deploy.
        let Ok(mut reference) = reference else { continue };
        let Ok(id) = reference.peel_to_id() else { continue };
        let id = id.detach();
        heads.extend(str::from_utf8(reference.name().as_bstr()).ok().and_then(|name| head(name, id)));
    }
    Ok(heads)
}

/// The one commit that begins with these digits.
pub(super) fn abbreviated(repository: &Repository, prefix: &CommitPrefix) -> Result<ObjectId> {
    #[expect(clippy::disallowed_types, reason = "the library asks for one; it is sorted below")]
    let mut found = std::collections::HashSet::new();
    let digits = gix::hash::Prefix::from_hex(prefix.as_str()).map_err(|_| unknown(prefix))?;
    let lookup = repository.objects.lookup_prefix(digits, Some(&mut found));
    lookup.map_err(|error| unreadable("vcs.resolve", error))?;
    // Several objects may begin so; of these, only commits count.
    let is_commit =
        |id: &ObjectId| repository.find_header(*id).is_ok_and(|header| header.kind() == Kind::Commit);
    let mut commits: Vec<ObjectId> = found.into_iter().filter(is_commit).collect();
    commits.sort_unstable();
    match commits[..] {
        [] => Err(unknown(prefix)),
        [commit] => Ok(commit),
        _ => Err(Error::new(ErrorKind::Ambiguous, "vcs.resolve", "several commits begin so")
            .with("commit", prefix)
            .with_available(commits)),
    }
}

/// What the repository knows of a commit.
pub(super) fn commit(repository: &Repository, id: ObjectId) -> Result<Commit> {
    let failed = |error| unreadable("vcs.resolve", error).with("commit", id);
    let commit = repository.find_commit(id).map_err(|_| unknown(id))?;
    let author = commit.author().map_err(failed)?;
    let (name, mail) = (author.name.to_str_lossy(), author.email.to_str_lossy());
    let time = Timestamp::from_second(commit.time().map_err(failed)?.seconds).map_err(|source| {
        Error::new(ErrorKind::Unexpected, "vcs.resolve", "the commit's time is out of range")
            .with("commit", id)
            .with_source(source)
    })?;
    Ok(Commit {
        revision: Revision::Git(GitSha::new(&id.to_string())?),
        author: format!("{name} <{mail}>"),
        time,
        message: commit.message_raw_sloppy().to_str_lossy().into_owned(),
        changed: changed(repository, &commit).map_err(failed)?,
    })
}

/// Without the parent (it was not fetched) nothing can be said; a first commit changed all that it has.
fn changed(repository: &Repository, commit: &GitCommit<'_>) -> gix::Result<Option<ChangedLines>> {
    let before = match commit.parent_ids().next() {
        None => repository.empty_tree(),
        Some(parent) => match repository.find_commit(parent) {
            Ok(parent) => parent.tree()?,
            Err(_) => return Ok(None),
        },
    };
    let stats = before.changes()?.stats(&commit.tree()?)?;
    Ok(Some(ChangedLines { added: stats.lines_added, removed: stats.lines_removed }))
}

/// The files below `path` in `commit`.
pub(super) fn read(repository: &Repository, commit: ObjectId, path: &RepoPath) -> Result<Vec<SourceFile>> {
    let root = repository.find_commit(commit).and_then(|commit| commit.tree());
    let root = root.map_err(|_| unknown(commit).with("path", path))?;
    let files = read_tree(&mut Reader { repository, root: &root, listed: BTreeMap::new() }, path)?;
    if files.is_empty() {
        return Err(missing(&root, commit, path));
    }
    Ok(files)
}

struct Reader<'a> {
    repository: &'a Repository,
    root: &'a Tree<'a>,
    /// What directories that were read hold: no path is looked up twice.
    listed: BTreeMap<String, (EntryMode, ObjectId)>,
}

impl Reader<'_> {
    fn find(&self, path: &str) -> Result<Option<(EntryMode, ObjectId)>> {
        if let Some(&listed) = self.listed.get(path) {
            return Ok(Some(listed));
        }
        let entry = self.root.lookup_entry_by_path(path);
        let entry = entry.map_err(|error| unreadable("vcs.read", error).with("path", path))?;
        Ok(entry.map(|entry| (entry.mode(), entry.object_id())))
    }

    fn directory(&mut self, tree: &Tree<'_>, path: &str) -> Result<TreeEntry> {
        let prefix = if path.is_empty() { String::new() } else { format!("{path}/") };
        let mut names = Vec::new();
        for entry in tree.iter() {
            let entry = entry.map_err(|error| unreadable("vcs.read", error).with("path", path))?;
            let name = entry.filename().to_str_lossy().into_owned();
            self.listed.insert(format!("{prefix}{name}"), (entry.mode(), entry.object_id()));
            names.push(name);
        }
        Ok(TreeEntry::Directory(names))
    }
}

impl SourceTree for Reader<'_> {
    fn entry(&mut self, path: &str) -> Result<TreeEntry> {
        if path.is_empty() {
            return self.directory(self.root, path);
        }
        let Some((mode, id)) = self.find(path)? else { return Ok(TreeEntry::Missing) };
        let failed = |error| unreadable("vcs.read", error).with("path", path);
        match mode.kind() {
            EntryKind::Commit => return Ok(TreeEntry::Submodule),
            EntryKind::Tree => {
                let tree = self.repository.find_tree(id).map_err(failed)?;
                return self.directory(&tree, path);
            }
            EntryKind::Blob | EntryKind::BlobExecutable | EntryKind::Link => {}
        }
        if self.repository.find_header(id).map_err(failed)?.size() > LARGEST {
            return Err(Error::invalid("vcs.read", "a file of more than 64 MiB").with("path", path));
        }
        let content = self.repository.find_blob(id).map_err(failed)?.take_data();
        if mode.kind() != EntryKind::Link {
            return Ok(TreeEntry::File(Bytes::from(content)));
        }
        let target = String::from_utf8(content);
        let invalid = |_| Error::invalid("vcs.read", "the link's target is not UTF-8").with("path", path);
        target.map(TreeEntry::Link).map_err(invalid)
    }

    fn link(&mut self, path: &str) -> Result<Option<String>> {
        if self.find(path)?.is_none_or(|(mode, _)| mode.kind() != EntryKind::Link) {
            return Ok(None);
        }
        Ok(match self.entry(path)? {
            TreeEntry::Link(target) => Some(target),
            _ => None,
        })
    }
}

/// Nothing is at `path`: what is in the deepest directory on the way to it.
fn missing(root: &Tree<'_>, commit: ObjectId, path: &RepoPath) -> Error {
    let error = Error::new(ErrorKind::NotFound, "vcs.read", "nothing at this path")
        .with("path", path)
        .with("revision", commit);
    let mut directory = path.as_str();
    while let Some((parent, _)) = directory.rsplit_once('/') {
        let entry = root.lookup_entry_by_path(parent).ok().flatten();
        let tree = entry.and_then(|entry| entry.object().ok()?.try_into_tree().ok());
        if let Some(tree) = tree {
            return error.with_available(names(&tree, &format!("{parent}/")));
        }
        directory = parent;
    }
    error.with_available(names(root, ""))
}

fn names(tree: &Tree<'_>, prefix: &str) -> Vec<String> {
    tree.iter().flatten().map(|entry| format!("{prefix}{}", entry.filename().to_str_lossy())).collect()
}

pub(super) fn unknown(commit: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::NotFound, "vcs.resolve", "no such commit").with("commit", commit)
}

fn unreadable(operation: &'static str, error: gix::Error) -> Error {
    Error::new(ErrorKind::Unexpected, operation, "the repository cannot be read").with_source(error)
}
