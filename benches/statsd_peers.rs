//! The processor's time for a received line: our server, npm's `statsd`, Prometheus' `statsd_exporter` and collectd, each a
//! process of its own, one after another in one run, by the same datagrams at the same pace. Each must receive every line.
//!
//! See `benches/README.md` for how to get the others. Without `NPRT_STATSD_PEERS` only ours is measured.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    missing_docs,
    reason = "a bench prints what it measures"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nprt::clock::SystemClock;
use nprt::statsd::{StatsdConfig, StatsdServer};

const LINES_A_PACKET: usize = 10;
const SECONDS: u64 = 8;
const SERVE: &str = "NPRT_STATSD_SERVE";

/// What is sent.
#[derive(Clone, Copy)]
enum Form {
    /// Names without tags, which all read.
    Plain,
    /// DogStatsD's tags, which npm's and collectd do not read.
    Tagged,
}

fn packets(form: Form) -> Vec<Vec<u8>> {
    let line = |n: usize| {
        let (track, pod, route) = (if n.is_multiple_of(3) { "canary" } else { "stable" }, n % 6, n % 5);
        // collectd does not count what takes less than a millisecond.
        let value = format!("{}.{:03}", 1 + n % 300, n % 1000);
        match form {
            Form::Plain => format!("shop.{track}.pod-{pod}.route-{route}.latency:{value}|ms"),
            Form::Tagged => format!(
                "request.latency:{value}|ms|#service:shop,track:{track},version:main-3f2a91c,pod:shop-{pod},route:/route/{route}"
            ),
        }
    };
    let packet =
        |p: usize| (0..LINES_A_PACKET).map(|n| line(p * LINES_A_PACKET + n)).collect::<Vec<_>>().join("\n");
    (0..1_000).map(|p| packet(p).into_bytes()).collect()
}

/// Serves until its input ends; answers each line of it with the number of lines received.
fn serve() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _entered = runtime.enter();
    let plain = serde_json::json!({"shape": "samples", "name": "{service}.{track}.{pod}.{route}.latency"});
    let mut config = serde_json::to_value(StatsdConfig::default()).unwrap();
    config["listen"] = "127.0.0.1:0".into();
    config["services"] = serde_json::json!(["shop"]);
    config["metrics"]["plain"] = plain;
    let config: StatsdConfig = serde_json::from_value(config).unwrap();
    let server = StatsdServer::start(&config, Arc::new(SystemClock)).unwrap();
    println!("{}", server.local_addr().port());
    for _ in std::io::stdin().lines() {
        println!("{}", server.stats().used);
    }
}

struct Peer {
    name: &'static str,
    child: Child,
    port: u16,
    lines: Box<dyn FnMut() -> u64>,
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(command: &mut Command) -> Child {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

fn ours() -> Peer {
    let mut child = spawn(Command::new(std::env::current_exe().unwrap()).env(SERVE, "1"));
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut input = child.stdin.take().unwrap();
    let number = |output: &mut BufReader<ChildStdout>| {
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        line.trim().parse::<u64>().unwrap()
    };
    let port = u16::try_from(number(&mut output)).unwrap();
    let lines = move || {
        input.write_all(b"\n").unwrap();
        number(&mut output)
    };
    Peer { name: "nprt", child, port, lines: Box::new(lines) }
}

/// Its own count of what it received comes over its management port.
fn npm(folder: &Path) -> Peer {
    let config = folder.join("config.js");
    std::fs::write(&config, "{port: 18125, mgmt_port: 18126, address: '127.0.0.1', mgmt_address: '127.0.0.1', backends: [], flushInterval: 600000, percentThreshold: [50, 95, 99]}").unwrap();
    let child = spawn(Command::new("node").arg(folder.join("node_modules/statsd/stats.js")).arg(config));
    // Each flush resets its counters. It never flushes while it is measured, which is in its favour.
    let lines = || {
        let mut stream = TcpStream::connect("127.0.0.1:18126").unwrap();
        stream.write_all(b"counters").unwrap();
        let (mut text, mut part) = (String::new(), [0; 4096]);
        while !text.contains("END") {
            let length = stream.read(&mut part).unwrap();
            text.push_str(&String::from_utf8_lossy(&part[..length]));
        }
        let count = text
            .split("'statsd.metrics_received':")
            .nth(1)
            .or_else(|| text.split("\"statsd.metrics_received\":").nth(1));
        let count = count.and_then(|rest| rest.trim_start().split(|c: char| !c.is_ascii_digit()).next());
        count.and_then(|count| count.parse().ok()).unwrap_or(0)
    };
    Peer { name: "npm statsd", child, port: 18125, lines: Box::new(lines) }
}

fn exporter(folder: &Path) -> Peer {
    let mut command = Command::new(folder.join("bin/statsd_exporter"));
    command.args([
        "--statsd.listen-udp=127.0.0.1:18127",
        "--statsd.listen-tcp=",
        "--statsd.read-buffer=4194304",
        "--web.listen-address=127.0.0.1:18128",
    ]);
    let lines = || {
        let mut stream = TcpStream::connect("127.0.0.1:18128").unwrap();
        stream.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix("statsd_exporter_lines_total "));
        line.and_then(|count| count.parse::<f64>().ok()).map_or(0, |count| count as u64)
    };
    Peer { name: "statsd_exporter", child: spawn(&mut command), port: 18127, lines: Box::new(lines) }
}

/// Each interval it writes how many values each timer had, and begins anew.
const COLLECTD: &str = r#"
Hostname "here"
FQDNLookup false
Interval 5
LoadPlugin csv
LoadPlugin statsd
<Plugin csv>
  DataDir "stdout"
</Plugin>
<Plugin statsd>
  Host "127.0.0.1"
  Port "18129"
  TimerPercentile 50
  TimerPercentile 95
  TimerPercentile 99
  TimerCount true
</Plugin>
"#;

fn collectd(folder: &Path) -> Peer {
    let config = folder.join("collectd.conf");
    let base = format!("BaseDir {folder:?}\nPIDFile \"{}/collectd.pid\"\n", folder.display());
    std::fs::write(&config, base + COLLECTD).unwrap();
    let mut child = spawn(Command::new("collectd").arg("-f").arg("-C").arg(config));
    let (output, received) = (BufReader::new(child.stdout.take().unwrap()), Arc::new(AtomicU64::new(0)));
    let sum = Arc::clone(&received);
    std::thread::spawn(move || {
        // PUTVAL here/statsd/gauge-NAME-count interval=5.000 TIME:COUNT
        for line in output.lines().map_while(Result::ok).filter(|line| line.contains("-count ")) {
            let count = line.rsplit_once(':').and_then(|(_, count)| count.parse::<f64>().ok());
            sum.fetch_add(count.unwrap_or(0.0) as u64, Ordering::SeqCst);
        }
    });
    let lines = move || {
        sleep(Duration::from_secs(6));
        received.load(Ordering::SeqCst)
    };
    Peer { name: "collectd", child, port: 18129, lines: Box::new(lines) }
}

/// User's and system's seconds of a process so far.
fn cpu(child: &Child) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
    // utime and stime, in hundredths.
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
}

