//! What others notice of an attack: how long `/healthz` takes meanwhile, and how much memory the server uses.

use std::fmt;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How long a probe waits, as a kubelet does by default.
const PATIENCE: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(20);
/// What the server may use at most, in MiB.
const MOST_MEMORY: u64 = 300;
/// What a probe may take: of a release build on an idle machine, and of a debug build on a busy one.
const PROMISED: Duration = Duration::from_millis(250);
const LENIENT: Duration = Duration::from_millis(900);

/// Asks for `/healthz` until it is dropped or asked for the figures: on a thread of its own, so that what else this process
/// does is not measured.
pub(crate) struct Watch {
    pid: u32,
    is_over: Arc<AtomicBool>,
    probes: Option<JoinHandle<Vec<Option<Duration>>>>,
}

/// What was noticed.
pub(crate) struct Noticed {
    /// The 99th percentile of the probes.
    pub(crate) p99: Duration,
    pub(crate) probes: usize,
    /// Probes without an answer in time.
    pub(crate) failed: usize,
    /// The most memory that the server ever had, in MiB.
    pub(crate) peak: u64,
}

impl Watch {
    pub(crate) fn start(health: SocketAddr, pid: u32) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&is_over);
        let probes = thread::spawn(move || {
            let mut taken = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                let began = Instant::now();
                taken.push(probe(health).then(|| began.elapsed()));
                thread::sleep(PAUSE);
            }
            taken
        });
        Self { pid, is_over, probes: Some(probes) }
    }

    pub(crate) fn stop(mut self) -> Noticed {
        self.is_over.store(true, Ordering::Relaxed);
        let taken = self.probes.take().unwrap().join().unwrap();
        let failed = taken.iter().filter(|taken| taken.is_none()).count();
        let mut times: Vec<Duration> = taken.iter().map(|taken| taken.unwrap_or(PATIENCE)).collect();
        times.sort_unstable();
        let p99 = times[(times.len() * 99).div_ceil(100) - 1];
        Noticed { p99, probes: times.len(), failed, peak: peak(self.pid) }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

impl Noticed {
    pub(crate) fn is_harmless(&self, what: &str) {
        let most = if cfg!(debug_assertions) { LENIENT } else { PROMISED };
        assert!(self.p99 <= most, "{what}: {self}, allowed {} ms", most.as_millis());
        assert!(self.peak <= MOST_MEMORY, "{what}: {self}, allowed {MOST_MEMORY} MiB");
    }
}

impl fmt::Display for Noticed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { p99, probes, failed, peak } = self;
        write!(f, "/healthz p99 {} ms, {failed} of {probes} unanswered, peak RSS {peak} MiB", p99.as_millis())
    }
}

fn probe(health: SocketAddr) -> bool {
    let Ok(mut stream) = TcpStream::connect_timeout(&health, PATIENCE) else { return false };
    let request = format!("GET /healthz HTTP/1.1\r\nHost: {health}\r\nConnection: close\r\n\r\n");
    let mut answer = [0; 12];
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(request.as_bytes()).is_ok()
        && stream.read_exact(&mut answer).is_ok()
        && answer == *b"HTTP/1.1 200"
}

/// The most memory that the process ever had in RAM, in MiB; see proc_pid_status(5).
fn peak(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("the server runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.split_ascii_whitespace().next().unwrap().parse::<u64>().unwrap() >> 10
}
