//! Debian's Prometheus, on data with any timestamps.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::Missing;
use crate::process::{Process, free_address};
use crate::tls::{self, Authority};

/// A running Prometheus that asks for [`Prometheus::USER`] and [`Prometheus::PASSWORD`].
#[derive(Debug)]
pub struct Prometheus {
    address: SocketAddr,
    scheme: &'static str,
    process: Process,
    _directory: TempDir,
}

/// bcrypt, of [`Prometheus::PASSWORD`].
const HASH: &str = "$2y$04$JwrVeY6AyTa.xtddIlLrd.aKCDMXdd4HpxQ7iqSZD5aMadDdSljqO";

impl Prometheus {
    /// The user that it knows.
    pub const USER: &str = "nprt";
    /// The user's password.
    pub const PASSWORD: &str = "s3cret-prometheus";
    /// Both, as the header `Authorization` has them.
    pub const AUTHORIZATION: &str = "Basic bnBydDpzM2NyZXQtcHJvbWV0aGV1cw==";

    /// Starts it on the samples of `openmetrics`, a text in the format OpenMetrics with timestamps, made
    /// into a database by `promtool`: whole minutes of history without waiting for them.
    ///
    /// # Errors
    /// [`Missing`] where `prometheus` and `promtool` are not installed (Debian: `apt install prometheus`),
    /// or the text is malformed.
    pub async fn start(openmetrics: &str) -> Result<Self, Missing> {
        let directory = tempfile::tempdir().map_err(missing)?;
        let samples = directory.path().join("samples");
        std::fs::write(&samples, openmetrics).map_err(missing)?;
        import(&samples, &directory.path().join("data")).await?;
        Self::run(directory, "global: {}\n", &[], None).await
    }

    /// Starts it without any samples, behind TLS. Its certificate is of an authority of its own, which is in the file that is
    /// answered: beside the server, and gone with it.
    ///
    /// # Errors
    /// [`Missing`] where it is not installed.
    pub async fn secure() -> Result<(Self, PathBuf), Missing> {
        let directory = tempfile::tempdir().map_err(missing)?;
        let ca = directory.path().join("ca.pem");
        let failed = |error: Box<dyn std::error::Error>| Missing::new("prometheus", error);
        let authority = Authority::new().map_err(failed)?;
        std::fs::write(&ca, authority.pem()).map_err(missing)?;
        let params = tls::server("prometheus", &["127.0.0.1"]).map_err(failed)?;
        authority.sign(&params, directory.path(), "server").map_err(failed)?;
        let tls = "tls_server_config: {cert_file: server.crt, key_file: server.key}\n";
        Ok((Self::run(directory, "global: {}\n", &[], Some(tls)).await?, ca))
    }

    /// Starts it without any samples, to scrape by `config`, a configuration of its own in YAML.
    ///
    /// # Errors
    /// [`Missing`] where it is not installed, or the configuration is wrong.
    pub async fn scraping(config: &str, flags: &[&str]) -> Result<Self, Missing> {
        Self::run(tempfile::tempdir().map_err(missing)?, config, flags, None).await
    }

    async fn run(
        directory: TempDir,
        config: &str,
        flags: &[&str],
        tls: Option<&str>,
    ) -> Result<Self, Missing> {
        let path = |name: &str| directory.path().join(name);
        std::fs::write(path("config.yml"), config).map_err(missing)?;
        let users = format!("basic_auth_users:\n  {}: {HASH}\n", Self::USER);
        std::fs::write(path("web.yml"), users + tls.unwrap_or_default()).map_err(missing)?;
        let address = free_address()?;
        let mut command = Command::new("prometheus");
        command
            .arg(format!("--config.file={}", path("config.yml").display()))
            .arg(format!("--web.config.file={}", path("web.yml").display()))
            .arg(format!("--storage.tsdb.path={}", path("data").display()))
            .arg("--storage.tsdb.retention.time=100y")
            .arg(format!("--web.listen-address={address}"))
            .args(flags);
        let mut process = Process::start("prometheus", &mut command, &path("log"))?;
        process.wait_for_port(address).await?;
        let deadline = Instant::now() + Duration::from_secs(30);
        while tls.is_none() && !is_ready(address).await.unwrap_or(false) {
            process.check(deadline)?;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let scheme = if tls.is_some() { "https" } else { "http" };
        Ok(Self { address, scheme, process, _directory: directory })
    }

    /// The number of its process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }
}

fn missing(error: std::io::Error) -> Missing {
    Missing::new("prometheus", error)
}

async fn import(samples: &Path, data: &Path) -> Result<(), Missing> {
    let mut command = tokio::process::Command::new("promtool");
    command.args(["tsdb", "create-blocks-from", "openmetrics", "--quiet"]).arg(samples).arg(data);
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output().await;
    let output = output.map_err(|error| Missing::new("promtool", error))?;
    if output.status.success() {
        return Ok(());
    }
    let mut said = String::from_utf8_lossy(&output.stderr).into_owned();
    let _ = write!(said, " ({})", output.status);
    Err(Missing::new("promtool", said))
}

async fn is_ready(address: SocketAddr) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET /-/ready HTTP/1.0\r\nAuthorization: {}\r\n\r\n", Prometheus::AUTHORIZATION);
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(answer.starts_with(b"HTTP/1.0 200"))
}
