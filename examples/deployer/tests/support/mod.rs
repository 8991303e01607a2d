//! A running `deployer`, as a person has it: its binary, its address and a client.

#![allow(dead_code, unused_imports, reason = "each test uses a part of it")]

mod steps;
mod world;

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use reqwest::{Client, Method, Response, StatusCode};
use serde_json::{Value, json};
pub(crate) use steps::Steps;
pub(crate) use world::{World, commits, images};

/// The binary: that which was built for these tests, or the image's, which `NPRT_DEPLOYER` names.
pub(crate) fn deployer() -> OsString {
    image_binary().unwrap_or_else(|| env!("CARGO_BIN_EXE_deployer").into())
}

/// The binary of the image, where that is what is tested.
pub(crate) fn image_binary() -> Option<OsString> {
    std::env::var_os("NPRT_DEPLOYER")
}

/// A server; dropped, it ends.
pub(crate) struct Server {
    child: Child,
    pub(crate) url: String,
    pub(crate) token: String,
    /// By name, as the demo prints them: oldest first.
    pub(crate) tags: Vec<String>,
    log: Arc<Mutex<String>>,
    http: Client,
}

impl Server {
    /// `deployer demo`.
    pub(crate) fn demo(arguments: &[&str]) -> Self {
        let mut child = Command::new(deployer())
            .args(["demo", "--listen", "127.0.0.1:0"])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = follow(child.stderr.take().unwrap());
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let (mut url, mut token, mut tags) = (String::new(), String::new(), Vec::new());
        for line in lines.by_ref() {
            if let Some(rest) = line.strip_prefix("URL ") {
                rest.trim().clone_into(&mut url);
            } else if let Some(rest) = line.strip_prefix("TOKEN ") {
                rest.trim().clone_into(&mut token);
            } else if line.starts_with("  main-") {
                tags.push(line.split_whitespace().next().unwrap().to_owned());
            } else if line.ends_with("ends it all.") {
                break;
            }
        }
        assert_eq!(tags.len(), 4, "{}", log.lock().unwrap());
        Self { child, url, token, tags, log, http: client() }
    }

    /// `deployer serve` with the file.
    pub(crate) async fn serve(config: &Path, arguments: &[&str]) -> Self {
        Self::serve_with(config, arguments, &[]).await
    }

    /// The same, with variables of the environment.
    pub(crate) async fn serve_with(config: &Path, arguments: &[&str], variables: &[(&str, String)]) -> Self {
        let mut command = Command::new(deployer());
        command.args(["serve", "--listen", "127.0.0.1:0", "--config"]).arg(config).args(arguments);
        Self::start(command.envs(variables.iter().map(|(name, value)| (name, value)))).await
    }

    /// Another command that serves, with the file.
    pub(crate) async fn run(command: &str, config: &Path, arguments: &[&str]) -> Self {
        Self::start(Command::new(deployer()).args([command, "--config"]).arg(config).args(arguments)).await
    }

    /// The same as a replica by the name of its host, on a free port.
    pub(crate) async fn replica(name: &str, config: &Path) -> Self {
        let mut command = Command::new(deployer());
        command.args(["serve", "--listen", "127.0.0.1:0", "--config"]).arg(config).env("HOSTNAME", name);
        Self::start(&mut command).await
    }

