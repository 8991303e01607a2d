//! Copies of a remote repository on disk; see the module's documentation for their two forms.

use std::collections::BTreeSet;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use git2::{ErrorCode, Oid, Repository};
use nprt_core::{Error, ErrorKind, Result, Retry};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::client::{Cancel, Client, Head};
use super::error::{from_git, from_io};

const OPERATION: &str = "git.fetch";
/// The commit and its parents, whose files its changed lines are counted against.
const DEPTH: i32 = 2;
/// With so many copies, the next new commit comes by way of the mirror.
const COPIES: usize = 8;
const EVERYTHING: [&str; 2] = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"];

/// The copies of one remote repository.
#[derive(Debug)]
pub(super) struct Cache {
    directory: PathBuf,
    client: Client,
}

impl Cache {
    pub(super) fn new(root: &Path, client: Client) -> Self {
        let name: String = Sha256::digest(client.url()).iter().map(|byte| format!("{byte:02x}")).collect();
        Self { directory: root.join(name), client }
    }

    /// The server's references, as they are now.
    pub(super) fn heads(&self, cancel: &Cancel) -> Result<Vec<Head>> {
        self.client.heads(cancel)
    }

    /// A repository on disk that holds the commit and its files, if there is one.
    pub(super) fn cached(&self, commit: Oid) -> Option<Repository> {
        [self.copy_of(commit), self.mirror_path()].iter().find_map(|path| open_with(path, commit))
    }

    /// The commit that `head` names, from the cache or else from the server. The branch may have gone on
    /// since `head` was read: then it is the newer commit.
    pub(super) fn follow(&self, head: &Head, cancel: &Cancel) -> Result<(Repository, Oid)> {
        if let Some(repository) = self.cached(head.oid) {
            return Ok((repository, head.oid));
        }
        if let Some(copied) = self.try_copy(&head.name, cancel)? {
            return Ok(copied);
        }
        let mirror = self.mirror(cancel)?;
        if mirror.find_commit(head.oid).is_err() {
            return Err(Error::new(ErrorKind::Conflict, OPERATION, "the reference was moved meanwhile")
                .with("reference", &head.name)
                .with_retry(Retry::Temporary));
        }
        Ok((mirror, head.oid))
    }

    /// A repository that holds `commit`, from the cache or else from the server.
    pub(super) fn commit(&self, commit: Oid, cancel: &Cancel) -> Result<Repository> {
        if let Some(repository) = self.cached(commit) {
            return Ok(repository);
        }
        if self.has_many_copies() {
            // It asks the server for its references by itself.
            return self.mirror(cancel);
        }
        let heads = self.heads(cancel)?;
        let named = heads.iter().find(|head| head.oid == commit);
        let wanted = named.map_or_else(|| commit.to_string(), |head| head.name.clone());
        match self.try_copy(&wanted, cancel)? {
            Some((repository, found)) if found == commit => Ok(repository),
            // The reference was moved meanwhile, or there is no copy.
            _ => self.mirror(cancel),
        }
    }

    /// A copy, unless there are many, or the server knows no shallow fetch or no commit by that name.
    fn try_copy(&self, wanted: &str, cancel: &Cancel) -> Result<Option<(Repository, Oid)>> {
        if self.has_many_copies() {
            return Ok(None);
        }
        match self.copy(wanted, cancel) {
            Err(error) if matches!(error.kind(), ErrorKind::Unauthenticated | ErrorKind::Cancelled) => {
                Err(error)
            }
            result => Ok(result.ok()),
        }
    }

    /// All branches and tags with their history, as they are now on the server.
    pub(super) fn mirror(&self, cancel: &Cancel) -> Result<Repository> {
        let _lock = self.lock(cancel)?;
        let path = self.mirror_path();
        remove_locks(&path);
        if let Ok(mirror) = Repository::open_bare(&path) {
            match self.update(&mirror, cancel) {
                Err(error) if is_damage(&error) => {}
                result => return result.map(|()| mirror),
            }
        }
        let temporary = self.temporary()?;
        let mirror = Repository::init_bare(temporary.path()).map_err(|error| from_git(OPERATION, error))?;
        self.update(&mirror, cancel)?;
        drop(mirror);
        self.publish(&temporary, &path, |_| false)?;
        Repository::open_bare(&path).map_err(|error| from_git(OPERATION, error))
    }

    /// Fetches everything. What the mirror holds is told to the server by one reference a commit: names of
    /// branches would clash as soon as `a` is removed and `a/b` made.
    fn update(&self, mirror: &Repository, cancel: &Cancel) -> Result<()> {
        let heads = self.client.download(mirror, &EVERYTHING.map(str::to_owned), None, cancel)?;
        let tips: BTreeSet<Oid> = heads.iter().map(|head| head.oid).collect();
        for tip in tips {
            match mirror.reference(&format!("refs/tips/{tip}"), tip, true, "") {
                // A detached HEAD may name a commit that is on no branch, and so was not fetched.
                Err(error) if error.code() == ErrorCode::NotFound => {}
                result => drop(result.map_err(|error| from_git(OPERATION, error))?),
            }
        }
        Ok(())
    }

