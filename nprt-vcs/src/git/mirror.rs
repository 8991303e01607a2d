//! The one copy that grows: the objects of many commits.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use gix::{ObjectId, Repository};
use nprt_core::Result;
use tempfile::NamedTempFile;

use super::client::OPERATION;
use super::error::from_io;
use super::repository;
use super::session::Session;

/// Where what was fetched is, in files that nobody changes.
const PACKS: &str = "objects/pack";
/// The file that names commits which the mirror holds with all of their history, one a line. They are told to the
/// server, which then sends what is new. References would clash, as soon as a branch `a` is removed and `a/b` made.
const TIPS: &str = "nprt-tips";
/// So many of these at most, of the newest commits. They go along with each fetch.
const MOST_TIPS: usize = 256;

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
        let has = |object: &ObjectId| self.repository.has_object(object);
        let wanted: BTreeSet<ObjectId> =
            heads.iter().map(|head| head.object).filter(|object| !has(object)).collect();
        let wanted: Vec<ObjectId> = wanted.into_iter().collect();
        let tips = self.tips();
        if !wanted.is_empty() {
            session.fetch(&self.repository, &wanted, &tips, None)?;
        }
        self.remember(tips, heads.iter().map(|head| head.commit))
    }

    /// Fetches one commit with its history.
    pub(super) fn fetch(&self, session: &mut Session<'_>, commit: ObjectId) -> Result<()> {
        let tips = self.tips();
        session.fetch(&self.repository, &[commit], &tips, None)?;
        self.remember(tips, [commit])
    }

    /// What the server need not send. A file that cannot be read costs time, and no more.
    fn tips(&self) -> Vec<ObjectId> {
        let lines = fs::read_to_string(self.path.join(TIPS)).unwrap_or_default();
        let tips = lines.lines().filter_map(|line| ObjectId::from_hex(line.as_bytes()).ok());
        tips.filter(|tip| self.repository.has_object(tip)).collect()
    }

    fn remember(&self, tips: Vec<ObjectId>, fetched: impl IntoIterator<Item = ObjectId>) -> Result<()> {
        let tips: BTreeSet<ObjectId> = tips.into_iter().chain(fetched).collect();
        // A tag may lead to what is no commit.
        let time = |tip: &ObjectId| self.repository.find_commit(*tip).ok()?.time().ok();
        let mut tips: Vec<_> = tips.iter().filter_map(|tip| Some((time(tip)?.seconds, tip))).collect();
        tips.sort_unstable_by(|a, b| b.cmp(a));
        tips.truncate(MOST_TIPS);
        let lines: String = tips.iter().map(|(_, tip)| format!("{tip}\n")).collect();
        let io = |error| from_io(OPERATION, &self.path, error);
        let mut file = NamedTempFile::new_in(&self.path).map_err(io)?;
        file.write_all(lines.as_bytes()).map_err(io)?;
        file.persist(self.path.join(TIPS)).map_err(|error| io(error.error))?;
        Ok(())
    }
}

/// Removes git's own locks and what was half written. Who holds our lock is the mirror's only writer: killed
/// processes left them.
fn remove_rests(mirror: &Path) {
    for entry in [mirror, &mirror.join(PACKS)].iter().flat_map(fs::read_dir).flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.ends_with(".lock") || name.starts_with(".tmp") {
            // What cannot be removed is told by the fetch that runs into it.
            let _ = fs::remove_file(entry.path());
        }
    }
}