/// How many datagrams the kernel dropped that came for a port: its own count, whatever the server counts.
fn dropped(port: u16) -> u64 {
    let list = std::fs::read_to_string("/proc/net/udp").unwrap();
    let of_port = |line: &&str| {
        line.split_ascii_whitespace().nth(1).is_some_and(|at| at.ends_with(&format!(":{port:04X}")))
    };
    let drops = |line: &str| line.split_ascii_whitespace().next_back()?.parse::<u64>().ok();
    list.lines().filter(of_port).filter_map(drops).sum()
}

/// Microseconds for a line, of so many datagrams a second.
fn measure(peer: &mut Peer, packets: &[Vec<u8>], a_second: u64) -> f64 {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let to = ("127.0.0.1", peer.port);
    sleep(Duration::from_secs(2));
    let (count, start) = ((peer.lines)(), Instant::now());
    let (before, lost) = (cpu(&peer.child), dropped(peer.port));
    let all = a_second * SECONDS;
    for (n, packet) in (0..all).zip(packets.iter().cycle()) {
        socket.send_to(packet, to).unwrap();
        if n % 50 == 49 {
            let due = Duration::from_secs_f64((n + 1) as f64 / a_second as f64);
            sleep(due.saturating_sub(start.elapsed()));
        }
    }
    let took = start.elapsed().as_secs_f64();
    sleep(Duration::from_millis(1_500));
    let spent = cpu(&peer.child) - before;
    let received = (peer.lines)() - count;
    let sent = all * LINES_A_PACKET as u64;
    let lost = dropped(peer.port) - lost;
    let of_line = spent * 1e6 / received.max(1) as f64;
    println!(
        "{:>16}: {of_line:.3} us of CPU a line, {spent:.2} s of CPU in {took:.1} s for {received} of {sent} lines, {lost} of {all} datagrams dropped",
        peer.name
    );
    of_line
}

fn main() {
    if std::env::var_os(SERVE).is_some() {
        return serve();
    }
    // Without `--bench` this is a test run.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let folder = std::env::var_os("NPRT_STATSD_PEERS").map(PathBuf::from);
    let a_second = std::env::var("NPRT_STATSD_RATE").map_or(8_000, |rate| rate.parse().unwrap());
    for (form, what) in [(Form::Plain, "names without tags"), (Form::Tagged, "DogStatsD's tags")] {
        println!("{what}: {a_second} datagrams of {LINES_A_PACKET} lines a second");
        let packets = packets(form);
        let mut own = measure(&mut ours(), &packets, a_second);
        if let Some(folder) = &folder {
            if matches!(form, Form::Plain) {
                let theirs = measure(&mut npm(folder), &packets, a_second);
                println!("{:>16}: {:.1} times cheaper than npm's statsd", "nprt", theirs / own);
                let theirs = measure(&mut collectd(folder), &packets, a_second);
                println!("{:>16}: {:.1} times cheaper than collectd", "nprt", theirs / own);
            }
            let theirs = measure(&mut exporter(folder), &packets, a_second);
            // Again, so that a machine that is busy with other things shows.
            own = f64::midpoint(own, measure(&mut ours(), &packets, a_second));
            println!("{:>16}: {:.1} times cheaper than statsd_exporter", "nprt", theirs / own);
        }
    }
}
