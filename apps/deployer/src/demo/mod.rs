//! `deployer demo`: everything in one process, with traffic that goes on, on a machine without cluster and network.

mod pods;
mod talk;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use nprt::clock::FastClock;
use nprt::model::{Secret, ServiceName, VersionRef};
use nprt::pipeline::{Caller, Progress, Request};
use nprt::statsd::StatsdConfig;
use nprt_shop::{Behaviour, Pods, Sources};
use serde_json::json;

use crate::app::App;
use crate::compose::{Composed, Parts, Told};
use crate::config::{Config, Environment};
use crate::http::Server;
use crate::{autopilot, shutdown};

/// How many times as fast as the world's the clock of all parts runs.
const FASTER: u32 = 60;
/// What each version of the shop is, oldest first, and how it behaves.
const VERSIONS: [(&str, Behaviour); 4] = [
    ("Open the shop", Behaviour::Fine),
    ("Tidy up the cart", Behaviour::Fine),
    ("Recommend by a slower model", Behaviour::SlowTail),
    ("Drop a default price", Behaviour::NewError),
];

/// What a person may say of it.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Where to listen.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Use this real cluster instead of one in memory.
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<std::path::PathBuf>,
    /// The namespace in it, which must exist; by default the context's.
    #[arg(long, requires = "kubeconfig")]
    namespace: Option<String>,
    /// Begin without the autopilot: a person judges.
    #[arg(long)]
    no_autopilot: bool,
}

/// Runs it until the process is asked to end.
pub(crate) async fn run(options: Options) -> Result<String, String> {
    let folder = tempfile::TempDir::with_prefix("deployer-demo-").map_err(|error| error.to_string())?;
    let clock = FastClock::new(FASTER);
    let messages = VERSIONS.map(|(message, _)| message);
    let sources = Sources::make(folder.path(), &messages).map_err(|error| error.to_string())?;
    let token = secret()?;
    let config = configure(folder.path(), &sources, &options, &token)?;
    let parts = Parts::new(Arc::new(clock), config.limits);
    let composed = Composed::new(config, &parts).await.map_err(|problems| problems.to_string())?;
    let app = App::new(composed, parts.clone(), false);
    let server = Server::bind(options.listen, app.clone()).await?;
    let address = server.address()?;

    let shop = ServiceName::new("boutique").map_err(|error| error.to_string())?;
    let first = sources.versions.first().ok_or("expected a version")?;
    let caller = Caller::new("demo", "the first version").map_err(|error| error.to_string())?;
    let request = Request::new(VersionRef::from(first.tag.clone()), caller);
    let composed = app.current();
    let deployed = composed.pipeline(Told::Decisions).deploy(&shop, &request, &Progress::silent()).await;
    deployed.map_err(|error| error.to_string())?;
    let statsd = parts.statsd_addresses().into_iter().next().ok_or("expected a statsd server")?;
    let behaviours = sources.versions.iter().zip(VERSIONS);
    let behaviours = behaviours.map(|(version, (_, behaviour))| (version.tag.clone(), behaviour)).collect();
    let pods = Pods::new(shop.clone(), statsd, clock).map_err(|error| error.to_string())?;
    tokio::spawn(pods::follow(app.clone(), shop, pods, clock, behaviours));
    talk::hello(&options, address, token.expose(), &sources, FASTER);
    tokio::spawn(autopilot::fly(app.clone()));
    server.serve(shutdown::after(shutdown::asked(), &app)).await;
    drop(folder);
    Ok(String::new())
}

/// The configuration, as a file would have it.
fn configure(folder: &Path, sources: &Sources, options: &Options, token: &Secret) -> Result<Config, String> {
    let cluster = match &options.kubeconfig {
        None => json!({"memory": {}}),
        Some(path) => json!({"kubernetes": {"kubeconfig": path, "namespace": options.namespace}}),
    };
    let listen: SocketAddr = SocketAddr::from(([127, 0, 0, 1], 0));
    let file = json!({
        "name": "demo",
        "listen": options.listen,
        // By the fast clock half a minute is half a second, which a busy machine may miss.
        "pipeline": {"lease_seconds": 1800, "rollout_seconds": 7200},
        "limits": {"shutdown_seconds": 2},
        "autopilot": {"enabled": !options.no_autopilot},
        "tokens": [{"name": "you", "secret": token.expose()}],
        "services": [{
            "name": "boutique",
            "vcs": {"git": {"url": sources.repository}},
            "registry": {"layout": {"root": sources.images}},
            "metrics": {"statsd": StatsdConfig { listen, ..StatsdConfig::default() }},
            // A short soak: a demonstration has a lot of traffic and little time.
            "policy": {"preset": "default", "warm_up_minutes": 2, "soak_minutes": 5},
            "cluster": cluster,
        }],
    });
    let path = folder.join("deployer.yml");
    // JSON is YAML.
    std::fs::write(&path, file.to_string()).map_err(|error| error.to_string())?;
    Config::load(&path, &Environment::Process).map_err(|problems| problems.to_string())
}

/// A token that nobody can guess.
fn secret() -> Result<Secret, String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| error.to_string())?;
    Ok(Secret::new(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()))
}
