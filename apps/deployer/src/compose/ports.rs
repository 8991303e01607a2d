//! The parts of one service, from what its configuration says.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use nprt::bugsnag::BugsnagBuilder;
use nprt::git::GitBuilder;
use nprt::kubernetes::KubernetesCluster;
use nprt::layout::LayoutRegistry;
use nprt::model::{MetricName, ServiceName};
use nprt::oci::OciRegistry;
use nprt::pipeline::Ports;
use nprt::ports::{Cluster, ImageRegistry, MetricsBackend, Notifier, VcsSource};
use nprt::slack::SlackBuilder;
use nprt::svn::SvnBuilder;
use nprt::webhook::WebhookBuilder;
use nprt::wrap::{Backoff, ByMetric, KeptMinutes, Retry, Timeout};
use nprt::{Error, FanOut, Result};

use super::Parts;
use crate::config::{ErrorTracker, Metrics, Notify, Place, Problems, Registry, ServiceConfig, Vcs};

/// How long one who is to be told may keep an operation from its end, tries again included.
const TOLD_WITHIN: Duration = Duration::from_secs(10);

/// The ports, or `None` where something is wrong, which is told to `problems`. Nothing is sent anywhere.
pub(crate) async fn ports(
    config: &ServiceConfig,
    cache: Option<&Path>,
    parts: &Parts,
    problems: &mut Problems,
) -> Option<Ports> {
    let at = |field: &str| format!("{}.{field}", config.path);
    let vcs = kept(vcs(&config.vcs, cache), at("vcs"), problems);
    let registry = kept(registry(&config.registry, parts), at("registry"), problems);
    let metrics = kept(metrics(&config.metrics, parts), at("metrics"), problems);
    let metrics = match &config.errors {
        None => metrics,
        Some(tracker) => {
            let tracker = kept(tracked(tracker, &config.service.name, parts), at("metrics.errors"), problems);
            metrics.zip(tracker).and_then(|(metrics, tracker)| {
                let errors = kept(MetricName::new(MetricName::ERRORS), at("metrics.errors"), problems)?;
                let both: Arc<dyn MetricsBackend> = Arc::new(ByMetric::new(metrics).with(errors, tracker));
                Some(both)
            })
        }
    };
    let cluster = kept(cluster(&config.cluster, parts).await, at("cluster"), problems);
    let mut all = FanOut::new();
    for (number, notify) in config.notifiers.iter().enumerate() {
        if let Some(notifier) = kept(notifier(notify, parts), at(&format!("notifiers[{number}]")), problems) {
            // Each by itself, so that none takes the time of another.
            let patient = Retry::new(notifier, Backoff::default(), parts.clock());
            let bounded = Timeout::new(patient, TOLD_WITHIN, parts.clock());
            all = all.with(format!("notifiers[{number}]"), Arc::new(bounded));
        }
    }
    Some(Ports {
        vcs: vcs?,
        registry: registry?,
        metrics: metrics?,
        cluster: cluster?,
        notifier: Arc::new(all),
    })
}

fn kept<T>(built: Result<T>, path: String, problems: &mut Problems) -> Option<T> {
    built.map_err(|error| problems.add_error(path, &error)).ok()
}

fn vcs(config: &Vcs, cache: Option<&Path>) -> Result<Arc<dyn VcsSource>> {
    Ok(match config {
        Vcs::Git(config) => {
            let own = config.cache.clone();
            let mut builder = GitBuilder::from(config.clone());
            if let (None, Some(cache)) = (own, cache) {
                builder = builder.cache(cache);
            }
            Arc::new(builder.build()?)
        }
        Vcs::Svn(config) => Arc::new(SvnBuilder::from(config.clone()).build()?),
    })
}

fn registry(config: &Registry, parts: &Parts) -> Result<Arc<dyn ImageRegistry>> {
    Ok(match config {
        Registry::Oci(config) => Arc::new(OciRegistry::builder(config.clone()).clock(parts.clock()).build()?),
        Registry::Layout(config) => Arc::new(LayoutRegistry::new(config.clone())?),
    })
}

fn metrics(config: &Metrics, parts: &Parts) -> Result<Arc<dyn MetricsBackend>> {
    Ok(match config {
        // Every view of a page asks for all minutes of a canary.
        Metrics::Prometheus(config) => {
            Arc::new(KeptMinutes::new(config.clone().build(parts.clock())?, parts.clock()))
        }
        Metrics::Datadog(config) => {
            Arc::new(KeptMinutes::new(config.clone().build(parts.clock())?, parts.clock()))
        }
        Metrics::Statsd(config) => parts.statsd(config)?,
        Metrics::Aggregator(config) => Arc::new(config.clone().build()?),
    })
}

/// The error tracker of `service`.
fn tracked(config: &ErrorTracker, service: &ServiceName, parts: &Parts) -> Result<Arc<dyn MetricsBackend>> {
    Ok(match config {
        ErrorTracker::Sentry(config) => Arc::new(config.clone().build(parts.clock())?),
        ErrorTracker::Bugsnag(config) => {
            if !config.projects.contains_key(service) {
                let error = Error::invalid("bugsnag.config", "the service has no project");
                return Err(error.with("field", "projects").with_available(config.projects.keys()));
            }
            Arc::new(config.clone().build(parts.clock())?)
        }
    })
}

async fn cluster(config: &Place, parts: &Parts) -> Result<Arc<dyn Cluster>> {
    Ok(match config {
        Place::Memory(place) => Arc::new(parts.memory(&place.namespace)),
        // Where a file is checked, such as in CI, its clusters need not be known.
        Place::Kubernetes(_) if parts.is_trial() => Arc::new(parts.memory("default")),
        Place::Kubernetes(config) => {
            Arc::new(KubernetesCluster::builder(config.clone()).clock(parts.clock()).build().await?)
        }
    })
}

fn notifier(config: &Notify, parts: &Parts) -> Result<Arc<dyn Notifier>> {
    Ok(match config {
        Notify::Slack(config) => Arc::new(SlackBuilder::from(config.clone()).build()?),
        Notify::Bugsnag(config) => {
            Arc::new(BugsnagBuilder::from(config.clone()).clock(parts.clock()).build()?)
        }
        Notify::Webhook(config) => {
            Arc::new(WebhookBuilder::from(config.clone()).clock(parts.clock()).build()?)
        }
    })
}
