//! The one copy that grows: the objects of many commits.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use gix::{ObjectId, Repository};
use nprt_core::Result;
use tempfile::NamedTempFile;

use super::cancel::Cancel;
use super::client::OPERATION;
use super::error::from_io;
use super::repository;
use super::session::{Head, Session};

/// Where what was fetched is, in files that nobody changes.
const PACKS: &str = "objects/pack";
/// The file that names commits which the mirror holds with all of their history, one a line, the newest first. They
/// are told to the server, which then sends what is new. References would clash, as soon as a branch `a` is removed
/// and `a/b` made.
const TIPS: &str = "nprt-tips";
/// The most of these to keep: each fetch sends them.
const MOST_TIPS: usize = 32;

/// The mirror, of which its holder is the only writer.
pub(super) struct Mirror {
    repository: Repository,
    path: PathBuf,
}

impl Mirror {
    /// The one at `path`.
    pub(super) fn open(path: &Path) -> Result<Self> {
        remove_rests(path);
        let repository = repository::open(path)?;
        let packs = path.join(PACKS);
        fs::metadata(&packs).map_err(|error| from_io(OPERATION, &packs, error))?;
        Ok(Self { repository, path: path.to_owned() })
    }

    /// Makes an empty one at `path`.
    pub(super) fn init(path: &Path) -> Result<Self> {
        Ok(Self { repository: repository::init(path)?, path: path.to_owned() })
    }

    pub(super) fn repository(self) -> Repository {
        self.repository
    }

    /// Fetches all branches and tags as they are now.
    pub(super) fn fetch_all(&self, session: &mut Session<'_>) -> Result<()> {
        let heads = session.heads()?;
        let missing = heads.iter().filter(|head| !repository::is_complete(&self.repository, head.commit));
        let wanted: BTreeSet<ObjectId> = missing.map(|head| head.object).collect();
        let wanted: Vec<ObjectId> = wanted.into_iter().collect();
        if !wanted.is_empty() {
            session.fetch(&self.repository, &wanted, &self.tips(), None)?;
        }
        // A tag may lead to what is no commit.
        let time = |id| self.repository.find_commit(id).ok()?.time().ok();
        let commits: BTreeSet<ObjectId> = heads.iter().map(|head| head.commit).collect();
        let mut commits: Vec<_> =
            commits.into_iter().filter_map(|id| Some((time(id)?.seconds, id))).collect();
        commits.sort_unstable_by(|a, b| b.cmp(a));
        self.write_tips(commits.into_iter().map(|(_, id)| id))
    }

    /// Fetches one commit with its history, unless somebody has while the mirror was waited for.
    pub(super) fn fetch(&self, session: &mut Session<'_>, head: &Head) -> Result<()> {
        if repository::is_complete(&self.repository, head.commit) {
            return Ok(());
        }
        let tips = self.tips();
        session.fetch(&self.repository, &[head.object], &tips, None)?;
        self.write_tips([head.commit].into_iter().chain(tips))
    }

    /// What the server need not send. A file that cannot be read costs time, and no more.
    fn tips(&self) -> Vec<ObjectId> {
        let lines = fs::read_to_string(self.path.join(TIPS)).unwrap_or_default();
        let tips = lines.lines().filter_map(|line| ObjectId::from_hex(line.as_bytes()).ok());
        tips.filter(|tip| repository::is_complete(&self.repository, *tip)).collect()
    }

    fn write_tips(&self, tips: impl Iterator<Item = ObjectId>) -> Result<()> {
        let lines: String = tips.take(MOST_TIPS).map(|tip| format!("{tip}\n")).collect();
        let io = |error| from_io(OPERATION, &self.path, error);
        let mut file = NamedTempFile::new_in(&self.path).map_err(io)?;
        file.write_all(lines.as_bytes()).map_err(io)?;
        file.persist(self.path.join(TIPS)).map_err(|error| io(error.error))?;
        Ok(())
    }
}

/// Whether the mirror has the whole history of what its [tips](Mirror::tips) name.
pub(super) fn is_whole(mirror: &Repository, cancel: &Cancel) -> bool {
    let tips = fs::read_to_string(mirror.path().join(TIPS)).unwrap_or_default();
    let tips: Option<Vec<ObjectId>> =
        tips.lines().map(|line| ObjectId::from_hex(line.as_bytes()).ok()).collect();
    let Some(tips) = tips.filter(|tips| !tips.is_empty()) else { return false };
    let Ok(mut commits) = mirror.rev_walk(tips).all() else { return false };
    // Who no longer waits gets no answer: the mirror may stay.
    commits.all(|commit| commit.is_ok_and(|commit| commit.object().is_ok()) || cancel.check().is_err())
}

/// Removes git's own locks and what was half written. Who holds our lock is the mirror's only writer: killed
/// processes left them.
fn remove_rests(mirror: &Path) {
    for entry in fs::read_dir(mirror).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        // What cannot be removed is told by the fetch that runs into it.
        if name.ends_with(".lock") {
            let _ = fs::remove_file(entry.path());
        } else if name.starts_with(".tmp") {
            let _ = super::temporary::remove(&entry.path());
        }
    }
}
