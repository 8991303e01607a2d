//! Child processes that end with the value that holds them.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tokio::net::TcpStream;

use crate::Missing;
use crate::need::switched_on;

/// A running server process; killed and reaped when dropped.
#[derive(Debug)]
pub struct Process {
    name: &'static str,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `command` with its output in `log`.
    ///
    /// # Errors
    /// [`Missing`] when the program cannot be started, or servers are switched off (`NPRT_SERVERS=none`).
    pub fn start(name: &'static str, command: &mut Command, log: &Path) -> Result<Self, Missing> {
        Self::start_apart(name, command, log, log)
    }

    /// The same with its standard output in a file of its own.
    ///
    /// # Errors
    /// As [`Process::start`].
    pub fn start_apart(
        name: &'static str,
        command: &mut Command,
        log: &Path,
        output: &Path,
    ) -> Result<Self, Missing> {
        switched_on(name)?;
        let missing = |error: std::io::Error| Missing::new(name, error);
        let err = File::create(log).map_err(missing)?;
        let out = if output == log { err.try_clone() } else { File::create(output) }.map_err(missing)?;
        let child = command.stdin(Stdio::null()).stdout(out).stderr(err).spawn().map_err(|error| {
            Missing::new(name, format_args!("{}: {error}", command.get_program().display()))
        })?;
        Ok(Self { name, child, log: log.to_owned() })
    }

    /// The process's number.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until something accepts connections on `address`.
    ///
    /// # Errors
    /// [`Missing`], with the end of the log, when the process ends first or after 30 seconds.
    pub async fn wait_for_port(&mut self, address: SocketAddr) -> Result<(), Missing> {
        let deadline = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(address).await.is_err() {
            self.check(deadline)?;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// Fails when the process has ended or `deadline` is past; for loops that wait for it to be ready.
    ///
    /// # Errors
    /// [`Missing`], with the end of the log.
    pub fn check(&mut self, deadline: Instant) -> Result<(), Missing> {
        let ended = self.child.try_wait().map_err(|error| Missing::new(self.name, error))?;
        if ended.is_none() && Instant::now() < deadline {
            return Ok(());
        }
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let mut last: Vec<&str> = log.lines().rev().take(20).collect();
        last.reverse();
        let state = ended.map_or_else(|| "not ready in time".to_owned(), |status| format!("ended, {status}"));
        Err(Missing::new(self.name, format_args!("{state}:\n{}", last.join("\n"))))
    }

    /// Whether it has ended, and well.
    ///
    /// # Errors
    /// [`Missing`], with the end of the log, when it ended badly or `deadline` is past.
    pub fn is_over(&mut self, deadline: Instant) -> Result<bool, Missing> {
        match self.child.try_wait() {
            Ok(Some(status)) if status.success() => Ok(true),
            _ => self.check(deadline).map(|()| false),
        }
    }

    /// Kills it at once (SIGKILL) and waits for its end.
    pub fn kill(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A loopback address whose port nothing listens on.
///
/// # Errors
/// [`Missing`] when there is none.
pub fn free_address() -> Result<SocketAddr, Missing> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map_err(|error| Missing::new("loopback", error))
}

/// Where built servers and downloads are cached: `$NPRT_CACHE`, or `~/.cache/nprt`.
#[must_use]
pub fn cache() -> PathBuf {
    std::env::var_os("NPRT_CACHE").map(PathBuf::from).unwrap_or_else(|| {
        let home = std::env::var_os("HOME").map_or_else(|| PathBuf::from("/root"), PathBuf::from);
        home.join(".cache/nprt")
    })
}
