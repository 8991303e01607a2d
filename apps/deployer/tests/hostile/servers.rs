//! Servers that answer with more than anybody asked for, or never stop.

use std::io::{Read as _, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::support::MANIFEST;
use crate::world::{World, put, watch};
use nprt_testkit::reliability::{Row, times};

/// How long each answer is given, and with `NPRT_LONG=1`.
const LASTS: [Duration; 2] = [Duration::from_secs(3), Duration::from_secs(10)];

/// Writes an answer to whoever asked; an error is that nobody listens any more.
type Answer = fn(&mut dyn Write) -> std::io::Result<()>;

/// A server that answers every request in the same way, until it is told another.
struct Hostile {
    address: SocketAddr,
    answer: Arc<Mutex<Answer>>,
}

impl Hostile {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let answer = Arc::new(Mutex::new(empty as Answer));
        let current = Arc::clone(&answer);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let answer = *current.lock().unwrap();
                thread::spawn(move || give(stream, answer));
            }
        });
        Self { address, answer }
    }

    fn answers(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }
}

fn give(mut stream: TcpStream, answer: Answer) {
    let _ = stream.read(&mut [0; 16 << 10]);
    // The other side may have seen enough.
    let _ = answer(&mut stream);
}

fn head(to: &mut dyn Write, more: &str) -> std::io::Result<()> {
    write!(to, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n{more}\r\n")
}

fn empty(to: &mut dyn Write) -> std::io::Result<()> {
    head(to, "")?;
    write!(to, r#"{{"status":"success","data":{{"resultType":"matrix","result":[]}}}}"#)
}

fn points(to: &mut dyn Write) -> std::io::Result<()> {
    head(to, "")?;
    write!(
        to,
        r#"{{"status":"success","data":{{"resultType":"matrix","result":[{{"metric":{{"track":"canary"}},"values":["#
    )?;
    let some = r#"[1790000000,"0.123456789012"],"#.repeat(1_000);
    for _ in 0..2_000 {
        to.write_all(some.as_bytes())?;
    }
    write!(to, r#"[1790000000,"1"]]}}]}}}}"#)
}

fn series(to: &mut dyn Write) -> std::io::Result<()> {
    head(to, "")?;
    write!(to, r#"{{"status":"success","data":{{"resultType":"matrix","result":["#)?;
    for n in 0..500_000 {
        write!(to, r#"{{"metric":{{"track":"canary","pod":"p-{n}"}},"values":[[1790000000,"1"]]}},"#)?;
    }
    write!(to, r#"{{"metric":{{}},"values":[]}}]}}}}"#)
}

fn brackets(to: &mut dyn Write) -> std::io::Result<()> {
    head(to, "")?;
    to.write_all(&vec![b'['; 50_000_000])
}

fn text(to: &mut dyn Write) -> std::io::Result<()> {
    head(to, "")?;
    write!(to, r#"{{"status":""#)?;
    to.write_all(&vec![b'x'; 80_000_000])
}

fn endless(to: &mut dyn Write) -> std::io::Result<()> {
    head(to, "")?;
    loop {
        to.write_all(&[b' '; 64 << 10])?;
    }
}

fn drip(to: &mut dyn Write) -> std::io::Result<()> {
    head(to, "")?;
    loop {
        to.write_all(b" ")?;
        thread::sleep(Duration::from_millis(100));
    }
}

fn endless_head(to: &mut dyn Write) -> std::io::Result<()> {
    write!(to, "HTTP/1.1 200 OK\r\n")?;
    loop {
        write!(to, "X: {}\r\n", "x".repeat(8_000))?;
    }
}

fn to_itself(to: &mut dyn Write) -> std::io::Result<()> {
    write!(to, "HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
}

fn next_page(to: &mut dyn Write) -> std::io::Result<()> {
    let tags: Vec<String> = (0..1_000).map(|n| format!("main-{n:012x}")).collect();
    let body = json!({"name": "web", "tags": tags}).to_string();
    head(
        to,
        &format!("Link: </v2/web/tags/list?last=x>; rel=\"next\"\r\nContent-Length: {}\r\n", body.len()),
    )?;
    to.write_all(body.as_bytes())
}

const ANSWERS: &[(&str, Answer, &str)] = &[
    ("2 million points in one answer", points, "980 MB"),
    ("500,000 series in one answer", series, Row::NOT_MEASURED),
    ("50 million open brackets", brackets, Row::NOT_MEASURED),
    ("a text of 80 MB", text, Row::NOT_MEASURED),
    ("an answer without end", endless, Row::NOT_MEASURED),
    ("a byte each tenth of a second", drip, Row::NOT_MEASURED),
    ("a head without end", endless_head, Row::NOT_MEASURED),
    ("a redirect to itself", to_itself, Row::NOT_MEASURED),
    ("a next page without end", next_page, Row::NOT_MEASURED),
];

/// A metrics server that answers so never makes a canary pass.
#[tokio::test(flavor = "multi_thread")]
async fn a_metrics_server_can_answer_anything() {
    let (world, hostile) = (World::new().await, Hostile::start());
    let next = world.manifests("next", Vec::new());
    let prometheus = json!({"metrics": {"prometheus": {"url": format!("http://{}", hostile.address)}}});
    let more = json!({"autopilot": {"interval_seconds": 1}});
    let server = world.serve_with([&next], more, prometheus).await;
    let canary = put(&server, &format!("/evil/canary?tag={next}")).await;
    assert_eq!(canary.status, 200, "{canary:?}");
    for (name, answer, before) in ANSWERS {
        hostile.answers(*answer);
        let watch = watch(&server);
        tokio::time::sleep(times(LASTS[0], LASTS[1])).await;
        world.still_serves(&server).await;
        let noticed = watch.stop();
        noticed.is_harmless(name);
        let (_, status) = server.get("/evil/status").await;
        assert!(status["canary"].is_object(), "{name}: it was not decided: {status}");
        Row { section: "Metrics servers", name, before, now: noticed.to_string() }.keep().unwrap();
    }
}

/// Nor does a registry ever have an image, then.
#[tokio::test(flavor = "multi_thread")]
async fn a_registry_can_answer_anything() {
    let (world, hostile) = (World::new().await, Hostile::start());
    let image = format!("image: {}/web", hostile.address);
    let manifest = MANIFEST.replacen("image: registry.example.com/web", &image, 1);
    let version = world.of("other-registry", &manifest);
    let oci = json!({"registry": {"oci": {"docker_config": {"enabled": false}}}});
    let server = world.start([], json!({}), oci).await;
    for (name, answer, _) in ANSWERS {
        hostile.answers(*answer);
        let watch = watch(&server);
        let answer = put(&server, &format!("/evil/deploy?tag={version}")).await;
        let noticed = watch.stop();
        noticed.is_harmless(name);
        assert!(answer.status >= 400, "{name}: {answer:?}");
        let now = format!("{} in {:.1} s; {noticed}", answer.status, answer.took.as_secs_f64());
        let name: &'static str = String::leak(format!("registry: {name}"));
        Row { section: "Registries", name, before: Row::NOT_MEASURED, now }.keep().unwrap();
    }
    world.still_serves(&server).await;
}
