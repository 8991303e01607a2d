//! Git over SSH, by the program `ssh`: its settings, keys and known hosts are the user's own.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::process::{Command, Stdio};
use std::time::Duration;

use gix::protocol::transport::Protocol;
use gix::protocol::transport::client::blocking_io::Transport;
use gix::protocol::transport::client::git::{ConnectMode, blocking_io::Connection};
use nprt_core::{Error, ErrorKind, Result, Retry};
use url::Url;

use super::cancel::Cancel;
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
    pub(super) fn transport(&self, cancel: &Cancel) -> Result<(Box<dyn Transport + Send>, Process)> {
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
        cancel.keep_child(child);
        let process = Process { said, cancel: cancel.clone() };
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
    said: File,
    cancel: Cancel,
}

impl Process {
    /// `error`, and what `ssh` said before.
    pub(super) fn explain(&mut self, error: Error) -> Error {
        self.cancel.end_child();
        let mut said = String::new();
        if self.said.rewind().and_then(|()| self.said.read_to_string(&mut said)).is_err() {
            return error;
        }
        let known = |kind, message| Error::new(kind, OPERATION, message).with_source(error.clone());
        let error = if said.contains("Host key verification failed") {
            known(ErrorKind::Unavailable, "the host's key is not trusted").with_retry(Retry::Permanent)
        } else if said.contains("Permission denied") {
            known(ErrorKind::Unauthenticated, "the server wants another key or user")
        } else {
            error
        };
        if said.trim().is_empty() { error } else { error.with("ssh", said.trim()) }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.cancel.end_child();
    }
}
