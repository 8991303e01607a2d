//! Commits and files, read from the objects of a repository on disk.

use gix::bstr::ByteSlice;
use gix::objs::Kind;
use gix::{Commit as GitCommit, ObjectId, Repository, Tree};
use jiff::Timestamp;
use nprt_core::model::{Budget, Commit, CommitPrefix, GitSha, Reference, RepoPath, Revision, SourceFile};
use nprt_core::ports::read_tree;
use nprt_core::{Error, ErrorKind, Result};

use super::cancel::Cancel;
use super::error::too_large;
use super::reader::Reader;
use super::session::Head;
use super::{changed, repository};

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

/// What is kept of a commit's author and message, in bytes, and how many names an error lists.
const LONGEST_AUTHOR: usize = 300;
const LONGEST_MESSAGE: usize = 16 * 1024;
const MOST_NAMES: usize = 200;

fn cut(mut text: String, most: usize) -> String {
    text.truncate(text.floor_char_boundary(most));
    text
}

/// What the repository knows of a commit.
pub(super) fn commit(repository: &Repository, id: ObjectId, cancel: &Cancel) -> Result<Commit> {
    let failed = |error| unreadable("vcs.resolve", error).with("commit", id);
    let commit = find_commit(repository, id)?;
    let author = commit.author().map_err(failed)?;
    let (name, mail) = (author.name.to_str_lossy(), author.email.to_str_lossy());
    let time = Timestamp::from_second(commit.time().map_err(failed)?.seconds).map_err(|source| {
        Error::new(ErrorKind::Unexpected, "vcs.resolve", "the commit's time is out of range")
            .with("commit", id)
            .with_source(source)
    })?;
    Ok(Commit {
        revision: Revision::Git(GitSha::new(&id.to_string())?),
        author: cut(format!("{name} <{mail}>"), LONGEST_AUTHOR),
        time,
        message: cut(commit.message_raw_sloppy().to_str_lossy().into_owned(), LONGEST_MESSAGE),
        changed: changed::lines(repository, &commit, cancel),
    })
}

/// The files below `path` in `commit`.
pub(super) fn read(
    repository: &Repository,
    commit: ObjectId,
    path: &RepoPath,
    budget: &Budget,
    cancel: &Cancel,
) -> Result<Vec<SourceFile>> {
    let found = find_commit(repository, commit).map_err(|error| error.with("path", path))?;
    let root = found.tree().map_err(|error| unreadable("vcs.read", error).with("path", path))?;
    let mut reader = Reader::new(repository, root.id, budget, cancel);
    let files = read_tree(&mut reader, path, budget)?;
    if files.is_empty() {
        return Err(missing(&root, commit, path));
    }
    Ok(files)
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
    let names = tree.iter().flatten().take(MOST_NAMES);
    names.map(|entry| format!("{prefix}{}", entry.filename().to_str_lossy())).collect()
}

/// The commit, if it is there and what its name says.
fn find_commit(repository: &Repository, id: ObjectId) -> Result<GitCommit<'_>> {
    let failed = |error| unreadable("vcs.resolve", error).with("commit", id);
    if repository.try_find_header(id).map_err(failed)?.is_none_or(|header| header.kind() != Kind::Commit) {
        return Err(unknown(id));
    }
    let commit = repository.find_commit(id).map_err(failed)?;
    check_name(id, Kind::Commit, &commit.data)?;
    Ok(commit)
}

/// Checks that the content of an object is what its name says: a damaged index leads to another one.
pub(super) fn check_name(id: ObjectId, kind: Kind, content: &[u8]) -> Result<()> {
    match gix::objs::compute_hash(id.kind(), kind, content) {
        Ok(name) if name == id => Ok(()),
        _ => {
            let message = "an object of the repository is damaged";
            Err(Error::new(ErrorKind::Unexpected, "git.read", message).with("object", id))
        }
    }
}

pub(super) fn unknown(commit: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::NotFound, "vcs.resolve", "no such commit").with("commit", commit)
}

pub(super) fn unreadable(operation: &'static str, error: gix::Error) -> Error {
    // The copy is not damaged: fetched again, it would be the same.
    if error.is_resource_exhausted() {
        return too_large(operation, repository::LARGEST).with_source(error);
    }
    Error::new(ErrorKind::Unexpected, operation, "the repository cannot be read").with_source(error)
}
