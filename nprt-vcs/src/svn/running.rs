//! The process `svn`.

use std::io;
use std::path::Path;
use std::process::{ExitStatus, Stdio};

use nprt_core::model::Secret;
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use url::Url;

/// A run of `svn`. It is killed when dropped.
pub(super) struct Running(Child);

impl Running {
    /// Starts it with its configuration and its temporary files in `scratch`.
    pub(super) async fn start(
        program: &Path,
        scratch: &Path,
        url: &Url,
        credentials: Option<&(String, Secret)>,
        arguments: &[&str],
    ) -> io::Result<Self> {
        std::fs::write(scratch.join("servers"), servers(url))?;
        let mut command = Command::new(program);
        // What it prints is data to us: in one language, and in UTF-8 since paths are.
        command.env("LC_ALL", "C.UTF-8").env("TMPDIR", scratch).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.args(["--non-interactive", "--no-auth-cache", "--config-dir"]).arg(scratch);
        if let Some((user, _)) = credentials {
            command.args(["--username", user, "--password-from-stdin"]).stdin(Stdio::piped());
        }
        let mut child = command.args(arguments).spawn()?;
        if let (Some((_, password)), Some(mut stdin)) = (credentials, child.stdin.take()) {
            // It may end without reading, and says why itself.
            let _ = stdin.write_all(format!("{}\n", password.expose()).as_bytes()).await;
        }
        Ok(Self(child))
    }

    /// What it prints; `None` the second time.
    pub(super) fn pipes(&mut self) -> (Option<ChildStdout>, Option<ChildStderr>) {
        (self.0.stdout.take(), self.0.stderr.take())
    }

    pub(super) async fn end(&mut self) -> io::Result<ExitStatus> {
        self.0.wait().await
    }

    /// Kills it, and returns when it is gone: whoever removes its files then removes all of them.
    pub(super) async fn kill(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill().await;
    }
}

/// Subversion's configuration: credentials for the URL's host and no other. `svn` follows redirects, and
/// would answer whoever asks there.
fn servers(url: &Url) -> String {
    let host = url.host().map(|host| match host {
        url::Host::Ipv6(address) => address.to_string(),
        host => host.to_string(),
    });
    format!(
        "[groups]\nours = {}\n[ours]\nhttp-auth-types = basic;digest;negotiate;ntlm\n[global]\nhttp-auth-types =\n",
        host.unwrap_or_default()
    )
}