    async fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let log = follow(child.stderr.take().unwrap());
        let began = Instant::now();
        let url = loop {
            let said = log.lock().unwrap().clone();
            if let Some(address) = said.lines().find_map(address) {
                break format!("http://{address}");
            }
            assert!(began.elapsed() < Duration::from_secs(20), "{said}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        Self { child, url, token: String::new(), tags: Vec::new(), log, http: client() }
    }

    /// A client that keeps its connections.
    pub(crate) fn http(&self) -> Client {
        self.http.clone()
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Whether it has ended.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        change: impl FnOnce(Request) -> Request,
    ) -> Response {
        let request = self.http.request(method, format!("{}{path}", self.url));
        let request = if self.token.is_empty() { request } else { request.bearer_auth(&self.token) };
        change(request).send().await.unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> (StatusCode, Value) {
        answer(self.send(Method::GET, path, |request| request).await).await
    }

    pub(crate) async fn put(&self, path: &str) -> (StatusCode, Value) {
        answer(self.send(Method::PUT, path, |request| request).await).await
    }

    /// The same with a path that goes with the future.
    pub(crate) async fn put_owned(&self, path: String) -> (StatusCode, Value) {
        self.put(&path).await
    }

    /// The same, step by step.
    pub(crate) async fn steps(&self, path: &str) -> Steps {
        let stream = |request: Request| request.header("accept", "text/event-stream");
        Steps::of(self.send(Method::PUT, path, stream).await)
    }

    pub(crate) async fn status(&self) -> Value {
        let (status, body) = self.get("/boutique/status").await;
        assert_eq!(status, 200, "{body}");
        body
    }

    /// Waits until the status of the demo's service is so.
    pub(crate) async fn until(&self, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        self.until_on("boutique", what, is_so).await
    }

    /// Waits until the status of the service is so.
    pub(crate) async fn until_on(&self, service: &str, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let began = Instant::now();
        loop {
            let (code, status) = self.get(&format!("/{service}/status")).await;
            assert_eq!(code, 200, "{status}");
            if is_so(&status) {
                return status;
            }
            assert!(began.elapsed() < Duration::from_secs(120), "{what}: {status}\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until it has ended, by whatever was done to it.
    pub(crate) fn wait(&mut self) {
        self.child.wait().unwrap();
    }

    /// Ends it as Kubernetes does, and says whether it ended in order.
    pub(crate) async fn terminate(&mut self) -> bool {
        signal(self.pid(), "TERM");
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.success();
            }
            assert!(began.elapsed() < Duration::from_secs(30));
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// Where it listens, if the line says so, as text or as JSON.
fn address(line: &str) -> Option<&str> {
    let text = line.split_once("listens address=").map(|(_, at)| at.trim());
    text.or_else(|| line.split_once(r#""message":"listens","address":""#)?.1.split('"').next())
}

pub(crate) type Request = reqwest::RequestBuilder;

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn signal(pid: u32, name: &str) {
    // Every shell has it built in.
    let done = Command::new("sh").arg("-c").arg(format!("kill -{name} {pid}")).status().unwrap();
    assert!(done.success());
}

pub(crate) fn client() -> Client {
    // Loopback only: no TLS is needed, and none is set up.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().no_proxy().timeout(Duration::from_secs(60)).build().unwrap()
}

pub(crate) async fn answer(response: Response) -> (StatusCode, Value) {
    let status = response.status();
    let kind = response.headers().get("content-type").map(|kind| kind.to_str().unwrap().to_owned());
    let expected = if status.is_success() { "application/json" } else { "application/problem+json" };
    assert_eq!(kind.as_deref(), Some(expected), "{status}");
    let body: Value = response.json().await.unwrap();
    if !status.is_success() {
        assert_eq!(body["status"], json!(status.as_u16()), "{body}");
        for member in ["type", "title", "detail", "kind"] {
            assert!(body[member].is_string(), "{member} in {body}");
        }
    }
    (status, body)
}

fn follow(stream: impl Read + Send + 'static) -> Arc<Mutex<String>> {
    let log = Arc::new(Mutex::new(String::new()));
    let kept = Arc::clone(&log);
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            let mut kept = kept.lock().unwrap();
            kept.push_str(&line);
            kept.push('\n');
        }
    });
    log
}

pub(crate) const ADMIN: &str = "correct-horse-battery-admin";

pub(crate) fn tokens() -> Value {
    json!([
        {"name": "admin", "secret": ADMIN},
        {"name": "reader", "secret": "correct-horse-battery-reader", "actions": ["read"]},
        {"name": "ci", "secret": "correct-horse-battery-ci", "actions": ["deploy"], "services": ["web"]},
        {"name": "trial", "secret": "correct-horse-battery-trial", "actions": ["canary"]},
        {"name": "main", "secret": "correct-horse-battery-main", "deployable_branches": ["main"]},
    ])
}

/// One that serves the world's services, asked by the admin.
pub(crate) async fn server(world: &World, service: Value) -> Server {
    server_with(world, json!({}), service).await
}

/// The same, with `more` in its file.
pub(crate) async fn server_with(world: &World, mut more: Value, service: Value) -> Server {
    more["tokens"] = tokens();
    let config = world.config(more, service);
    let mut server = Server::serve(&config, &[]).await;
    ADMIN.clone_into(&mut server.token);
    server
}
