use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use nprt_core::model::{Budget, ChangedLines, Commit, Limit, Reference, RepoPath, Revision, SourceFile};
use nprt_core::ports::{VcsCapabilities, VcsSource, read_tree};
use nprt_core::{Error, ErrorKind, Result};
use percent_encoding::percent_decode_str;
use tempfile::TempDir;

use super::client::Client;
use super::diff;
use super::exported::{Exported, Needed};
use super::layout::Layout;
use super::room::Room;
use super::xml::{Entry, LogEntry};

/// Each is two or three calls of `svn`.
pub(super) const MOST_EXPORTS: usize = 200;

/// The default branch, whatever its directory is called.
const TRUNK: &str = "HEAD";

/// A subversion repository; built by [`SvnSource::builder`].
#[derive(Debug, Clone)]
pub struct SvnSource {
    client: Arc<Client>,
    layout: Layout,
    timeout: Duration,
}

impl SvnSource {
    pub(super) fn new(client: Client, layout: Layout, timeout: Duration) -> Self {
        Self { client: Arc::new(client), layout, timeout }
    }

    async fn in_time<T>(&self, operation: &'static str, work: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::time::timeout(self.timeout, work).await.unwrap_or_else(|_| {
            Err(Error::new(ErrorKind::Timeout, operation, "not done in the time allowed")
                .with("seconds", self.timeout.as_secs()))
        })
    }

    async fn find(&self, reference: &Reference) -> Result<Commit> {
        let revision = match reference {
            Reference::Commit(_) => return Err(unsupported(reference)),
            Reference::Revision(revision) => number(revision)?,
            Reference::Branch(name) if [TRUNK, self.layout.trunk.as_str()].contains(&name.as_str()) => {
                self.client.info(self.layout.trunk.as_str(), "HEAD").await?.commit.revision
            }
            Reference::Branch(name) => {
                self.last_change(self.layout.branches.as_ref(), name.as_str(), reference).await?
            }
            Reference::Tag(tag) => {
                let tags = self.layout.tags.as_ref().ok_or_else(|| unsupported(reference))?;
                self.last_change(Some(tags), tag.as_str(), reference).await?
            }
        };
        let (entry, info) = self.entry(revision).await?;
        let changed = self.changed(&info.repository.root, revision, &entry).await;
        let time: Timestamp = entry.date.parse().map_err(|source: jiff::Error| {
            Error::new(ErrorKind::Forbidden, "vcs.resolve", "the revision's date cannot be read")
                .with("revision", reference)
                .with_source(source)
        })?;
        let revision = Revision::Svn(revision);
        Ok(Commit { revision, author: entry.author, time, message: entry.msg, changed })
    }

    /// The last revision that changed the branch or tag `name`.
    async fn last_change(
        &self,
        directory: Option<&RepoPath>,
        name: &str,
        reference: &Reference,
    ) -> Result<u64> {
        let mut error =
            Error::new(ErrorKind::NotFound, "vcs.resolve", "no such branch or tag").with("name", reference);
        let is_branch = matches!(reference, Reference::Branch(_));
        if let Some(directory) = directory {
            // A line is one directory: a name with `/` would be a part of another.
            if !name.contains('/') {
                match self.client.info(&format!("{directory}/{name}"), "HEAD").await {
                    Err(error) if error.is_not_found() => {}
                    result => return Ok(result?.commit.revision),
                }
            }
            let names = self.client.list_directory(directory.as_str(), "HEAD").await?;
            error = error.with_available(names.unwrap_or_default());
        }
        let trunk = if self.layout.trunk.is_root() { TRUNK } else { self.layout.trunk.as_str() };
        Err(if is_branch { error.with_available([trunk]) } else { error })
    }

    /// How many lines the revision changed; `None` where `svn` cannot say, or not soon or in short.
    async fn changed(&self, root: &str, revision: u64, entry: &LogEntry) -> Option<ChangedLines> {
        // Whoever resolves needs the revision, and would like to know the lines.
        let diff = tokio::time::timeout(self.timeout / 2, self.client.diff(root, revision, entry)).await;
        let diff = diff.ok()?.inspect_err(|error| {
            // Such as the revision that made the directory of the URL, whose parent may not be read.
            tracing::debug!(%error, revision, "the changed lines stay unknown");
        });
        let diff = diff.ok()?;
        tokio::task::spawn_blocking(move || diff::count(&diff)).await.unwrap_or_default()
    }

    /// What is known of a revision, and of the configured URL in it.
    async fn entry(&self, revision: u64) -> Result<(LogEntry, Entry)> {
        let info = self.client.info("", &revision.to_string()).await?;
        let entry = match self.client.log(&info.url, revision).await {
            // It changed nothing below the URL. The root comes second: who may read the URL may not read that.
            Err(error) if error.is_not_found() => self.client.log(&info.repository.root, revision).await?,
            entry => entry?,
        };
        Ok((entry, info))
    }

    async fn files(&self, revision: &Revision, path: &RepoPath, budget: &Budget) -> Result<Vec<SourceFile>> {
        let number = number(revision)?;
        let (entry, info) = self.entry(number).await?;
        // A URL is percent-encoded, and the paths of a log are not.
        let top = info.url.strip_prefix(&info.repository.root).unwrap_or_default();
        let top = percent_decode_str(top).decode_utf8_lossy();
        let line = self.layout.line(revision, &entry.paths.path, &top)?;
        let files = self.export(&line, number, path, budget).await?;
        if files.is_empty() {
            return Err(self.missing(&line, number, path).await);
        }
        Ok(files)
    }

    /// Exports `path`, and then what its symbolic links lead to outside of it, one by one.
    async fn export(
        &self,
        line: &str,
        revision: u64,
        path: &RepoPath,
        budget: &Budget,
    ) -> Result<Vec<SourceFile>> {
        let directory = TempDir::new().map_err(|error| unread(path, error))?;
        let mut exported = Exported::new(directory, path);
        let room = Room::of(budget);
        for _ in 0..MOST_EXPORTS {
            let (wanted, attempt) = (path.clone(), budget.attempt());
            let read = tokio::task::spawn_blocking(move || {
                let files = read_tree(&mut exported, &wanted, &attempt);
                (exported, files)
            });
            let (read, files) = read.await.map_err(|error| unread(path, error))?;
            exported = read;
            match exported.needed() {
                None => {
                    let files = files?;
                    let bytes = files.iter().map(|file| file.content.len() as u64).sum();
                    budget.spend(Limit::Bytes, bytes)?;
                    return Ok(files);
                }
                Some(Needed::Link(at)) => {
                    let info = self.client.info(&format!("{line}/{at}"), &revision.to_string()).await;
                    match info {
                        Ok(entry) if entry.kind == "file" => {}
                        Ok(_) => {
                            exported.is_no_link(at);
                            continue;
                        }
                        Err(error) if error.is_not_found() => {
                            exported.is_missing(at);
                            continue;
                        }
                        Err(error) => return Err(error),
                    }
                    self.export_one(line, revision, at, &room, &mut exported).await?;
                }
                Some(Needed::Entry(at)) => self.export_one(line, revision, at, &room, &mut exported).await?,
            }
        }
        let why = "the symbolic links lead to more than 200 places outside the path";
        Err(Error::invalid("vcs.read", why).with("path", path))
    }

    async fn export_one(
        &self,
        line: &str,
        revision: u64,
        at: String,
        room: &Room,
        to: &mut Exported,
    ) -> Result<()> {
        let path = format!("{line}/{at}");
        let listed = self.client.list_all(&path, revision, |entry| room.draw(&at, &entry)).await;
        let exported = match listed {
            Ok(()) => {
                let outgrown = room.outgrown(to.folder(), &at);
                self.client.export(&path, revision, &to.place(), outgrown).await
            }
            Err(error) => Err(error),
        };
        match exported {
            Err(error) if error.is_not_found() => to.is_missing(at),
            result => {
                result?;
                to.is_there(at);
            }
        }
        Ok(())
    }

    /// Nothing is at `path`: what is in the deepest directory on the way to it.
    async fn missing(&self, line: &str, revision: u64, path: &RepoPath) -> Error {
        let error = Error::new(ErrorKind::NotFound, "vcs.read", "nothing at this path")
            .with("path", path)
            .with("revision", Revision::Svn(revision));
        let mut directory = path.as_str();
        loop {
            let (parent, prefix) = match directory.rsplit_once('/') {
                Some((parent, _)) => (parent, format!("{parent}/")),
                None => ("", String::new()),
            };
            match self.client.list_directory(&format!("{line}/{parent}"), &revision.to_string()).await {
                Ok(Some(names)) => {
                    return error.with_available(names.into_iter().map(|name| format!("{prefix}{name}")));
                }
                _ if parent.is_empty() => return error,
                _ => directory = parent,
            }
        }
    }
}

#[async_trait]
impl VcsSource for SvnSource {
    fn capabilities(&self) -> VcsCapabilities {
        VcsCapabilities {
            commits: false,
            revision_numbers: true,
            tags: self.layout.tags.is_some(),
            changed_lines: true,
        }
    }

    async fn resolve(&self, reference: &Reference) -> Result<Commit> {
        self.in_time("vcs.resolve", self.find(reference)).await
    }

    async fn read(&self, revision: &Revision, path: &RepoPath, budget: &Budget) -> Result<Vec<SourceFile>> {
        self.in_time("vcs.read", self.files(revision, path, budget)).await
    }
}

fn number(revision: &Revision) -> Result<u64> {
    match revision {
        Revision::Svn(number) => Ok(*number),
        Revision::Git(_) => Err(unsupported(revision)),
    }
}

fn unsupported(reference: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Unsupported, "vcs.resolve", "revisions are numbers, such as r17")
        .with("reference", reference)
}

pub(super) fn unread(
    path: impl std::fmt::Display,
    source: impl std::error::Error + Send + Sync + 'static,
) -> Error {
    Error::new(ErrorKind::Unexpected, "vcs.read", "what was exported cannot be read")
        .with("path", path)
        .with_source(source)
}
