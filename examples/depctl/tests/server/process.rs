//! The server's process: where it listens, and what it says.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A running server; dropped, it ends.
pub(crate) struct Deployer {
    pub(crate) child: Child,
    pub(crate) url: String,
    pub(crate) token: String,
    /// Of the demo's versions, oldest first.
    pub(crate) tags: Vec<String>,
    log: Arc<Mutex<String>>,
}

impl Deployer {
    /// `deployer demo`, in which a minute takes a second.
    pub(crate) fn demo(program: &Path, arguments: &[&str]) -> Self {
        let arguments = [&["demo", "--listen", "127.0.0.1:0"], arguments].concat();
        let mut server = Self::start(program, &arguments, Stdio::piped());
        let lines = BufReader::new(server.child.stdout.take().unwrap()).lines().map_while(Result::ok);
        for line in lines {
            match line.split_once(' ') {
                Some(("URL", url)) => url.trim().clone_into(&mut server.url),
                Some(("TOKEN", token)) => token.trim().clone_into(&mut server.token),
                _ if line.starts_with("  main-") => {
                    server.tags.push(line.split_whitespace().next().unwrap().to_owned());
                }
                _ if line.ends_with("ends it all.") => break,
                _ => {}
            }
        }
        assert_eq!(server.tags.len(), 4, "{}", server.log());
        server
    }

    /// `deployer serve`, by a configuration with this token.
    pub(crate) fn serve(program: &Path, config: &Path, token: &str, arguments: &[&str]) -> Self {
        let config = config.to_str().unwrap();
        let arguments = [&["serve", "--listen", "127.0.0.1:0", "--config", config], arguments].concat();
        let mut server = Self::start(program, &arguments, Stdio::null());
        let began = Instant::now();
        while server.url.is_empty() {
            let log = server.log();
            let address = log.lines().find_map(|line| line.split_once("listens address="));
            if let Some((_, address)) = address {
                server.url = format!("http://{}", address.trim());
            }
            assert!(began.elapsed() < Duration::from_secs(60), "{log}");
            std::thread::sleep(Duration::from_millis(20));
        }
        token.clone_into(&mut server.token);
        server
    }

    fn start(program: &Path, arguments: &[&str], stdout: Stdio) -> Self {
        let mut child =
            Command::new(program).args(arguments).stdout(stdout).stderr(Stdio::piped()).spawn().unwrap();
        let log = follow(child.stderr.take().unwrap());
        Self { child, url: String::new(), token: String::new(), tags: Vec::new(), log }
    }

    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }
}

impl Drop for Deployer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn follow(stream: impl Read + Send + 'static) -> Arc<Mutex<String>> {
    let log = Arc::new(Mutex::new(String::new()));
    let kept = Arc::clone(&log);
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            *kept.lock().unwrap() += &(line + "\n");
        }
    });
    log
}
