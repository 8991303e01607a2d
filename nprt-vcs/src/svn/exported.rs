//! What `svn export` wrote of one revision. It makes the symbolic links that were committed; nothing here follows one.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use nprt_core::model::RepoPath;
use nprt_core::ports::{SourceTree, TreeEntry};
use nprt_core::{Error, ErrorKind, Result};
use tempfile::TempDir;

use super::backend::unread;

/// Parts of a tree on disk, which says what else it needs.
pub(super) struct Exported {
    directory: TempDir,
    /// The path that is read: it is exported first.
    top: String,
    known: BTreeMap<String, Known>,
    needed: Option<Needed>,
}

enum Known {
    Missing,
    /// Something else than a link, of which no more is known.
    NoLink,
    /// Exported, with all below it.
    There(PathBuf),
}

/// What a tree must know before it can be read on.
pub(super) enum Needed {
    /// All at and below a path.
    Entry(String),
    /// Whether a symbolic link is at a path.
    Link(String),
}

impl Exported {
    pub(super) fn new(directory: TempDir, top: &RepoPath) -> Self {
        let top = if top.is_root() { String::new() } else { top.to_string() };
        Self { directory, top, known: BTreeMap::new(), needed: None }
    }

    pub(super) fn needed(&mut self) -> Option<Needed> {
        self.needed.take()
    }

    /// The folder that holds all exports.
    pub(super) fn folder(&self) -> &Path {
        self.directory.path()
    }

    /// Where to export the next path.
    pub(super) fn place(&self) -> PathBuf {
        self.directory.path().join(format!("export-{}", self.known.len()))
    }

    pub(super) fn is_there(&mut self, path: String) {
        let place = self.place();
        self.known.insert(path, Known::There(place));
    }

    pub(super) fn is_missing(&mut self, path: String) {
        self.known.insert(path, Known::Missing);
    }

    pub(super) fn is_no_link(&mut self, path: String) {
        self.known.insert(path, Known::NoLink);
    }

    /// Where `path` is on disk, if it was exported with something above it; `Missing` where that was not there.
    fn find(&self, path: &str) -> Option<Option<PathBuf>> {
        let mut above = path;
        loop {
            let below = path[above.len()..].trim_start_matches('/');
            match self.known.get(above) {
                Some(Known::Missing) => return Some(None),
                Some(Known::There(place)) if below.is_empty() => return Some(Some(place.clone())),
                Some(Known::There(place)) => return Some(Some(place.join(below))),
                Some(Known::NoLink) | None => {}
            }
            if above.is_empty() {
                return None;
            }
            above = above.rsplit_once('/').map_or("", |(parent, _)| parent);
        }
    }

    fn need<T>(&mut self, needed: Needed) -> Result<T> {
        self.needed = Some(needed);
        Err(Error::new(ErrorKind::Unexpected, "vcs.read", "not exported yet"))
    }
}

impl SourceTree for Exported {
    fn entry(&mut self, path: &str) -> Result<TreeEntry> {
        let place = match self.find(path) {
            None => return self.need(Needed::Entry(path.to_owned())),
            Some(None) => return Ok(TreeEntry::Missing),
            Some(Some(place)) => place,
        };
        let Ok(kind) = fs::symlink_metadata(&place) else { return Ok(TreeEntry::Missing) };
        let failed = |error| unread(path, error);
        let invalid = |why| Error::invalid("vcs.read", why).with("path", path);
        if kind.is_symlink() {
            let target = fs::read_link(&place).map_err(failed)?;
            let target = target.to_str().ok_or_else(|| invalid("the link's target is not UTF-8"))?;
            return Ok(TreeEntry::Link(target.to_owned()));
        }
        if kind.is_dir() {
            let mut names = Vec::new();
            for entry in fs::read_dir(&place).map_err(failed)? {
                let name = entry.map_err(failed)?.file_name();
                names.push(name.into_string().map_err(|_| invalid("a file's name is not UTF-8"))?);
            }
            names.sort_unstable();
            return Ok(TreeEntry::Directory(names));
        }
        Ok(TreeEntry::File(Bytes::from(fs::read(&place).map_err(failed)?)))
    }

    fn link(&mut self, path: &str) -> Result<Option<String>> {
        let leads_to_top = self.top.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'));
        let is_there = |path: &str| matches!(self.known.get(path), Some(Known::There(_)));
        if matches!(self.known.get(path), Some(Known::NoLink)) || (leads_to_top && is_there(&self.top)) {
            return Ok(None);
        }
        if self.find(path).is_none() {
            return self.need(Needed::Link(path.to_owned()));
        }
        Ok(match self.entry(path)? {
            TreeEntry::Link(target) => Some(target),
            _ => None,
        })
    }
}
