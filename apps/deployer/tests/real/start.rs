//! How soon a server that starts is ready.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::bound;
use crate::support::{DEPLOYER, client};
use crate::world::{World, plane};
use nprt_testkit::reliability::times;

const PROMISED: Duration = Duration::from_millis(200);
const LENIENT: Duration = Duration::from_secs(4);

/// Ended when it is dropped.
struct Started(Child);

impl Drop for Started {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_ready_soon() {
    let Some(plane) = plane().await else { return };
    let plane = plane.write().await;
    let Some(world) = World::new(&plane, "start", 1).await else { return };
    let (config, http) = (world.config("start", &json!({})), client());
    let mut took = Vec::new();
    for _ in 0..times(3, 21) {
        let address = nprt_testkit::process::free_address().unwrap().to_string();
        let began = Instant::now();
        let mut command = Command::new(DEPLOYER);
        let command = command.args(["serve", "--listen", &address, "--config"]).arg(&config);
        let started = Started(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        let ready = async || http.get(format!("http://{address}/readyz")).send().await;
        while !ready().await.is_ok_and(|answer| answer.status() == 200) {
            assert!(began.elapsed() < Duration::from_secs(30), "not ready");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        took.push(began.elapsed());
        drop(started);
    }
    took.sort();
    let (median, most) = (took[took.len() / 2], bound(LENIENT, PROMISED));
    eprintln!("ready after {median:?}, of {took:?}");
    assert!(median <= most, "{median:?} of {took:?}, at most {most:?}");
}
