//! What a configuration file may say, before it is checked as a whole. Nothing in it is required here, so that
//! everything that is missing can be named at once.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;

use nprt::aggregator::AggregatorConfig;
use nprt::bugsnag::BugsnagConfig;
use nprt::bugsnag_errors::BugsnagErrorsConfig;
use nprt::compare::Policy;
use nprt::datadog::DatadogConfig;
use nprt::git::GitConfig;
use nprt::kubernetes::KubernetesConfig;
use nprt::layout::LayoutConfig;
use nprt::manifest::Settings;
use nprt::model::{Branches, ImageName, RepoPath, Secret, ServiceName};
use nprt::oci::OciConfig;
use nprt::pipeline::{DriftPolicy, PipelineSettings};
use nprt::prometheus::PrometheusConfig;
use nprt::sentry::SentryConfig;
use nprt::slack::SlackConfig;
use nprt::statsd::StatsdConfig;
use nprt::svn::SvnConfig;
use nprt::webhook::WebhookConfig;
use serde::{Deserialize, Serialize};

use super::aggregator::AggregatorFile;
use super::token::Action;

/// The file.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct File {
    pub(crate) listen: Option<SocketAddr>,
    pub(crate) health_listen: Option<SocketAddr>,
    pub(crate) url: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) cache: Option<PathBuf>,
    pub(crate) limits: Limits,
    pub(crate) pipeline: PipelineSettings,
    pub(crate) autopilot: AutopilotSettings,
    pub(crate) tokens: Vec<TokenFile>,
    pub(crate) services: Vec<ServiceFile>,
    /// Of `deployer statsd`; only checked here.
    pub(crate) aggregator: Option<AggregatorFile>,
}

/// What bounds a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Limits {
    /// Bytes of a request's body.
    pub(crate) body_bytes: usize,
    /// Bytes of a request's line and headers.
    pub(crate) header_bytes: usize,
    /// Seconds until the headers, and then the body, must be there.
    pub(crate) receive_seconds: u64,
    /// Seconds that a connection may be open without a request.
    pub(crate) idle_seconds: u64,
    /// Seconds that a client may read nothing of its answer.
    pub(crate) send_seconds: u64,
    /// Seconds that a request that only reads may take.
    pub(crate) read_seconds: u64,
    /// Connections at once.
    pub(crate) connections: usize,
    /// Of those, the connections of one peer; a quarter unless told.
    pub(crate) connections_per_peer: Option<usize>,
    /// Tokens that are not known, of one peer.
    pub(crate) wrong_tokens_per_minute: u32,
    /// Seconds that operations under way have at the end of the process.
    pub(crate) shutdown_seconds: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 1 << 16,
            header_bytes: 1 << 14,
            receive_seconds: 10,
            idle_seconds: 90,
            send_seconds: 30,
            read_seconds: 30,
            connections: 4096,
            connections_per_peer: None,
            wrong_tokens_per_minute: 60,
            shutdown_seconds: 25,
        }
    }
}

impl Limits {
    /// The same with so many connections.
    pub(crate) fn with_connections(self, connections: usize) -> Self {
        Self { connections, ..self }
    }

    /// The connections that one peer may have.
    pub(crate) fn connections_per_peer(&self) -> usize {
        self.connections_per_peer.unwrap_or(self.connections / 4).clamp(1, self.connections)
    }
}

/// How canaries are looked after.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct AutopilotSettings {
    pub(crate) enabled: bool,
    pub(crate) interval_seconds: u64,
}

impl Default for AutopilotSettings {
    fn default() -> Self {
        Self { enabled: true, interval_seconds: 60 }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct TokenFile {
    pub(crate) name: Option<String>,
    pub(crate) sha256: Option<String>,
    pub(crate) secret: Option<Secret>,
    pub(crate) services: Option<BTreeSet<ServiceName>>,
    pub(crate) actions: Option<BTreeSet<Action>>,
    pub(crate) deployable_branches: Branches,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ServiceFile {
    pub(crate) name: Option<ServiceName>,
    pub(crate) vcs: Option<Vcs>,
    pub(crate) manifests: Option<RepoPath>,
    pub(crate) registry: Option<Registry>,
    pub(crate) images: BTreeSet<ImageName>,
    pub(crate) metrics: Option<MetricsFile>,
    pub(crate) policy: Option<Policy>,
    pub(crate) notifiers: Vec<Notify>,
    pub(crate) cluster: Option<Place>,
    pub(crate) deployable_branches: Branches,
    pub(crate) autopilot: ServiceAutopilot,
    pub(crate) prune: bool,
    pub(crate) allow_kinds: BTreeSet<String>,
    pub(crate) take_over: BTreeSet<ServiceName>,
    pub(crate) drift: DriftPolicy,
    pub(crate) transform: Settings,
}

/// Where the manifests are.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Vcs {
    Git(GitConfig),
    Svn(SvnConfig),
}

/// Where the images are.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Registry {
    Oci(OciConfig),
    Layout(LayoutConfig),
}

/// Where the measurements are: one of four servers, and perhaps an error tracker beside it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MetricsFile {
    prometheus: Option<PrometheusConfig>,
    datadog: Option<DatadogConfig>,
    statsd: Option<StatsdConfig>,
    aggregator: Option<AggregatorConfig>,
    pub(crate) errors: Option<ErrorTracker>,
}

impl MetricsFile {
    /// The servers that are named; there must be one.
    pub(crate) fn servers(self) -> Vec<Metrics> {
        let Self { prometheus, datadog, statsd, aggregator, errors: _ } = self;
        let servers = [
            prometheus.map(Metrics::Prometheus),
            datadog.map(Metrics::Datadog),
            statsd.map(Metrics::Statsd),
            aggregator.map(Metrics::Aggregator),
        ];
        servers.into_iter().flatten().collect()
    }
}

/// Where the measurements are.
#[derive(Debug, Clone)]
pub(crate) enum Metrics {
    Prometheus(PrometheusConfig),
    Datadog(DatadogConfig),
    /// A server of this process.
    Statsd(StatsdConfig),
    /// One in a process of its own.
    Aggregator(AggregatorConfig),
}

/// Where the classes of errors are: instead of those of the server.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ErrorTracker {
    Sentry(SentryConfig),
    Bugsnag(BugsnagErrorsConfig),
}

/// Who is told.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Notify {
    Slack(SlackConfig),
    Bugsnag(BugsnagConfig),
    Webhook(WebhookConfig),
}

/// Where a service runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Place {
    Kubernetes(KubernetesConfig),
    Memory(MemoryPlace),
}

/// A cluster of this process, for trying things out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct MemoryPlace {
    pub(crate) namespace: String,
}

impl Default for MemoryPlace {
    fn default() -> Self {
        Self { namespace: "default".to_owned() }
    }
}

/// What the autopilot may do to a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ServiceAutopilot {
    /// Whether canaries are judged, promoted and rolled back without a person.
    pub(crate) enabled: bool,
    pub(crate) at_deadline: AtDeadline,
}

impl Default for ServiceAutopilot {
    fn default() -> Self {
        Self { enabled: true, at_deadline: AtDeadline::RollBack }
    }
}

/// What becomes of a canary of which nothing is known at the policy's deadline. It is never promoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AtDeadline {
    /// It goes.
    RollBack,
    /// It stays, for a person to decide, until its time is over.
    Keep,
}
