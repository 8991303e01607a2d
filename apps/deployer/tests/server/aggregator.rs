//! `deployer statsd`, and the pods that send it what they measure.

use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{DEPLOYER, Server};

pub(crate) const TOKEN: &str = "correct-horse-battery-statsd";

/// The aggregator's own file, which holds none of the deployers' secrets.
pub(crate) fn file(folder: &Path, statsd: &str) -> PathBuf {
    let path = folder.join("statsd.yml");
    let section = json!({"token": TOKEN, "statsd": {"listen": statsd}});
    // What is not its own is not read: this secret is nowhere.
    let others = json!([{"name": "ci", "secret": {"from_env": "NO_SUCH_VARIABLE"}}]);
    std::fs::write(&path, json!({"aggregator": section, "tokens": others}).to_string()).unwrap();
    path
}

pub(crate) async fn serve(file: &Path, listen: &str) -> Server {
    let mut command = Command::new(DEPLOYER);
    command.args(["statsd", "--listen", listen, "--config"]).arg(file);
    Server::start(command).await
}

/// The address of UDP that it says it listens on.
pub(crate) fn udp(server: &Server) -> String {
    let log = server.log();
    let line = log.lines().find_map(|line| line.split_once("statsd listens listen=")).unwrap();
    line.1.trim().to_owned()
}

/// Two minutes of that traffic are enough for a verdict, if nothing is lost.
pub(crate) fn policy() -> Value {
    let rule = json!({
        "rule": "percentile", "metric": "latency", "percentile": 50, "margin": {"relative": 1.0},
        "min_samples": 1,
    });
    json!({"window_minutes": 10, "soak_minutes": 1, "deadline_minutes": 10, "rules": [rule]})
}

/// Sends each second, until the test ends, what a pod of each track of `web` measures: stable answers in 120 ms, the canary
/// in so many.
pub(crate) fn traffic(address: String, canary: u32) {
    tokio::spawn(async move {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        loop {
            for (track, latency) in [("stable", 120), ("canary", canary)] {
                let latency = format!("request.latency:{latency}|ms");
                for line in [latency.as_str(), "request.count:5|c", "process.cpu:0.5|g"] {
                    let packet = format!("{line}|#service:web,track:{track},pod:{track}-0");
                    socket.send_to(packet.as_bytes(), &address).unwrap();
                }
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    });
}
