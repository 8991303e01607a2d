//! Answers of servers: a real backend asks one on loopback, whose answer is the input. Input that begins with `HTTP/` is
//! the whole answer; any other is the body of a JSON one.

use std::sync::{Arc, Mutex};

use nprt::clock::SystemClock;
use nprt::datadog::{Datadog, DatadogConfig};
use nprt::model::{MetricName, Secret, TimeRange};
use nprt::oci::{OciConfig, OciRegistry, RegistryConfig};
use nprt::ports::{
    ImageRegistry as _, MetricQuery, MetricsBackend, Notification, Notifier as _, Occasion, Severity,
    Versions,
};
use nprt::prometheus::{Prometheus, PrometheusConfig, Recording, recorded};
use nprt::slack::Slack;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};

/// A client, and a server that answers all its requests with the same bytes, on one thread.
struct Exchange<C> {
    runtime: Runtime,
    answer: Arc<Mutex<Vec<u8>>>,
    client: C,
}

impl<C> Exchange<C> {
    /// `client` gets the server's address.
    fn new(client: impl FnOnce(&str) -> C) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let answer = Arc::<Mutex<Vec<u8>>>::default();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let served = Arc::clone(&answer);
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let answer = served.lock().unwrap().clone();
                tokio::spawn(serve(stream, answer));
            }
        });
        Self { runtime, answer, client: client(&address) }
    }

    fn ask(&self, data: &[u8], request: impl AsyncFnOnce(&C)) {
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            data.len()
        );
        let head = if data.starts_with(b"HTTP/") { "" } else { &head };
        *self.answer.lock().unwrap() = [head.as_bytes(), data].concat();
        self.runtime.block_on(request(&self.client));
    }
}

/// Reads what was asked, answers, and closes.
async fn serve(mut stream: TcpStream, answer: Vec<u8>) {
    let mut asked = vec![0; 16 << 10];
    let _ = stream.read(&mut asked).await;
    let _ = stream.write_all(&answer).await;
    let _ = stream.shutdown().await;
}

fn queries() -> Vec<MetricQuery> {
    let range =
        TimeRange::new("2026-11-23T12:00:00Z".parse().unwrap(), "2026-11-23T12:10:00Z".parse().unwrap());
    let names = [MetricName::LATENCY, MetricName::REQUESTS, MetricName::ERRORS, MetricName::CPU];
    let query = |name| MetricQuery {
        service: "shop".parse().unwrap(),
        metric: MetricName::new(name).unwrap(),
        range: range.clone().unwrap(),
        versions: Versions::default(),
    };
    names.map(query).into()
}

async fn ask_all(backend: &dyn MetricsBackend) {
    for query in queries() {
        let _ = backend.blocks(&query).await;
    }
    let _ = backend.known_since().await;
}

/// Answers of Prometheus.
pub fn prometheus(data: &[u8]) {
    thread_local! {
        static EXCHANGE: Exchange<Prometheus> = Exchange::new(|address| {
            PrometheusConfig::new(format!("http://{address}")).build(Arc::new(SystemClock)).unwrap()
        });
    }
    let _ = recorded(data, &Recording::default());
    EXCHANGE.with(|exchange| exchange.ask(data, async |prometheus| ask_all(prometheus).await));
}

/// Answers of Datadog.
pub fn datadog(data: &[u8]) {
    thread_local! {
        static EXCHANGE: Exchange<Datadog> = Exchange::new(|address| {
            let key = || Secret::new("0123456789abcdef".to_owned());
            let mut config = DatadogConfig::new(key(), key());
            config.url = Some(format!("http://{address}"));
            config.build(Arc::new(SystemClock)).unwrap()
        });
    }
    EXCHANGE.with(|exchange| exchange.ask(data, async |datadog| ask_all(datadog).await));
}

/// Answers of registries and of their token services.
pub fn registry(data: &[u8]) {
    thread_local! {
        static EXCHANGE: Exchange<(OciRegistry, String)> = Exchange::new(|address| {
            let mut config = OciConfig::default();
            config.docker_config.enabled = false;
            config.registries.insert(address.to_owned(), RegistryConfig::default());
            (OciRegistry::builder(config).build().unwrap(), address.to_owned())
        });
    }
    EXCHANGE.with(|exchange| {
        exchange.ask(data, async |(registry, address)| {
            let image = format!("{address}/shop/web").parse().unwrap();
            let _ = registry.tags(&image).await;
            let _ = registry.digest(&image, &"main-3f2a91c".parse().unwrap()).await;
        });
    });
}

/// Answers of Slack.
pub fn slack(data: &[u8]) {
    thread_local! {
        static EXCHANGE: Exchange<[Slack; 2]> = Exchange::new(|address| {
            let webhook = Slack::webhook(Secret::new(format!("http://{address}/services/T0/B0/x")));
            let bot = Slack::bot(Secret::new("xoxb-0123456789".to_owned()), "C0123456789");
            [webhook.build().unwrap(), bot.api_url(format!("http://{address}")).build().unwrap()]
        });
    }
    let at = "2026-11-23T12:00:00Z".parse().unwrap();
    let service = "shop".parse().unwrap();
    let news = Notification::new(at, service, Occasion::Deployed, Severity::Info, "deployed");
    EXCHANGE.with(|exchange| {
        exchange.ask(data, async |both| {
            for slack in both {
                let _ = slack.notify(&news).await;
            }
        });
    });
}
