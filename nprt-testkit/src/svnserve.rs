//! Subversion's own server.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use crate::process::{Process, free_address};
use crate::{Missing, PASSWORD, USER, svn};

const NAME: &str = "svnserve";

/// `svnserve` with one repository, which asks for [`USER`] and [`PASSWORD`].
#[derive(Debug)]
pub struct Svnserve {
    #[expect(dead_code, reason = "held: dropping it ends the server")]
    process: Process,
    address: SocketAddr,
    directory: TempDir,
}

impl Svnserve {
    /// Starts it, with a repository that has `trunk`, `branches` and `tags`.
    ///
    /// # Errors
    /// [`Missing`] without subversion.
    pub async fn start() -> Result<Self, Missing> {
        let missing = |error: std::io::Error| Missing::new(NAME, error);
        let directory = TempDir::new().map_err(missing)?;
        let address = free_address()?;
        let repository = directory.path().join("repository");
        svn::create(&repository)?;
        let settings =
            "[general]\nanon-access = none\nauth-access = read\npassword-db = passwd\nrealm = nprt\n";
        fs::write(repository.join("conf/svnserve.conf"), settings).map_err(missing)?;
        fs::write(repository.join("conf/passwd"), format!("[users]\n{USER} = {PASSWORD}\n"))
            .map_err(missing)?;
        let mut command = Command::new("svnserve");
        command.args(["--daemon", "--foreground", "--root"]).arg(directory.path());
        command.arg("--listen-host").arg(address.ip().to_string());
        command.arg("--listen-port").arg(address.port().to_string());
        let mut process = Process::start(NAME, &mut command, &directory.path().join("log"))?;
        process.wait_for_port(address).await?;
        Ok(Self { process, address, directory })
    }

    /// The repository's URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("svn://{}/repository", self.address)
    }

    /// The repository on disk, for a test to write to.
    #[must_use]
    pub fn repository(&self) -> PathBuf {
        self.directory.path().join("repository")
    }
}
