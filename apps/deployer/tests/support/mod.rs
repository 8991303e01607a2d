//! A running `deployer`, as a person has it: its binary, its address and a client.

mod process;
mod steps;
mod world;

use std::net::SocketAddr;
use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

pub(crate) use process::Process;
use reqwest::{Client, Method, Response, StatusCode};
use serde_json::{Value, json};
pub(crate) use steps::Steps;
pub(crate) use world::{MANIFEST, World, commits, images};

/// The package's folder.
pub(crate) const HERE: &str = env!("CARGO_MANIFEST_DIR");
/// The binary of the image, where `NPRT_DEPLOYER` names it as the tests are built.
pub(crate) const OF_IMAGE: Option<&str> = option_env!("NPRT_DEPLOYER");

/// The binary that is tested.
pub(crate) const DEPLOYER: &str = match OF_IMAGE {
    Some(binary) => binary,
    None => env!("CARGO_BIN_EXE_deployer"),
};

/// A server, and who asks it; dropped, it ends.
pub(crate) struct Server {
    process: Process,
    http: Client,
}

impl Deref for Server {
    type Target = Process;

    fn deref(&self) -> &Process {
        &self.process
    }
}

impl DerefMut for Server {
    fn deref_mut(&mut self) -> &mut Process {
        &mut self.process
    }
}

impl Server {
    /// `deployer demo`.
    pub(crate) fn demo(arguments: &[&str]) -> Self {
        Self { process: Process::demo(Path::new(DEPLOYER), arguments), http: client() }
    }

    /// `deployer serve` with the file, asked with this token.
    pub(crate) async fn serve(config: &Path, token: &str) -> Self {
        Self::serve_with(config, token, &[]).await
    }

    /// The same, with variables of the environment.
    pub(crate) async fn serve_with(config: &Path, token: &str, variables: &[(&str, String)]) -> Self {
        let mut command = Process::serve(Path::new(DEPLOYER), config);
        command.envs(variables.iter().map(|(name, value)| (name, value)));
        let mut server = Self::start(command).await;
        token.clone_into(&mut server.token);
        server
    }

    /// Another command that serves.
    pub(crate) async fn start(command: Command) -> Self {
        let started = tokio::task::spawn_blocking(move || Process::start(command)).await;
        Self { process: started.unwrap(), http: client() }
    }

    /// A client that keeps its connections.
    pub(crate) fn http(&self) -> Client {
        self.http.clone()
    }

    /// Where it answers.
    pub(crate) fn address(&self) -> SocketAddr {
        self.url.strip_prefix("http://").unwrap().parse().unwrap()
    }

    /// Where it answers probes of health alone, if it does.
    pub(crate) fn health(&self) -> SocketAddr {
        let log = self.log();
        let (_, at) = log.split_once("answers probes of health address=").expect("it says where");
        at.lines().next().unwrap().trim().parse().unwrap()
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
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

pub(crate) type Request = reqwest::RequestBuilder;

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

pub(crate) const ADMIN: &str = "correct-horse-battery-admin";

pub(crate) fn tokens() -> Value {
    json!([
        {"name": "admin", "secret": ADMIN},
        {"name": "reader", "secret": "correct-horse-battery-reader", "actions": ["read"]},
        {"name": "ci", "secret": "correct-horse-battery-ci", "actions": ["deploy"], "services": ["web"]},
        {"name": "guest", "secret": "correct-horse-battery-guest", "actions": ["read"], "services": ["web"]},
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
    Server::serve(&config, ADMIN).await
}
