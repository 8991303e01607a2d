//! Traefik, in front of the servers of a test.

use std::net::SocketAddr;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::process::{Process, free_address};
use crate::{Missing, tool};

const NAME: &str = "traefik";

/// A running Traefik. The header `backend` of a request names the service that gets it.
#[derive(Debug)]
pub struct Traefik {
    #[expect(dead_code, reason = "held: dropping it ends the server")]
    process: Process,
    address: SocketAddr,
    metrics: SocketAddr,
    _directory: TempDir,
}

impl Traefik {
    /// How long it waits for an answer before it says 504.
    pub const TIMEOUT_SECONDS: u64 = 2;

    /// Starts it in front of `services`, by name: a file has them, so that it calls them `<name>@file`.
    ///
    /// # Errors
    /// [`Missing`] without Traefik, which `./test` installs.
    pub async fn start(services: &[(&str, SocketAddr)]) -> Result<Self, Missing> {
        let missing = |error: std::io::Error| Missing::new(NAME, error);
        let directory = tempfile::tempdir().map_err(missing)?;
        let path = directory.path().join("routes.yml");
        std::fs::write(&path, routes(services).to_string()).map_err(missing)?;
        let (address, metrics) = (free_address()?, free_address()?);
        let mut command = Command::new(tool(NAME)?);
        command
            .arg(format!("--entrypoints.web.address={address}"))
            .arg(format!("--entrypoints.metrics.address={metrics}"))
            .arg("--metrics.prometheus.entrypoint=metrics")
            .arg("--ping.manualrouting")
            .arg(format!("--providers.file.filename={}", path.display()))
            .args(["--global.checknewversion=false", "--global.sendanonymoususage=false"]);
        let mut process = Process::start(NAME, &mut command, &directory.path().join("log"))?;
        let deadline = Instant::now() + Duration::from_secs(30);
        // It listens before it knows its routes.
        while !is_routed(address).await.unwrap_or(false) {
            process.check(deadline)?;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(Self { process, address, metrics, _directory: directory })
    }

    /// Where requests go.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where Prometheus scrapes it.
    #[must_use]
    pub fn metrics(&self) -> String {
        format!("http://{}/metrics", self.metrics)
    }
}

/// The file, as JSON, which YAML includes.
fn routes(services: &[(&str, SocketAddr)]) -> Value {
    let mut routers = Map::new();
    let mut balancers = Map::new();
    for (name, server) in services {
        let rule = format!("Header(`backend`, `{name}`)");
        routers.insert((*name).to_owned(), json!({"rule": rule, "service": name, "entryPoints": ["web"]}));
        let servers = json!([{"url": format!("http://{server}")}]);
        let balancer = json!({"loadBalancer": {"serversTransport": "short", "servers": servers}});
        balancers.insert((*name).to_owned(), balancer);
    }
    let ping = json!({"rule": "Path(`/ping`)", "service": "ping@internal", "entryPoints": ["web"]});
    routers.insert("ping".to_owned(), ping);
    let timeout = format!("{}s", Traefik::TIMEOUT_SECONDS);
    let short = json!({"forwardingTimeouts": {"responseHeaderTimeout": timeout}});
    json!({"http": {"routers": routers, "services": balancers, "serversTransports": {"short": short}}})
}

async fn is_routed(address: SocketAddr) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(b"GET /ping HTTP/1.0\r\n\r\n").await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(answer.starts_with(b"HTTP/1.0 200"))
}
