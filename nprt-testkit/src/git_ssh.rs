//! Git over ssh: OpenSSH's server, and an agent that holds a key which it knows.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::process::{Process, free_address};
use crate::{Missing, git_http};

const NAME: &str = "sshd";
const PROGRAM: &str = "/usr/sbin/sshd";

/// A server of bare git repositories over ssh.
#[derive(Debug)]
pub struct GitSsh {
    #[expect(dead_code, reason = "held: dropping them ends the server and the agent")]
    processes: [Process; 2],
    address: SocketAddr,
    directory: TempDir,
    user: String,
}

impl GitSsh {
    /// Starts it, without repositories.
    ///
    /// # Errors
    /// [`Missing`] without OpenSSH's server and its programs.
    pub async fn start() -> Result<Self, Missing> {
        let missing = |error: std::io::Error| Missing::new(NAME, error);
        let directory = TempDir::new().map_err(missing)?;
        let at = directory.path();
        let address = free_address()?;
        let user = run(Command::new("id").arg("-un"))?;
        for key in ["host", "user"] {
            let mut command = Command::new("ssh-keygen");
            run(command.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(at.join(key)))?;
        }
        fs::copy(at.join("user.pub"), at.join("authorized_keys")).map_err(missing)?;
        let host = fs::read_to_string(at.join("host.pub")).map_err(missing)?;
        fs::create_dir_all(at.join("home/.ssh")).map_err(missing)?;
        let known = format!("[{}]:{} {host}", address.ip(), address.port());
        fs::write(at.join("home/.ssh/known_hosts"), known).map_err(missing)?;
        client(&at.join("bin")).map_err(missing)?;
        let config = format!(
            "ListenAddress {address}\nHostKey {at}/host\nAuthorizedKeysFile {at}/authorized_keys\n\
             PasswordAuthentication no\nUsePAM no\nStrictModes no\nPidFile none\nMaxStartups 100\n",
            at = at.display()
        );
        fs::write(at.join("config"), config).map_err(missing)?;
        if user == "root" {
            // What it locks itself into; a service manager makes it elsewhere.
            fs::create_dir_all("/run/sshd").map_err(missing)?;
        }
        let mut command = Command::new(PROGRAM);
        let mut server =
            Process::start(NAME, command.args(["-D", "-e", "-f"]).arg(at.join("config")), &at.join("log"))?;
        let socket = at.join("agent");
        let mut command = Command::new("ssh-agent");
        let mut agent =
            Process::start(NAME, command.arg("-D").arg("-a").arg(&socket), &at.join("agent.log"))?;
        let deadline = Instant::now() + Duration::from_secs(30);
        while !socket.exists() {
            agent.check(deadline)?;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        run(Command::new("ssh-add").arg("-q").arg(at.join("user")).env("SSH_AUTH_SOCK", &socket))?;
        server.wait_for_port(address).await?;
        Ok(Self { processes: [server, agent], address, directory, user })
    }

    /// Makes an empty bare repository and answers with its directory.
    ///
    /// # Errors
    /// [`Missing`] when git fails.
    pub fn repository(&self, name: &str) -> Result<PathBuf, Missing> {
        let path = self.directory.path().join(name);
        git_http::init(&path)?;
        Ok(path)
    }

    /// The URL of a repository.
    #[must_use]
    pub fn url(&self, name: &str) -> String {
        format!("ssh://{}{}", self.address, self.directory.path().join(name).display())
    }

    /// The user that it lets in.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The environment of a client that trusts the server and has its key: `HOME`, `SSH_AUTH_SOCK`, and a `PATH`
    /// where `ssh` heeds that `HOME`, and no settings of whoever runs the test.
    #[must_use]
    pub fn environment(&self) -> [(&'static str, PathBuf); 3] {
        let at: &Path = self.directory.path();
        let path = std::env::var("PATH").unwrap_or_default();
        let path = format!("{}:{path}", at.join("bin").display());
        [("HOME", at.join("home")), ("SSH_AUTH_SOCK", at.join("agent")), ("PATH", path.into())]
    }
}

/// Writes a `ssh` into `directory` that looks for known hosts in `$HOME`: OpenSSH's own asks the user database where
/// that is.
fn client(directory: &Path) -> std::io::Result<()> {
    let path = std::env::var("PATH").unwrap_or_default();
    let script = format!(
        "#!/bin/sh\nPATH='{path}' exec ssh -F none -o GlobalKnownHostsFile=none \
         -o UserKnownHostsFile=\"$HOME/.ssh/known_hosts\" \"$@\"\n"
    );
    fs::create_dir_all(directory)?;
    fs::write(directory.join("ssh"), script)?;
    fs::set_permissions(directory.join("ssh"), fs::Permissions::from_mode(0o755))
}

fn run(command: &mut Command) -> Result<String, Missing> {
    let output = command
        .output()
        .map_err(|error| Missing::new(NAME, format_args!("{}: {error}", command.get_program().display())))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    Err(Missing::new(NAME, String::from_utf8_lossy(&output.stderr)))
}
