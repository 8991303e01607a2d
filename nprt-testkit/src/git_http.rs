//! Git's smart HTTP: `git http-backend` behind Apache.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::process::Process;
use crate::tls::{self, Authority};
use crate::{Missing, apache};

const NAME: &str = "git http-backend";

/// How the server behaves.
#[derive(Debug, Clone, Copy, Default)]
pub struct GitHttpOptions {
    /// It asks for [`USER`](crate::USER) and [`PASSWORD`](crate::PASSWORD).
    pub password: bool,
    /// It hands out any commit by its name, as the large hosts do and git by default does not.
    pub any_commit: bool,
    /// It speaks protocol 0 alone, as git before 2.18 and some hosts still.
    pub protocol_0: bool,
    /// It speaks TLS, with a certificate for 127.0.0.1 and git.example by an authority of its own.
    pub tls: bool,
}

/// A server of bare git repositories over HTTP.
#[derive(Debug)]
pub struct GitHttp {
    process: Process,
    address: std::net::SocketAddr,
    scheme: &'static str,
    directory: TempDir,
}

impl GitHttp {
    /// Starts it, without repositories.
    ///
    /// # Errors
    /// [`Missing`] without git or Apache.
    pub async fn start(options: GitHttpOptions) -> Result<Self, Missing> {
        let missing = |error: std::io::Error| Missing::new(NAME, error);
        let directory = TempDir::new().map_err(missing)?;
        let at = directory.path();
        std::fs::create_dir(at.join("git")).map_err(missing)?;
        let output = Command::new("git").arg("--exec-path").output().map_err(missing)?;
        let programs = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        let root = at.join("git");
        // Repositories belong to whoever runs the test, and httpd may be somebody else.
        let settings = [("safe.directory", "*"), ("uploadpack.allowAnySHA1InWant", "true")];
        let used = if options.any_commit { &settings[..] } else { &settings[..1] };
        let mut site = format!(
            "CustomLog {log} \"%m %U%q\"\nScriptAlias /git/ {programs}/git-http-backend/\n\
             SetEnv GIT_PROJECT_ROOT {root}\nSetEnv GIT_HTTP_EXPORT_ALL 1\nSetEnv GIT_CONFIG_COUNT {count}\n",
            log = at.join("requests").display(),
            root = root.display(),
            count = used.len(),
        );
        for (n, (key, value)) in used.iter().enumerate() {
            site += &format!("SetEnv GIT_CONFIG_KEY_{n} {key}\nSetEnv GIT_CONFIG_VALUE_{n} {value}\n");
        }
        let allowed =
            if options.password { apache::require_user(at) } else { "Require all granted\n".to_owned() };
        site += &format!("<Location /git/>\n{allowed}</Location>\n");
        let mut modules = vec!["cgi", "alias", "env"];
        if options.protocol_0 {
            modules.push("headers");
            site += "RequestHeader unset Git-Protocol\n";
        }
        if options.tls {
            certify(at).map_err(|error| Missing::new(NAME, error))?;
            modules.push("ssl");
            site += &format!(
                "SSLEngine on\nSSLCertificateFile {0}/server.crt\nSSLCertificateKeyFile {0}/server.key\n",
                at.display()
            );
        }
        let (process, address) = apache::start(NAME, at, &modules, &site).await?;
        let scheme = if options.tls { "https" } else { "http" };
        Ok(Self { process, address, scheme, directory })
    }

    /// Makes an empty bare repository and answers with its directory.
    ///
    /// # Errors
    /// [`Missing`] when git fails.
    pub fn repository(&self, name: &str) -> Result<PathBuf, Missing> {
        let path = self.directory.path().join("git").join(name);
        init(&path)?;
        Ok(path)
    }

    /// The URL of a repository.
    #[must_use]
    pub fn url(&self, name: &str) -> String {
        format!("{}://{}/git/{name}", self.scheme, self.address)
    }

    /// The certificate of the authority that a client must trust, with TLS.
    #[must_use]
    pub fn authority(&self) -> PathBuf {
        self.directory.path().join("ca.crt")
    }

    /// What was asked so far, such as `POST /git/shop.git/git-upload-pack`; the last one may be missing for a moment.
    #[must_use]
    pub fn requests(&self) -> Vec<String> {
        let log = std::fs::read_to_string(self.directory.path().join("requests")).unwrap_or_default();
        log.lines().map(str::to_owned).collect()
    }

    /// Ends it before its value is dropped.
    pub fn kill(&mut self) {
        self.process.kill();
    }
}

fn certify(directory: &Path) -> tls::Result<()> {
    let authority = Authority::new()?;
    authority.sign(&tls::server("git", &["127.0.0.1", "git.example"])?, directory, "server")?;
    Ok(std::fs::write(directory.join("ca.crt"), authority.pem())?)
}

pub(crate) fn init(path: &Path) -> Result<(), Missing> {
    let status = Command::new("git")
        .args(["init", "--quiet", "--bare", "--initial-branch", "main"])
        .arg(path)
        .status()
        .map_err(|error| Missing::new(NAME, error))?;
    if status.success() { Ok(()) } else { Err(Missing::new(NAME, "git init failed")) }
}
