//! What `deployer statsd` serves: one section of the same file, or of one of its own.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use nprt::clock::SystemClock;
use nprt::model::{Secret, ServiceName};
use nprt::statsd::{Aggregator, StatsdConfig};
use serde::Deserialize;
use serde_json::Value;

use super::check::{SHORTEST_SECRET, check_limits};
use super::token::hash_of;
use super::{Config, Environment, Limits, Problems, decode, references};

const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8126);

/// The section `aggregator`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct AggregatorFile {
    pub(crate) listen: Option<SocketAddr>,
    pub(crate) health_listen: Option<SocketAddr>,
    pub(crate) token: Option<Secret>,
    pub(crate) statsd: StatsdConfig,
}

/// What it says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct AggregatorConfig {
    /// Where replicas ask.
    pub(crate) listen: SocketAddr,
    /// Where probes of health are answered, and nothing else.
    pub(crate) health_listen: Option<SocketAddr>,
    /// The hash of the token that they have.
    pub(crate) token: Option<[u8; 32]>,
    pub(crate) statsd: StatsdConfig,
    pub(crate) limits: Limits,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct File {
    limits: Limits,
    aggregator: Option<AggregatorFile>,
}

/// The services of the same file, if it has any: what is wrong with them is for `serve` to say.
fn names(file: &Value) -> BTreeSet<ServiceName> {
    let services = file.get("services").and_then(Value::as_array).into_iter().flatten();
    let names = services.filter_map(|service| service.get("name")?.as_str());
    names.filter_map(|name| ServiceName::new(name).ok()).collect()
}

impl AggregatorConfig {
    /// Reads its sections alone: a process that only aggregates has none of the other secrets.
    ///
    /// # Errors
    /// All that is wrong with them.
    pub(crate) fn load(path: &Path, environment: &Environment) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        let config = Config::text(path, &mut problems)
            .and_then(|text| Config::value(&text, &mut problems))
            .and_then(|value| Self::read(value, environment, &mut problems));
        match config {
            Some(config) => problems.or(config),
            None => Err(problems),
        }
    }

    /// Tells `problems` where anybody could ask, and nobody said by `--insecure` that this is meant.
    pub(crate) fn need_token(&self, is_insecure: bool, problems: &mut Problems) {
        if self.token.is_none() && !is_insecure {
            problems.add("aggregator.token", "missing; without one, --insecure lets everybody ask");
        }
    }

    fn read(mut value: Value, environment: &Environment, problems: &mut Problems) -> Option<Self> {
        let named = names(&value);
        if let Some(sections) = value.as_object_mut() {
            sections.retain(|name, _| name == "aggregator" || name == "limits");
        }
        references::resolve(&mut value, environment, problems);
        let File { limits, aggregator } = decode::decode(value, problems)?;
        check_limits(&limits, problems);
        let Some(file) = aggregator else {
            problems.add("aggregator", "missing");
            return None;
        };
        let mut config = Self::check(file, limits, problems);
        config.statsd.services.extend(named);
        Some(config)
    }

    pub(super) fn check(file: AggregatorFile, limits: Limits, problems: &mut Problems) -> Self {
        let AggregatorFile { listen, health_listen, token, statsd } = file;
        if token.as_ref().is_some_and(|token| token.expose().len() < SHORTEST_SECRET) {
            problems.add("aggregator.token", format!("expected at least {SHORTEST_SECRET} characters"));
        }
        if let Err(error) = Aggregator::new(&statsd, Arc::new(SystemClock)) {
            problems.add_error("aggregator.statsd", &error);
        }
        let token = token.map(|token| hash_of(token.expose()));
        Self { listen: listen.unwrap_or(LISTEN), health_listen, token, statsd, limits }
    }
}
