//! The process of a server: where it listens, and what it says. Of depctl's tests as well.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// A running server; dropped, it ends.
pub(crate) struct Process {
    pub(crate) child: Child,
    pub(crate) url: String,
    /// Whoever asks is known by this one.
    pub(crate) token: String,
    /// Of the demo's versions, oldest first.
    pub(crate) tags: Vec<String>,
    /// What the demo tells a person who starts it.
    pub(crate) hello: String,
    log: Arc<Log>,
}

/// What it has said so far.
#[derive(Default)]
struct Log {
    text: Mutex<String>,
    grown: Condvar,
}

impl Process {
    /// `deployer demo`, in which a minute takes a second.
    pub(crate) fn demo(program: &Path, arguments: &[&str]) -> Self {
        let mut command = Command::new(program);
        let mut demo = Self::spawn(
            command.args(["demo", "--listen", "127.0.0.1:0"]).args(arguments).stdout(Stdio::piped()),
        );
        for line in BufReader::new(demo.child.stdout.take().unwrap()).lines().map(Result::unwrap) {
            demo.hello += &format!("{line}\n");
            match line.split_once(' ') {
                Some(("URL", url)) => url.trim().clone_into(&mut demo.url),
                Some(("TOKEN", token)) => token.trim().clone_into(&mut demo.token),
                _ if line.starts_with("  main-") => {
                    demo.tags.push(line.split_whitespace().next().unwrap().to_owned());
                }
                _ if line.ends_with("ends it all.") => break,
                _ => {}
            }
        }
        assert_eq!(demo.tags.len(), 4, "{}", demo.log());
        demo
    }

    /// `deployer serve` with the file, on a free port.
    pub(crate) fn serve(program: &Path, config: &Path) -> Command {
        let mut command = Command::new(program);
        command.args(["serve", "--listen", "127.0.0.1:0", "--config"]).arg(config);
        command
    }

    /// Starts a command that serves, and waits until it says where.
    pub(crate) fn start(mut command: Command) -> Self {
        let mut server = Self::spawn(command.stdout(Stdio::null()));
        let said = server.log.text.lock().unwrap();
        let most = Duration::from_secs(60);
        let (said, _) =
            server.log.grown.wait_timeout_while(said, most, |said| address(said).is_none()).unwrap();
        let url = format!("http://{}", address(&said).unwrap_or_else(|| panic!("{said}")));
        drop(said);
        server.url = url;
        server
    }

    fn spawn(command: &mut Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let log = follow(child.stderr.take().unwrap());
        Self { child, url: String::new(), token: String::new(), tags: Vec::new(), hello: String::new(), log }
    }

    pub(crate) fn log(&self) -> String {
        self.log.text.lock().unwrap().clone()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where it listens, if a line says so, as text or as JSON.
fn address(said: &str) -> Option<&str> {
    said.lines().find_map(|line| {
        let text = line.split_once("listens address=").map(|(_, at)| at.trim());
        text.or_else(|| line.split_once(r#""message":"listens","address":""#)?.1.split('"').next())
    })
}

fn follow(stream: impl Read + Send + 'static) -> Arc<Log> {
    let log = Arc::<Log>::default();
    let kept = Arc::clone(&log);
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            *kept.text.lock().unwrap() += &(line + "\n");
            kept.grown.notify_all();
        }
    });
    log
}
