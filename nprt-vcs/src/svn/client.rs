//! The only place that runs `svn`.

use std::fmt;
use std::path::{Path, PathBuf};

use nprt_core::model::Secret;
use nprt_core::{Error, ErrorKind, Result, Retry};
use serde::de::DeserializeOwned;
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::ChildStdout;
use url::Url;

use super::error::from_svn;
use super::running::Running;
use super::xml::{Entry, Info, Listed, Lists, Log, LogEntry};
use super::{folder, listed};

/// No answer is so long: the list of a directory, or of what one revision changed.
const LONGEST: u64 = 32 * 1024 * 1024;
/// Bytes that `svn` may keep in temporary files: a file before and after, when it compares them.
const LARGEST_SCRATCH: u64 = 64 * 1024 * 1024;

/// A subversion repository as the program `svn` sees it.
pub(super) struct Client {
    program: PathBuf,
    url: Url,
    credentials: Option<(String, Secret)>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let user = self.credentials.as_ref().map(|(user, _)| user);
        f.debug_struct("Client").field("url", &self.url.as_str()).field("user", &user).finish()
    }
}

impl Client {
    pub(super) fn new(program: PathBuf, url: Url, credentials: Option<(String, Secret)>) -> Self {
        Self { program, url, credentials }
    }

    /// What is at `path` (from the configured URL; empty for itself) at `revision` (a number or `HEAD`).
    pub(super) async fn info(&self, path: &str, revision: &str) -> Result<Entry> {
        let target = self.target(path, revision);
        Ok(self.xml::<Info>("svn.info", &["info", "--xml", "--", &target]).await?.entry)
    }

