//! The configuration: one YAML file, checked as a whole, and secrets from the environment and from files.

mod aggregator;
mod check;
mod decode;
mod environment;
mod file;
mod fingerprint;
mod problems;
mod quoted;
mod references;
pub(crate) mod token;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use nprt::pipeline::{PipelineSettings, Service};
use serde_json::Value;

pub(crate) use aggregator::AggregatorConfig;
pub(crate) use environment::Environment;
pub(crate) use file::{
    AtDeadline, AutopilotSettings, ErrorTracker, Limits, Metrics, Notify, Place, Registry, ServiceAutopilot,
    Vcs,
};
pub(crate) use fingerprint::Fingerprint;
pub(crate) use problems::Problems;
pub(crate) use token::{Action, Token};

/// The JSON schema (draft 2020-12) of the file.
pub(crate) const SCHEMA: &str = include_str!("config.schema.json");

/// Where it listens, unless told.
pub(crate) const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

/// What holds.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub(crate) listen: SocketAddr,
    /// Where it answers probes of health, beside that.
    pub(crate) health_listen: Option<SocketAddr>,
    /// Where people reach it, without a `/` at the end; links in news begin with it.
    pub(crate) url: Option<String>,
    /// Which process this is, to whoever finds a lease of it.
    pub(crate) name: String,
    pub(crate) cache: Option<PathBuf>,
    pub(crate) limits: Limits,
    pub(crate) pipeline: PipelineSettings,
    pub(crate) autopilot: AutopilotSettings,
    pub(crate) tokens: Vec<Token>,
    pub(crate) services: Vec<ServiceConfig>,
    /// Of `deployer statsd`; only checked here.
    pub(crate) aggregator: Option<AggregatorConfig>,
}

/// A service, and where its parts are.
#[derive(Debug, Clone)]
pub(crate) struct ServiceConfig {
    /// Its place in the file, to name its fields by.
    pub(crate) path: String,
    pub(crate) service: Service,
    pub(crate) vcs: Vcs,
    pub(crate) registry: Registry,
    pub(crate) metrics: Metrics,
    /// Where the classes of errors are, if not there.
    pub(crate) errors: Option<ErrorTracker>,
    pub(crate) notifiers: Vec<Notify>,
    pub(crate) cluster: Place,
    pub(crate) autopilot: ServiceAutopilot,
}

impl Config {
    /// Reads the file.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub(crate) fn load(path: &Path, environment: &Environment) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        match Self::examine(path, environment, &mut problems) {
            Some(config) => problems.or(config),
            None => Err(problems),
        }
    }

    /// Reads the file as far as that is possible: with problems it is only fit to look for more of them.
    pub(crate) fn examine(path: &Path, environment: &Environment, problems: &mut Problems) -> Option<Self> {
        Self::read(&Self::text(path, problems)?, environment, problems)
    }

    /// The same for the text of a file.
    pub(crate) fn read(text: &str, environment: &Environment, problems: &mut Problems) -> Option<Self> {
        let mut value = Self::value(text, problems)?;
        references::resolve(&mut value, environment, problems);
        let file = decode::decode(value, problems)?;
        Some(check::check(file, environment, problems))
    }

    /// Tells `problems` where anybody could deploy, and nobody said by `--insecure` that this is meant.
    pub(crate) fn need_token(&self, is_insecure: bool, problems: &mut Problems) {
        if self.tokens.is_empty() && !is_insecure {
            problems.add("tokens", "without one anybody could deploy; --insecure allows it");
        }
    }

    /// The text of the file.
    fn text(path: &Path, problems: &mut Problems) -> Option<String> {
        match std::fs::read_to_string(path) {
            Ok(text) => Some(text),
            Err(error) => {
                problems.add("", format!("{}: cannot be read: {}", path.display(), error.kind()));
                None
            }
        }
    }

    /// What it holds, whatever that is.
    fn value(text: &str, problems: &mut Problems) -> Option<Value> {
        match serde_saphyr::from_str(text) {
            Ok(Value::Null) => Some(Value::Object(serde_json::Map::new())),
            Ok(value) => Some(value),
            Err(error) => {
                problems.add("", not_yaml(&error));
                None
            }
        }
    }
}

/// That the text is no YAML, and where. The parser's own message quotes the text, which may hold secrets.
fn not_yaml(error: &serde_saphyr::Error) -> String {
    let place = error.location().map(|at| format!(" at line {}, column {}", at.line(), at.column()));
    format!("the file is no YAML: it cannot be read{}", place.unwrap_or_default())
}
