//! Git over SSH, by the program `ssh`: its settings, keys and known hosts are the user's own.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use gix::protocol::transport::Protocol;
use gix::protocol::transport::client::blocking_io::Transport;
use gix::protocol::transport::client::git::{ConnectMode, blocking_io::Connection};
use nprt_core::{Error, ErrorKind, Result, Retry};
use url::Url;

use super::client::OPERATION;

/// How the server is reached.
pub(super) struct Ssh {
    host: String,
    port: Option<u16>,
    user: String,
    path: String,
    timeout: Duration,
}

impl Ssh {
    pub(super) fn new(url: &Url, user: Option<&str>, timeout: Duration) -> Result<Self> {
        let invalid = || Error::invalid("git.build", "`url` must name a host and a path");
        let parsed = gix::url::parse(url.as_str()).map_err(|_| invalid())?;
        let host = parsed.host().ok_or_else(invalid)?.to_owned();
        let path = String::from_utf8(parsed.path.into()).map_err(|_| invalid())?;
        let user = user.unwrap_or("git").to_owned();
        Ok(Self { host, port: url.port(), user, path, timeout })
    }

    /// Starts `ssh`. It asks nobody: not for a password, and not whether an unknown host is to be trusted.
    pub(super) fn transport(&self) -> Result<(Box<dyn Transport + Send>, Process)> {
        let failed = |error: io::Error| {
            Error::new(ErrorKind::Unexpected, OPERATION, "the program `ssh` does not start")
                .with_source(error)
        };
        let said = tempfile::tempfile().map_err(failed)?;
        let mut command = Command::new("ssh");
        command.args(["-o", "BatchMode=yes", "-o", "SendEnv=GIT_PROTOCOL"]);
        command.args(["-o", &format!("ConnectTimeout={}", self.timeout.as_secs())]);
        if let Some(port) = self.port {
            command.args(["-p", &port.to_string()]);
        }
        let path = gix::quote::single(self.path.as_str().into());
        command.args(["--", &format!("{}@{}", self.user, self.host), &format!("git-upload-pack {path}")]);
        // The messages that are recognised are English ones.
        command.env("GIT_PROTOCOL", "version=2").env("LC_ALL", "C");
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        command.stderr(said.try_clone().map_err(failed)?);
        let mut child = command.spawn().map_err(failed)?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let process = Process { child, said };
        let (Some(input), Some(output)) = (input, output) else {
            return Err(failed(io::ErrorKind::BrokenPipe.into()));
        };
        let host: Option<(&str, Option<u16>)> = None;
        let transport = Connection::new(
            output,
            input,
            Protocol::V2,
            self.path.as_str(),
            host,
            ConnectMode::Process,
            false,
        );
        Ok((Box::new(transport), process))
    }
}

/// The running `ssh`; it ends with this value.
pub(super) struct Process {
    child: Child,
    said: File,
}

impl Process {
    /// Why it ended, as far as it said so.
    pub(super) fn error(&mut self) -> Option<Error> {
        let mut said = String::new();
        self.end();
        self.said.rewind().ok()?;
        self.said.read_to_string(&mut said).ok()?;
        let error = |kind, message| Error::new(kind, OPERATION, message);
        let error = if said.contains("Host key verification failed") {
            error(ErrorKind::Unavailable, "the host's key is not trusted").with_retry(Retry::Permanent)
        } else if said.contains("Permission denied") {
            error(ErrorKind::Unauthenticated, "the server wants another key or user")
        } else if said.trim().is_empty() {
            return None;
        } else {
            error(ErrorKind::Unavailable, "the server cannot be reached, or refuses")
        };
        Some(error.with("ssh", said.trim()))
    }

    fn end(&mut self) {
        // Both fail for one that has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}
