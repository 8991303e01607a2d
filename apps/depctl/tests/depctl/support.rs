//! The fake server, and the program as a person runs it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockBuilder, MockServer, Request, ResponseTemplate};

/// Occurs in no output whatsoever.
pub(crate) const TOKEN: &str = "s3cr3t-t0k3n";

pub(crate) const REVISION: &str = "3f2a91c0b1d2e3f4a5b6c7d8e9f0a1b2c3d4e5f6";

pub(crate) const OTHER: &str = "abcabcabcabcabcabcabcabcabcabcabcabcabca";

/// A server, a home, and a directory named like the service `shop`.
pub(crate) struct Bench {
    pub(crate) server: MockServer,
    pub(crate) home: TempDir,
}

pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Bench {
    pub(crate) async fn new() -> Self {
        let bench = Self { server: MockServer::start().await, home: TempDir::new().unwrap() };
        fs::create_dir(bench.directory()).unwrap();
        bench
    }

    pub(crate) fn directory(&self) -> PathBuf {
        self.home.path().join("shop")
    }

    /// The program with an environment of its own, not told of the server yet.
    pub(crate) fn bare(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_depctl"));
        command.args(arguments).current_dir(self.directory()).stdin(Stdio::null()).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", self.home.path());
        // Without a global configuration of whoever runs the tests.
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null");
        command
    }

    /// The program that knows the server and the token by its environment.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.bare(arguments);
        command.env("DEPCTL_URL", self.server.uri()).env("DEPCTL_TOKEN", TOKEN);
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        run(&mut self.command(arguments))
    }

    /// Writes a file of the home, which nobody else can read.
    pub(crate) fn write(&self, path: &str, text: &str) -> PathBuf {
        let path = self.home.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        permit(&path, 0o600);
        path
    }

    /// Answers a path with JSON, to those who log in and say who they are.
    pub(crate) async fn answer(&self, verb: &str, at: &str, value: Value) {
        self.mount(asked(verb, at), ResponseTemplate::new(200).set_body_json(value)).await;
    }

    pub(crate) async fn mount(&self, asked: MockBuilder, answer: ResponseTemplate) {
        asked.respond_with(answer).mount(&self.server).await;
    }

    pub(crate) async fn problem(&self, verb: &str, at: &str, problem: Value) {
        let status = u16::try_from(problem["status"].as_u64().unwrap()).unwrap();
        let body = problem.to_string();
        let answer = ResponseTemplate::new(status).set_body_raw(body, "application/problem+json");
        self.mount(asked(verb, at), answer).await;
    }

    /// The requests that change something, as method, path and form.
    pub(crate) async fn changes(&self) -> Vec<String> {
        let requests = self.server.received_requests().await.unwrap();
        let changing = requests.iter().filter(|request| request.method.as_str() != "GET");
        changing
            .map(|Request { method, url, body, .. }| {
                format!("{method} {} {}", url.path(), String::from_utf8(body.clone()).unwrap())
            })
            .collect()
    }

    /// A git checkout in the directory, with one commit; says which.
    pub(crate) fn checkout(&self) -> String {
        for arguments in [
            &["init", "--quiet", "--initial-branch", "main"][..],
            &[
                "-c",
                "user.name=a",
                "-c",
                "user.email=a@example.com",
                "commit",
                "--quiet",
                "--allow-empty",
                "-m",
                "one",
            ],
        ] {
            self.git(arguments);
        }
        self.git(&["rev-parse", "HEAD"])
    }

    /// Pushes the checkout to a remote beside it.
    pub(crate) fn push(&self) {
        self.git(&["init", "--quiet", "--bare", "../remote.git"]);
        self.git(&["remote", "add", "origin", "../remote.git"]);
        self.git(&["push", "--quiet", "origin", "main"]);
    }

    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("git");
        command.args(arguments).current_dir(self.directory()).env("GIT_CONFIG_GLOBAL", "/dev/null");
        let output = command.env("GIT_CONFIG_SYSTEM", "/dev/null").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}

/// A request of depctl that has the token.
pub(crate) fn asked(verb: &str, at: &str) -> MockBuilder {
    let agent = concat!("depctl/", env!("CARGO_PKG_VERSION"));
    Mock::given(method(verb))
        .and(path(at))
        .and(header("authorization", format!("Bearer {TOKEN}").as_str()))
        .and(header("user-agent", agent))
}

/// Runs it to its end; nothing that it prints holds the token.
pub(crate) fn run(command: &mut Command) -> Ran {
    ran(command.output().unwrap())
}

pub(crate) fn ran(output: Output) -> Ran {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let code = output.status.code().unwrap();
    let ran = Ran { code, out: text(output.stdout), err: text(output.stderr) };
    assert!(!ran.out.contains(TOKEN) && !ran.err.contains(TOKEN), "{} {}", ran.out, ran.err);
    ran
}

impl Ran {
    #[track_caller]
    pub(crate) fn is(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout: {}\nstderr: {}", self.out, self.err);
        self
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap()
    }
}

pub(crate) fn permit(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

pub(crate) fn running(tag: &str, revision: &str) -> Value {
    json!({
        "revision": revision, "tag": tag, "started": "2026-11-26T13:00:00Z", "expires": "2026-11-26T15:00:00Z",
        "caller": "ada", "objects": [object("shop-canary")]
    })
}

pub(crate) fn object(name: &str) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "default", "name": name})
}

pub(crate) fn status(stable: &Value, canary: &Value) -> Value {
    json!({"service": "shop", "stable": stable, "canary": canary, "operation": null, "held": null})
}

pub(crate) fn deployment(track: &str) -> Value {
    json!({
        "service": "shop", "track": track, "revision": REVISION, "tag": "main-3f2a91c",
        "applied": [{"object": object("shop"), "change": "configured"}, {"object": object("cart"), "change": "unchanged"}],
        "removed": [], "pruned": [], "withheld": [], "warnings": ["Deployment/cart: runs no image of this version"]
    })
}

/// A judgement of the running canary; `decision` holds `verdict`, and `needed` where that is inconclusive.
pub(crate) fn judgement(decision: &Value, reason: &str) -> Value {
    let mut verdict = json!({
        "reason": reason,
        "metrics": [{
            "metric": "latency", "statistic": "p95", "verdict": "pass", "stable": 0.1, "canary": 0.105,
            "limit": 0.11, "stable_samples": 600, "canary_samples": 120, "reason": "it holds"
        }],
        "range": ["2026-11-26T13:00:00Z", "2026-11-26T13:03:00Z"]
    });
    verdict.as_object_mut().unwrap().extend(decision.as_object().unwrap().clone());
    json!({
        "service": "shop", "revision": REVISION, "tag": "main-3f2a91c", "started": "2026-11-26T13:00:00Z",
        "verdict": verdict
    })
}

pub(crate) fn inconclusive() -> Value {
    json!({"verdict": "inconclusive", "needed": {"stable_samples": 0, "canary_samples": 280, "minutes": 7}})
}
