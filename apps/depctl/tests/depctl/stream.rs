//! A stream as it comes, and as it breaks: a server by hand, since the fake sends whole answers.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;
use std::sync::mpsc;
use std::thread;

use crate::support::{Bench, TOKEN, ran, run};

/// Takes one request, and leaves its connection to `serve`.
fn server(serve: impl FnOnce(TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        let (mut connection, _) = listener.accept().unwrap();
        let mut seen = Vec::new();
        while !String::from_utf8_lossy(&seen).contains("tag=x") {
            let mut bytes = [0; 4096];
            let count = connection.read(&mut bytes).unwrap();
            seen.extend(&bytes[..count]);
        }
        serve(connection);
    });
    url
}

const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";

fn chunk(event: &str) -> String {
    format!("{:x}\r\n{event}\r\n", event.len())
}

const STEP: &str = "event: progress\ndata: {\"event\": \"leased\", \"text\": \"holds the lease\"}\n\n";

/// A step is shown when it happens, and not when all is over.
#[tokio::test(flavor = "multi_thread")]
async fn steps_are_shown_as_they_happen() {
    let bench = Bench::new().await;
    let (shown, seen) = mpsc::channel::<()>();
    let url = server(move |mut connection| {
        write!(connection, "{HEAD}{}", chunk(STEP)).unwrap();
        // Only after depctl has shown the step.
        seen.recv().unwrap();
        let failed =
            "event: failed\ndata: {\"status\": 409, \"title\": \"t\", \"detail\": \"cancelled\"}\n\n";
        write!(connection, "{}0\r\n\r\n", chunk(failed)).unwrap();
    });
    let mut command = bench.bare(&["deploy", "shop", "-t", "x", "--url", &url]);
    command.env("DEPCTL_TOKEN", TOKEN).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    stderr.read_line(&mut line).unwrap();
    assert_eq!(line, "lease: holds the lease\n");
    shown.send(()).unwrap();
    let mut rest = String::new();
    stderr.read_to_string(&mut rest).unwrap();
    assert!(rest.starts_with("error: t (409): cancelled\n"), "{rest}");
    ran(child.wait_with_output().unwrap()).is(1);
}

/// Whoever loses the server must not take the deploy for failed, or for done.
#[tokio::test(flavor = "multi_thread")]
async fn a_broken_stream_is_no_failure_of_the_deploy() {
    let bench = Bench::new().await;
    let cut = |mut connection: TcpStream| write!(connection, "{HEAD}{}", chunk(STEP)).unwrap();
    let silent = |connection: TcpStream| drop(connection);
    let slow = |connection: TcpStream| {
        // Until depctl has given up.
        let _ = (&connection).read(&mut [0; 1]);
    };
    for url in [server(cut), server(silent), server(slow)] {
        let mut command = bench.bare(&["deploy", "shop", "-t", "x", "--timeout", "1", "--url", &url]);
        let ran = run(command.env("DEPCTL_TOKEN", TOKEN)).is(5);
        assert!(ran.err.ends_with("\n  the operation may go on: see `depctl status`\n"), "{}", ran.err);
    }
    // It never got there.
    let ran = run(&mut bench.bare(&["deploy", "shop", "-t", "x", "--url", "http://127.0.0.1:9"])).is(5);
    assert!(!ran.err.contains("may go on"), "{}", ran.err);
}
