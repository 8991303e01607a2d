use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use gix::{ObjectId, Repository};
use nprt_core::model::{Budget, Commit, GitSha, Limit, Reference, RepoPath, Revision, SourceFile};
use nprt_core::ports::{VcsCapabilities, VcsSource};
use nprt_core::{Error, ErrorKind, Result};
use tokio::sync::Semaphore;

use super::cache::Cache;
use super::cancel::Cancel;
use super::{objects, repository};

/// How many calls run at once, each on a thread; others wait. A server that stops responding keeps its
/// threads, and must not get all that the process has.
const THREADS: usize = 8;

/// A git repository; built by [`GitSource::builder`].
#[derive(Debug, Clone)]
pub struct GitSource {
    place: Arc<Place>,
    timeout: Duration,
    threads: Arc<Semaphore>,
}

/// Where the repository is.
#[derive(Debug)]
pub(super) enum Place {
    /// Here: it is read in place.
    Local(PathBuf),
    /// On a server.
    Remote(Box<Cache>),
}

impl GitSource {
    pub(super) fn new(place: Place, timeout: Duration) -> Self {
        Self { place: Arc::new(place), timeout, threads: Arc::new(Semaphore::new(THREADS)) }
    }

    /// Runs blocking work on a thread for it, for as long as somebody waits and the time allows.
    async fn run<T, F>(&self, operation: &'static str, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Place, &Cancel) -> Result<T> + Send + 'static,
    {
        let cancel = Cancel::default();
        let _guard = CancelOnDrop(cancel.clone());
        let (place, threads) = (Arc::clone(&self.place), Arc::clone(&self.threads));
        let failed = || Error::new(ErrorKind::Unexpected, operation, "git failed");
        let call = async {
            let thread = threads.acquire_owned().await.map_err(|closed| failed().with_source(closed))?;
            let task = tokio::task::spawn_blocking(move || {
                let result = work(&place, &cancel);
                // Also of a call that nobody waits for any more.
                drop(thread);
                result
            });
            task.await.map_err(|panic| failed().with_source(panic))?
        };
        match tokio::time::timeout(self.timeout, call).await {
            Ok(result) => result,
            Err(_) => Err(Error::new(ErrorKind::Timeout, operation, "not done in the time allowed")
                .with("seconds", self.timeout.as_secs())),
        }
    }
}

struct CancelOnDrop(Cancel);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

#[async_trait]
impl VcsSource for GitSource {
    fn capabilities(&self) -> VcsCapabilities {
        VcsCapabilities { commits: true, revision_numbers: false, tags: true, changed_lines: true }
    }

    async fn resolve(&self, reference: &Reference) -> Result<Commit> {
        let reference = reference.clone();
        self.run("vcs.resolve", move |place, cancel| {
            place.healing(cancel, || {
                let (repository, oid) = place.find(&reference, cancel)?;
                Ok((objects::commit(&repository, oid, cancel), repository))
            })
        })
        .await
    }

    async fn read(&self, revision: &Revision, path: &RepoPath, budget: &Budget) -> Result<Vec<SourceFile>> {
        let (oid, path, budget) = (full(revision)?, path.clone(), budget.clone());
        self.run("vcs.read", move |place, cancel| {
            let files = place.healing(cancel, || {
                let repository = place.holding(oid, cancel)?;
                Ok((objects::read(&repository, oid, &path, &budget.attempt(), cancel), repository))
            })?;
            budget.spend(Limit::Bytes, files.iter().map(|file| file.content.len() as u64).sum())?;
            Ok(files)
        })
        .await
    }
}

/// How often a copy may turn out to be damaged: there may be one of the commit, and the mirror.
const MOST_DAMAGED: usize = 2;

impl Place {
    /// Does `work`, which answers with the repository that it used. A copy that is damaged is discarded, and fetched
    /// again.
    fn healing<T>(&self, cancel: &Cancel, work: impl Fn() -> Result<(Result<T>, Repository)>) -> Result<T> {
        for _ in 0..MOST_DAMAGED {
            let (done, repository) = work()?;
            match (done, self) {
                (Err(error), Self::Remote(cache)) if error.kind() == ErrorKind::Unexpected => {
                    tracing::warn!(%error, "a copy of the repository is damaged, and fetched again");
                    let path = repository.path().to_owned();
                    drop(repository);
                    cache.discard(&path, cancel)?;
                }
                (done, _) => return done,
            }
        }
        work()?.0
    }

    fn find(&self, reference: &Reference, cancel: &Cancel) -> Result<(Repository, ObjectId)> {
        match reference {
            Reference::Commit(commit) => match GitSha::new(commit.as_str()) {
                Ok(sha) => self.full(&Revision::Git(sha), cancel),
                Err(_) => {
                    let repository = match self {
                        Self::Local(path) => repository::open(path)?,
                        Self::Remote(cache) => cache.mirror(cancel)?,
                    };
                    let oid = match (objects::abbreviated(&repository, commit), self) {
                        (Err(error), Self::Remote(cache)) if !error.is_ambiguous() => {
                            objects::abbreviated(&cache.whole_mirror(repository, error, cancel)?, commit)?
                        }
                        (oid, _) => oid?,
                    };
                    Ok((self.holding(oid, cancel)?, oid))
                }
            },
            Reference::Revision(revision) => self.full(revision, cancel),
            Reference::Branch(_) | Reference::Tag(_) => match self {
                Self::Local(path) => {
                    let repository = repository::open(path)?;
                    let commit = objects::find(&objects::heads(&repository)?, reference)?.commit;
                    Ok((repository, commit))
                }
                Self::Remote(cache) => cache.follow(reference, cancel),
            },
        }
    }

    fn full(&self, revision: &Revision, cancel: &Cancel) -> Result<(Repository, ObjectId)> {
        let oid = full(revision)?;
        Ok((self.holding(oid, cancel)?, oid))
    }

    /// A repository on disk that holds the commit, if there is such a commit.
    fn holding(&self, commit: ObjectId, cancel: &Cancel) -> Result<Repository> {
        match self {
            Self::Local(path) => repository::open(path),
            Self::Remote(cache) => cache.commit(commit, cancel),
        }
    }
}

fn full(revision: &Revision) -> Result<ObjectId> {
    let unsupported =
        |why| Err(Error::new(ErrorKind::Unsupported, "vcs.resolve", why).with("revision", revision));
    match revision {
        Revision::Git(sha) if sha.as_str().len() == 40 => {
            ObjectId::from_hex(sha.as_str().as_bytes()).map_err(|_| objects::unknown(sha))
        }
        Revision::Git(_) => unsupported("this build knows SHA-1 repositories only"),
        Revision::Svn(_) => unsupported("revisions are git commits, not numbers"),
    }
}
