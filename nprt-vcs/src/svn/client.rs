//! The only place that runs `svn`.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use nprt_core::model::Secret;
use nprt_core::{Error, ErrorKind, Result, Retry};
use serde::de::DeserializeOwned;
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;
use url::Url;

use super::error::from_svn;
use super::xml::{Entry, Info, Lists, Log, LogEntry};

/// No answer is so long: the list of a directory, or of what one revision changed.
const LONGEST: u64 = 32 * 1024 * 1024;

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

    /// Writes what is at `path` to `to`, which must not be there.
    pub(super) async fn export(&self, path: &str, revision: u64, to: &Path) -> Result<()> {
        let number = revision.to_string();
        let target = self.target(path, &number);
        let to = to.display().to_string();
        let arguments =
            ["export", "--quiet", "--ignore-externals", "--ignore-keywords", "--revision", &number, "--"];
        self.run("svn.export", &[&arguments[..], &[&target, &to]].concat()).await.map(drop)
    }

    /// What `revision` changed in the text of files below the configured URL, as a unified diff; `None` where it is too long. Where
    /// the revision is a copy with changes, these are what counts, not all that was copied.
    pub(super) async fn diff(&self, root: &str, revision: u64, entry: &LogEntry) -> Result<Option<Vec<u8>>> {
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
        let output = self.run(operation, arguments).await?;
        let unexpected = |source: Box<dyn std::error::Error + Send + Sync>| {
            Error::new(ErrorKind::Unexpected, operation, "svn's answer cannot be read").with_source(source)
        };
        let text = str::from_utf8(&output).map_err(|error| unexpected(error.into()))?;
        quick_xml::de::from_str(text).map_err(|error| unexpected(error.into()))
    }

    async fn run(&self, operation: &'static str, arguments: &[&str]) -> Result<Vec<u8>> {
        self.output(operation, arguments)
            .await?
            .ok_or_else(|| Error::new(ErrorKind::Unexpected, operation, "svn's answer is longer than 32 MiB"))
    }

    /// What `svn` prints; `None` where it is too long.
    async fn output(&self, operation: &'static str, arguments: &[&str]) -> Result<Option<Vec<u8>>> {
        let failed = |error: std::io::Error| {
            Error::new(ErrorKind::Unexpected, operation, "svn cannot be run").with_source(error)
        };
        let config = TempDir::new().map_err(failed)?;
        std::fs::write(config.path().join("servers"), self.servers()).map_err(failed)?;
        let mut command = Command::new(&self.program);
        // What it prints is data to us: in one language, and in UTF-8 since paths are.
        command.env("LC_ALL", "C.UTF-8").stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command.args(["--non-interactive", "--no-auth-cache", "--config-dir"]).arg(config.path());
        command.stdin(Stdio::null());
        if let Some((user, _)) = &self.credentials {
            command.args(["--username", user, "--password-from-stdin"]).stdin(Stdio::piped());
        }
        let mut child = command.args(arguments).spawn().map_err(|error| {
            if error.kind() == std::io::ErrorKind::NotFound {
                return Error::new(ErrorKind::Unavailable, operation, "subversion is not installed")
                    .with("program", self.program.display())
                    .with_retry(Retry::Permanent);
            }
            failed(error)
        })?;
        if let (Some((_, password)), Some(mut stdin)) = (&self.credentials, child.stdin.take()) {
            // It may end without reading, and says why itself.
            let _ = stdin.write_all(format!("{}\n", password.expose()).as_bytes()).await;
        }
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let (stdout, stderr) = tokio::try_join!(read(stdout), read(stderr)).map_err(failed)?;
        if stdout.len() as u64 > LONGEST || stderr.len() as u64 > LONGEST {
            return Ok(None);
        }
        if child.wait().await.map_err(failed)?.success() {
            return Ok(Some(stdout));
        }
        let said = String::from_utf8_lossy(&stderr);
        let repeats = |(_, password): &(_, Secret)| said.contains(password.expose());
        let shown = if self.credentials.as_ref().is_some_and(repeats) {
            "what was said repeats the password, and is not shown"
        } else {
            said.trim()
        };
        Err(from_svn(operation, &said).with_source(shown).with("url", &self.url))
    }

    /// Subversion's configuration: credentials for the URL's host and no other. `svn` follows redirects, and
    /// would answer whoever asks there.
    fn servers(&self) -> String {
        let host = self.url.host().map(|host| match host {
            url::Host::Ipv6(address) => address.to_string(),
            host => host.to_string(),
        });
        format!(
            "[groups]\nours = {}\n[ours]\nhttp-auth-types = basic;digest;negotiate;ntlm\n[global]\nhttp-auth-types =\n",
            host.unwrap_or_default()
        )
    }
}

/// The URL of `path` below `url` with its peg revision. It is always there: without one, `@` in a path would
/// be taken for it.
fn target(mut url: Url, path: &str, revision: &str) -> String {
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(path.split('/').filter(|part| !matches!(*part, "" | ".")));
    }
    format!("{url}@{revision}")
}

/// All of `pipe`, or one byte more than is allowed.
async fn read(pipe: Option<impl AsyncRead + Unpin>) -> std::io::Result<Vec<u8>> {
    let mut content = Vec::new();
    if let Some(pipe) = pipe {
        pipe.take(LONGEST + 1).read_to_end(&mut content).await?;
    }
    Ok(content)
}
