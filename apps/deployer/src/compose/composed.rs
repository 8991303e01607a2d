use std::collections::BTreeMap;
use std::sync::Arc;

use nprt::model::ServiceName;
use nprt::pipeline::{Pipeline, Ports};
use nprt::{Error, ErrorKind, Result};

use super::news::News;
use super::{Parts, ports};
use crate::config::{Config, Metrics, Problems, ServiceConfig};

/// A configuration at work. It is never changed: another one takes its place, and requests that began with this
/// one end with it.
#[derive(Debug)]
pub(crate) struct Composed {
    pub(crate) config: Config,
    pub(crate) members: BTreeMap<ServiceName, Member>,
    everything: Pipeline,
    failures: Pipeline,
    decisions: Pipeline,
}

/// A service and its parts.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) config: ServiceConfig,
    pub(crate) ports: Ports,
}

/// What the notifiers of a service get to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    /// That, failures, and what went as it was asked for.
    Everything,
    /// Promotions, rollbacks and failures.
    Failures,
    /// Promotions and rollbacks.
    Decisions,
}

impl Composed {
    /// Puts together what `config` says.
    ///
    /// # Errors
    /// All that cannot be built, by field.
    pub(crate) async fn new(config: Config, parts: &Parts) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        match Self::build(config, parts, &mut problems).await {
            Some(composed) => problems.or(composed),
            None => Err(problems),
        }
    }

    /// The same, telling `problems` what cannot be built.
    pub(crate) async fn build(config: Config, parts: &Parts, problems: &mut Problems) -> Option<Self> {
        let mut members = BTreeMap::new();
        for service in &config.services {
            if let Err(error) = service.service.policy.validate() {
                problems.add_error(format!("{}.policy", service.path), &error);
            }
            if let Some(ports) = ports::ports(service, config.cache.as_deref(), parts, problems).await {
                members.insert(service.service.name.clone(), Member { config: service.clone(), ports });
            }
        }
        let mut pipeline = |told| pipeline(&config, &members, parts, told, problems);
        let everything = pipeline(Told::Everything);
        let (failures, decisions) = (pipeline(Told::Failures), pipeline(Told::Decisions));
        Some(Self { everything: everything?, failures: failures?, decisions: decisions?, config, members })
    }

    /// Gives its services, and no others, room on the statsd servers of this process.
    pub(crate) fn give_room(&self, parts: &Parts) {
        let here = self.members.iter().filter_map(|(name, member)| match &member.config.metrics {
            Metrics::Statsd(config) => Some((name, config)),
            _ => None,
        });
        parts.serve_statsd(&here.collect::<Vec<_>>());
    }

    /// The pipeline whose notifiers get to know so much.
    pub(crate) fn pipeline(&self, told: Told) -> &Pipeline {
        match told {
            Told::Everything => &self.everything,
            Told::Failures => &self.failures,
            Told::Decisions => &self.decisions,
        }
    }

    /// The service of that name.
    ///
    /// # Errors
    /// `NotFound`, with those that are there.
    pub(crate) fn member(&self, name: &ServiceName) -> Result<&Member> {
        self.members.get(name).ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "deployer.service", "no such service")
                .with("service", name)
                .with_available(self.members.keys())
        })
    }
}

/// A pipeline over all services, whose notifiers get to know so much.
fn pipeline(
    config: &Config,
    members: &BTreeMap<ServiceName, Member>,
    parts: &Parts,
    told: Told,
    problems: &mut Problems,
) -> Option<Pipeline> {
    let new = || {
        let pipeline = Pipeline::new(&config.name, parts.clock(), config.pipeline)?;
        Ok::<_, Error>(pipeline.with_stop(parts.stop().clone()))
    };
    if let Err(error) = new() {
        problems.add_error("pipeline", &error);
        return None;
    }
    let mut all = new().ok()?;
    for member in members.values() {
        let inner = Arc::clone(&member.ports.notifier);
        let news = News { inner, told, url: config.url.clone() };
        let ports = Ports { notifier: Arc::new(news), ..member.ports.clone() };
        let service = &member.config.service;
        // A pipeline that refuses a service is gone: each is tried alone before.
        let alone = new().and_then(|alone| alone.with_service(service.clone(), ports.clone()));
        if let Err(error) = alone {
            problems.add_error(&member.config.path, &error);
            continue;
        }
        all = all.with_service(service.clone(), ports).ok()?;
    }
    Some(all)
}
