//! A worker as the test sees it: a process that is told what to do, stopped and killed.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use nprt_testkit::Shop;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::version::Version;
use crate::worker::{ARGUMENTS, SETUP};

type Listeners = Arc<Mutex<BTreeMap<u64, UnboundedSender<Value>>>>;

pub(crate) struct Worker {
    child: Child,
    stdin: ChildStdin,
    listeners: Listeners,
    commands: u64,
}

impl Worker {
    pub(crate) fn start(kubeconfig: &Path, namespace: &str, lease_seconds: u64) -> Self {
        let setup = json!({"kubeconfig": kubeconfig, "namespace": namespace, "lease_seconds": lease_seconds});
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(ARGUMENTS)
            .env(SETUP, setup.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let listeners = Listeners::default();
        tokio::spawn(listen(child.stdout.take().unwrap(), Arc::clone(&listeners)));
        Self { stdin: child.stdin.take().unwrap(), child, listeners, commands: 0 }
    }

    /// One that works in the shop's namespace.
    pub(crate) fn of(shop: &Shop, lease_seconds: u64) -> Self {
        Self::start(shop.user.kubeconfig(), &shop.namespace, lease_seconds)
    }

    /// SIGKILL.
    pub(crate) async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    /// Sends it a signal, such as `STOP`.
    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.child.id().expect("it has not ended").to_string();
        let sent = std::process::Command::new("kill").args([&format!("-{signal}"), &pid]).status();
        assert!(sent.unwrap().success(), "{signal}");
    }

    pub(crate) async fn deploy(&mut self, version: Version) -> Run {
        self.tell(json!({"do": "deploy", "n": version.n, "more": version.more})).await
    }

    /// Tells it to do what `command` says. It goes on with what it was told before.
    pub(crate) async fn tell(&mut self, mut command: Value) -> Run {
        self.commands += 1;
        command["id"] = json!(self.commands);
        let (sender, lines) = unbounded_channel();
        self.listeners.lock().unwrap().insert(self.commands, sender);
        self.stdin.write_all(format!("{command}\n").as_bytes()).await.unwrap();
        Run { lines, events: Vec::new() }
    }
}

/// Gives each line to who waits for it. When the process is dead, nobody waits any more.
async fn listen(stdout: ChildStdout, listeners: Listeners) {
    let mut lines = BufReader::new(stdout).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let Ok(line) = serde_json::from_str::<Value>(&line) else { continue };
        let Some(id) = line["id"].as_u64() else { continue };
        if let Some(listener) = listeners.lock().unwrap().get(&id) {
            // A test that has seen enough listens no more.
            let _ = listener.send(line);
        }
    }
    listeners.lock().unwrap().clear();
}

/// Something that a worker was told to do.
pub(crate) struct Run {
    lines: UnboundedReceiver<Value>,
    /// The steps that it told up to now.
    pub(crate) events: Vec<Value>,
}

/// How it ended.
#[derive(Debug)]
pub(crate) enum Outcome {
    Done(Value),
    Failed { kind: String, message: String },
    Died,
}

impl Run {
    /// The next step, or how it ended.
    pub(crate) async fn next(&mut self) -> Result<Value, Outcome> {
        let Some(mut line) = self.lines.recv().await else { return Err(Outcome::Died) };
        if !line["event"].is_null() {
            self.events.push(line["event"].clone());
            return Ok(line["event"].take());
        }
        if !line["done"].is_null() {
            return Err(Outcome::Done(line["done"].take()));
        }
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        Err(Outcome::Failed {
            kind: text(&line["failed"]["kind"]),
            message: text(&line["failed"]["message"]),
        })
    }

    pub(crate) async fn outcome(&mut self) -> Outcome {
        loop {
            if let Err(outcome) = self.next().await {
                return outcome;
            }
        }
    }

    /// It ends well.
    pub(crate) async fn done(&mut self) -> Value {
        match self.outcome().await {
            Outcome::Done(done) => done,
            outcome => panic!("{outcome:?}, after {:#?}", self.events),
        }
    }

    /// The epoch of the lease that it had.
    pub(crate) fn epoch(&self) -> Option<u64> {
        self.events.iter().find_map(|event| event["epoch"].as_u64())
    }
}
