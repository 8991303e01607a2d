//! Envoy, in front of the servers of a test.

use std::net::SocketAddr;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::process::{Process, free_address};
use crate::{Missing, tool};

const NAME: &str = "envoy";

/// A running Envoy. The header `backend` of a request names the cluster that gets it.
#[derive(Debug)]
pub struct Envoy {
    #[expect(dead_code, reason = "held: dropping it ends the server")]
    process: Process,
    address: SocketAddr,
    admin: SocketAddr,
    _directory: TempDir,
}

impl Envoy {
    /// How long it waits for an answer before it says 504.
    pub const TIMEOUT_SECONDS: u64 = 2;

    /// Starts it in front of `clusters`, by name. As a mesh does, it calls a cluster `outbound|80||<name>.shop.svc.cluster.local`,
    /// and gives it `outbound|80||<name>` as the name in statistics (`alt_stat_name`).
    ///
    /// # Errors
    /// [`Missing`] without Envoy, which `./test` installs.
    pub async fn start(clusters: &[(&str, SocketAddr)]) -> Result<Self, Missing> {
        let missing = |error: std::io::Error| Missing::new(NAME, error);
        let directory = tempfile::tempdir().map_err(missing)?;
        let path = directory.path().join("envoy.json");
        let (address, admin) = (free_address()?, free_address()?);
        std::fs::write(&path, config(address, admin, clusters).to_string()).map_err(missing)?;
        let mut command = Command::new(tool(NAME)?);
        command.arg("--config-path").arg(path).args(["--concurrency", "1", "--disable-hot-restart"]);
        let mut process = Process::start(NAME, &mut command, &directory.path().join("log"))?;
        process.wait_for_port(address).await?;
        Ok(Self { process, address, admin, _directory: directory })
    }

    /// Where requests go.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where Prometheus scrapes it. Histograms are there 100 ms after their requests.
    #[must_use]
    pub fn metrics(&self) -> String {
        format!("http://{}/stats/prometheus", self.admin)
    }
}

fn config(address: SocketAddr, admin: SocketAddr, clusters: &[(&str, SocketAddr)]) -> Value {
    let routes: Vec<Value> = clusters.iter().map(|(name, _)| route(name)).collect();
    let clusters: Vec<Value> = clusters.iter().map(|(name, server)| cluster(name, *server)).collect();
    let extension = "type.googleapis.com/envoy.extensions.filters";
    let router = json!({
        "name": "envoy.filters.http.router",
        "typed_config": {"@type": format!("{extension}.http.router.v3.Router")},
    });
    let manager = json!({
        "name": "envoy.filters.network.http_connection_manager",
        "typed_config": {
            "@type": format!("{extension}.network.http_connection_manager.v3.HttpConnectionManager"),
            "stat_prefix": "ingress",
            "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}]},
            "http_filters": [router],
        },
    });
    json!({
        "admin": {"address": socket(admin)},
        // Histograms appear only then; it is 5 s by default.
        "stats_flush_interval": "0.1s",
        "static_resources": {
            "listeners": [{"address": socket(address), "filter_chains": [{"filters": [manager]}]}],
            "clusters": clusters,
        },
    })
}

fn full(name: &str) -> String {
    format!("outbound|80||{name}.shop.svc.cluster.local")
}

fn route(name: &str) -> Value {
    json!({
        "match": {"prefix": "/", "headers": [{"name": "backend", "string_match": {"exact": name}}]},
        "route": {"cluster": full(name), "timeout": format!("{}s", Envoy::TIMEOUT_SECONDS)},
    })
}

fn cluster(name: &str, server: SocketAddr) -> Value {
    let endpoints = json!([{"lb_endpoints": [{"endpoint": {"address": socket(server)}}]}]);
    json!({
        "name": full(name),
        "alt_stat_name": format!("outbound|80||{name}"),
        "type": "STATIC",
        "load_assignment": {"cluster_name": full(name), "endpoints": endpoints},
    })
}

fn socket(address: SocketAddr) -> Value {
    json!({"socket_address": {"address": address.ip().to_string(), "port_value": address.port()}})
}