    /// Makes a copy of one commit, `wanted` being the name of a reference or the full commit.
    fn copy(&self, wanted: &str, cancel: &Cancel) -> Result<(Repository, Oid)> {
        let git = |error| from_git(OPERATION, error);
        let wanted = wanted.trim_end_matches("^{}");
        let temporary = self.temporary()?;
        let copy = Repository::init_bare(temporary.path()).map_err(git)?;
        let heads = self.client.download(&copy, &[wanted.to_owned()], Some(DEPTH), cancel)?;
        let named = heads.iter().find(|head| head.name == wanted);
        let named = named.map_or_else(|| Oid::from_str(wanted), |head| Ok(head.oid)).map_err(git)?;
        let peeled = copy.find_object(named, None).and_then(|object| object.peel_to_commit());
        let commit = peeled.map(|commit| commit.id()).map_err(git)?;
        drop(copy);
        let path = self.copy_of(commit);
        self.publish(&temporary, &path, |path| open_with(path, commit).is_some())?;
        let copy = Repository::open_bare(&path).map_err(git)?;
        Ok((copy, commit))
    }

    fn mirror_path(&self) -> PathBuf {
        self.directory.join("mirror.git")
    }

    fn copies(&self) -> PathBuf {
        self.directory.join("copies")
    }

    fn copy_of(&self, commit: Oid) -> PathBuf {
        self.copies().join(format!("{commit}.git"))
    }

    fn has_many_copies(&self) -> bool {
        fs::read_dir(self.copies()).is_ok_and(|entries| entries.count() >= COPIES)
    }

    /// Waits until no other task and no other process writes the mirror.
    #[expect(clippy::disallowed_methods, reason = "this runs on a thread for blocking work")]
    fn lock(&self, cancel: &Cancel) -> Result<File> {
        let path = self.directory.join("lock");
        let io = |error| from_io(OPERATION, &path, error);
        fs::create_dir_all(&self.directory).map_err(io)?;
        let file = File::options().create(true).append(true).open(&path).map_err(io)?;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::Error(error)) => return Err(io(error)),
                Err(TryLockError::WouldBlock) => cancel.check()?,
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// A directory to make a copy in, which is locked as long as its maker lives. Those that killed
    /// processes left are removed.
    fn temporary(&self) -> Result<Temporary> {
        let directory = self.directory.join("temporary");
        let io = |error| from_io(OPERATION, &directory, error);
        for made in [&directory, &self.copies()] {
            fs::create_dir_all(made).map_err(io)?;
        }
        for entry in fs::read_dir(&directory).map_err(io)?.flatten() {
            let path = entry.path();
            let Ok(file) = File::open(&path) else { continue };
            // Locked while it is removed, so that a maker which comes in between sees that it is gone.
            if file.try_lock().is_ok() {
                // Fails only when another process removes it at the same time.
                let _ = remove(&path);
            }
        }
        loop {
            let made = TempDir::new_in(&directory).map_err(io)?;
            // Another process may remove it in the moment before it is locked.
            let Ok(lock) = File::open(made.path()) else { continue };
            lock.lock().map_err(io)?;
            if made.path().exists() {
                return Ok(Temporary { made, lock });
            }
        }
    }

    /// Moves a finished copy to `path`. Where one stands already it is kept if it is `usable`.
    fn publish(&self, copy: &Temporary, path: &Path, usable: impl Fn(&Path) -> bool) -> Result<()> {
        if fs::rename(copy.path(), path).is_ok() || usable(path) {
            return Ok(());
        }
        let io = |error| from_io(OPERATION, path, error);
        let aside = self.temporary()?;
        fs::rename(path, aside.path().join("replaced")).map_err(io)?;
        fs::rename(copy.path(), path).map_err(io)
    }
}

/// A directory that is removed when dropped, unless it was moved away.
struct Temporary {
    made: TempDir,
    #[expect(dead_code, reason = "held, not used")]
    lock: File,
}

impl Temporary {
    fn path(&self) -> &Path {
        self.made.path()
    }
}

fn remove(path: &Path) -> io::Result<()> {
    if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
}

/// Removes git's own locks in the mirror. Who holds ours is its only writer: killed processes left them.
fn remove_locks(mirror: &Path) {
    let directories = [mirror.to_owned(), mirror.join("refs/tips")];
    for entry in directories.iter().flat_map(fs::read_dir).flatten().flatten() {
        if entry.path().extension().is_some_and(|extension| extension == "lock") {
            // What cannot be removed is told by the fetch that runs into it.
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn open_with(path: &Path, commit: Oid) -> Option<Repository> {
    let repository = Repository::open_bare(path).ok()?;
    let complete = repository.find_commit(commit).and_then(|commit| commit.tree()).is_ok();
    complete.then_some(repository)
}

/// Whether the mirror itself is damaged, rather than the server out of reach.
fn is_damage(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Unexpected | ErrorKind::NotFound)
}
