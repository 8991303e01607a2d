//! Subversion over HTTP: Apache with mod_dav_svn.

use std::net::SocketAddr;
use std::path::PathBuf;

use tempfile::TempDir;

use crate::process::Process;
use crate::{Missing, apache, svn};

const NAME: &str = "mod_dav_svn";

/// Apache with one subversion repository, which asks for [`USER`](crate::USER) and
/// [`PASSWORD`](crate::PASSWORD).
#[derive(Debug)]
pub struct ModDavSvn {
    #[expect(dead_code, reason = "held: dropping it ends the server")]
    process: Process,
    address: SocketAddr,
    directory: TempDir,
}

impl ModDavSvn {
    /// Starts it, with a repository that has `trunk`, `branches` and `tags`.
    ///
    /// # Errors
    /// [`Missing`] without subversion or Apache.
    pub async fn start() -> Result<Self, Missing> {
        let directory = TempDir::new().map_err(|error| Missing::new(NAME, error))?;
        let at = directory.path();
        let repository = at.join("repository");
        svn::create(&repository)?;
        let site = format!(
            "<Location /repository>\nDAV svn\nSVNPath {}\n{}</Location>\n",
            repository.display(),
            apache::require_user(at)
        );
        let (process, address) = apache::start(NAME, at, &["dav", "dav_svn"], &site).await?;
        Ok(Self { process, address, directory })
    }

    /// The repository's URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/repository", self.address)
    }

    /// The repository on disk, for a test to write to.
    #[must_use]
    pub fn repository(&self) -> PathBuf {
        self.directory.path().join("repository")
    }
}