    /// What is known of a revision that changed something at or below `url`.
    pub(super) async fn log(&self, url: &str, revision: u64) -> Result<LogEntry> {
        let target = format!("{url}@{revision}");
        let revision = revision.to_string();
        let arguments = ["log", "--xml", "--verbose", "--revision", &revision, "--", &target];
        self.xml::<Log>("svn.log", &arguments).await?.logentry.ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "svn.log", "no such revision").with("revision", revision)
        })
    }

    /// The names in the directory `path`; `None` when it is a file.
    pub(super) async fn list_directory(&self, path: &str, revision: &str) -> Result<Option<Vec<String>>> {
        if self.info(path, revision).await?.kind != "dir" {
            return Ok(None);
        }
        let target = self.target(path, revision);
        let lists = self.xml::<Lists>("svn.list", &["list", "--xml", "--", &target]).await?;
        Ok(Some(lists.list.entry.into_iter().map(|entry| entry.name).collect()))
    }

    /// Calls `found` for each file and directory at and below `path`, while `svn` lists them.
    pub(super) async fn list_all(
        &self,
        path: &str,
        revision: u64,
        found: impl FnMut(Listed) -> Result<()>,
    ) -> Result<()> {
        let target = self.target(path, &revision.to_string());
        let arguments = ["list", "--xml", "--recursive", "--", &target];
        let take = |stdout: Option<ChildStdout>| async {
            match stdout {
                Some(stdout) => listed::each(stdout, found).await,
                None => Ok(()),
            }
        };
        self.run("svn.list", &arguments, take).await
    }

    /// Writes what is at `path` to `to`, which must not be there, until `outgrown` ends. Temporary files are beside it.
    pub(super) async fn export(
        &self,
        path: &str,
        revision: u64,
        to: &Path,
        outgrown: impl Future<Output = Error>,
    ) -> Result<()> {
        let operation = "svn.export";
        let scratch = TempDir::new_in(to.parent().unwrap_or(to)).map_err(failed(operation))?;
        let number = revision.to_string();
        let target = self.target(path, &number);
        let to = to.display().to_string();
        let arguments =
            ["export", "--quiet", "--ignore-externals", "--ignore-keywords", "--revision", &number, "--"];
        let arguments = [&arguments[..], &[&target, &to]].concat();
        let take = |stdout| async { read(operation, stdout).await.map(drop) };
        self.run_in(scratch.path(), outgrown, operation, &arguments, take).await
    }

    /// What `revision` changed in the text of files below the configured URL, as a unified diff. Where the
    /// revision is a copy with changes, these are what counts, not all that was copied.
    pub(super) async fn diff(&self, root: &str, revision: u64, entry: &LogEntry) -> Result<Vec<u8>> {
        let fixed = ["diff", "--internal-diff", "--ignore-properties"];
        let at = |path: &str, revision: u64| {
            let root = Url::parse(root).map_err(|error| {
                Error::new(ErrorKind::Unexpected, "svn.diff", "the repository's root is no URL")
                    .with_source(error)
            })?;
            Ok(target(root, path, &revision.to_string()))
        };
        let targets = match entry.copy() {
            Some(copy) => {
                let (old, new) = (at(copy.from, copy.from_revision)?, at(copy.to, revision)?);
                ["--old".to_owned(), old, "--new".to_owned(), new]
            }
            None => [
                "--change".to_owned(),
                revision.to_string(),
                "--".to_owned(),
                self.target("", &revision.to_string()),
            ],
        };
        let arguments: Vec<&str> = fixed.into_iter().chain(targets.iter().map(String::as_str)).collect();
        self.output("svn.diff", &arguments).await
    }

    fn target(&self, path: &str, revision: &str) -> String {
        target(self.url.clone(), path, revision)
    }

    async fn xml<T: DeserializeOwned>(&self, operation: &'static str, arguments: &[&str]) -> Result<T> {
        let output = self.output(operation, arguments).await?;
        let unexpected = |source: Box<dyn std::error::Error + Send + Sync>| {
            Error::new(ErrorKind::Unexpected, operation, "svn's answer cannot be read").with_source(source)
        };
        let text = str::from_utf8(&output).map_err(|error| unexpected(error.into()))?;
        quick_xml::de::from_str(text).map_err(|error| unexpected(error.into()))
    }

    /// What `svn` prints.
    async fn output(&self, operation: &'static str, arguments: &[&str]) -> Result<Vec<u8>> {
        self.run(operation, arguments, |stdout| read(operation, stdout)).await
    }

    /// Runs `svn`, with its temporary files in a folder of its own.
    async fn run<T, F: Future<Output = Result<T>>>(
        &self,
        operation: &'static str,
        arguments: &[&str],
        take: impl FnOnce(Option<ChildStdout>) -> F,
    ) -> Result<T> {
        let scratch = TempDir::new().map_err(failed(operation))?;
        let outgrown = folder::outgrown(scratch.path(), move |_, bytes| {
            if bytes <= LARGEST_SCRATCH {
                return Ok(());
            }
            Err(Error::new(ErrorKind::Unexpected, operation, "svn's temporary files hold more than 64 MiB"))
        });
        self.run_in(scratch.path(), outgrown, operation, arguments, take).await
    }

    /// Runs `svn`, with its temporary files in `scratch`, until `outgrown` ends.
    async fn run_in<T, F: Future<Output = Result<T>>>(
        &self,
        scratch: &Path,
        outgrown: impl Future<Output = Error>,
        operation: &'static str,
        arguments: &[&str],
        take: impl FnOnce(Option<ChildStdout>) -> F,
    ) -> Result<T> {
        let started =
            Running::start(&self.program, scratch, &self.url, self.credentials.as_ref(), arguments).await;
        let mut running = started.map_err(|error| {
            if error.kind() == std::io::ErrorKind::NotFound {
                return Error::new(ErrorKind::Unavailable, operation, "subversion is not installed")
                    .with("program", self.program.display())
                    .with_retry(Retry::Permanent);
            }
            failed(operation)(error)
        })?;
        let (stdout, stderr) = running.pipes();
        let work = async {
            let (taken, said) = tokio::try_join!(take(stdout), read(operation, stderr))?;
            if running.end().await.map_err(failed(operation))?.success() {
                return Ok(taken);
            }
            Err(self.reported(operation, &said))
        };
        let result = tokio::select! {
            result = work => result,
            error = outgrown => Err(error),
        };
        if result.is_err() {
            running.kill().await;
        }
        result
    }

    /// The error that `svn` ended with.
    fn reported(&self, operation: &'static str, said: &[u8]) -> Error {
        let said = String::from_utf8_lossy(said);
        let repeats = |(_, password): &(_, Secret)| said.contains(password.expose());
        let shown = if self.credentials.as_ref().is_some_and(repeats) {
            "what was said repeats the password, and is not shown"
        } else {
            said.trim()
        };
        from_svn(operation, &said).with_source(shown).with("url", &self.url)
    }
}

fn failed(operation: &'static str) -> impl Fn(std::io::Error) -> Error {
    move |error| Error::new(ErrorKind::Unexpected, operation, "svn cannot be run").with_source(error)
}

/// The URL of `path` below `url` with its peg revision. It is always there: without one, `@` in a path would
/// be taken for it.
fn target(mut url: Url, path: &str, revision: &str) -> String {
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(path.split('/').filter(|part| !matches!(*part, "" | ".")));
    }
    format!("{url}@{revision}")
}

/// All of `pipe`, unless that is too long.
async fn read(operation: &'static str, pipe: Option<impl AsyncRead + Unpin>) -> Result<Vec<u8>> {
    let mut content = Vec::new();
    if let Some(pipe) = pipe {
        pipe.take(LONGEST + 1).read_to_end(&mut content).await.map_err(failed(operation))?;
    }
    if content.len() as u64 > LONGEST {
        return Err(Error::new(ErrorKind::Unexpected, operation, "svn's answer is longer than 32 MiB"));
    }
    Ok(content)
}
