use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args, ValueEnum, ValueHint};
use clap_complete::engine::ArgValueCompleter;
use nprt_core::model::MetricName;
use nprt_metrics::MetricUnit;
use nprt_metrics::prometheus::Profile;

use crate::complete::{services, tags};

#[derive(Debug, Args)]
pub(crate) struct ServiceArg {
    /// The service [else DEPCTL_SERVICE, or the name of the git checkout's directory].
    #[arg(value_name = "SERVICE", add = ArgValueCompleter::new(services))]
    pub(crate) service: Option<String>,
}

/// Which version.
#[derive(Debug, Args)]
pub(crate) struct VersionArgs {
    /// A commit, branch or tag of version control [default: HEAD, if it was pushed and no --tag is given].
    #[arg(long, short, value_name = "COMMIT")]
    pub(crate) commit: Option<String>,
    /// A tag of the images.
    #[arg(long, short, value_name = "TAG", add = ArgValueCompleter::new(tags))]
    pub(crate) tag: Option<String>,
}

/// What goes along with every change.
#[derive(Debug, Args)]
pub(crate) struct Asking {
    /// Why, kept on the workloads and told to whoever is notified.
    #[arg(long, short, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    /// Whether the server notifies others (Slack, Bugsnag) of failures, too.
    #[arg(long, value_name = "BOOL")]
    pub(crate) notify: Option<bool>,
    /// Changes in production without a question.
    #[arg(long, short)]
    pub(crate) yes: bool,
    /// How long to wait for the whole operation.
    #[arg(long, value_name = "SECONDS", default_value_t = 3600, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) timeout: u64,
}

/// How a deploy, a canary or a promotion is made.
#[derive(Debug, Args)]
pub(crate) struct How {
    #[command(flatten)]
    pub(crate) asking: Asking,
    /// How long to wait while another operation on the service goes on [default: not at all].
    #[arg(long, value_name = "SECONDS")]
    pub(crate) wait: Option<u64>,
    /// Shows what would change, as a diff, and changes nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ChangeArgs {
    #[command(flatten)]
    pub(crate) service: ServiceArg,
    #[command(flatten)]
    pub(crate) version: VersionArgs,
    #[command(flatten)]
    pub(crate) how: How,
}

#[derive(Debug, Args)]
pub(crate) struct CanaryArgs {
    #[command(flatten)]
    pub(crate) change: ChangeArgs,
    /// Goes on to watch it, as `depctl watch` does.
    #[arg(long, conflicts_with = "dry_run")]
    pub(crate) watch: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PromoteArgs {
    #[command(flatten)]
    pub(crate) service: ServiceArg,
    /// The commit that the canary must be of.
    #[arg(long, short, value_name = "COMMIT")]
    pub(crate) commit: Option<String>,
    /// The tag that the canary must be of.
    #[arg(long, short, value_name = "TAG", add = ArgValueCompleter::new(tags))]
    pub(crate) tag: Option<String>,
    #[command(flatten)]
    pub(crate) how: How,
}

#[derive(Debug, Args)]
pub(crate) struct RollbackArgs {
    #[command(flatten)]
    pub(crate) service: ServiceArg,
    #[command(flatten)]
    pub(crate) asking: Asking,
    /// Says what would be removed and cancelled, and changes nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Args)]
pub(crate) struct HoldArgs {
    #[command(flatten)]
    pub(crate) service: ServiceArg,
    #[command(flatten)]
    pub(crate) asking: Asking,
}

#[derive(Debug, Args)]
pub(crate) struct WatchArgs {
    #[command(flatten)]
    pub(crate) service: ServiceArg,
    /// Seconds between two looks.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) interval: u64,
    /// Ends as inconclusive after so long [default: watches until there is a verdict].
    #[arg(long, value_name = "SECONDS")]
    pub(crate) timeout: Option<u64>,
    /// Looks once.
    #[arg(long)]
    pub(crate) once: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    #[command(flatten)]
    pub(crate) service: ServiceArg,
    /// Saves it there and opens nothing; `-` is stdout.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) save: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ReplayArgs {
    /// The series; `-` is stdin.
    #[arg(required = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) files: Vec<PathBuf>,
    /// The form of the files [default: by the name and what is in it].
    #[arg(long, value_enum)]
    pub(crate) format: Option<SeriesFormat>,
    /// A policy as YAML.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["preset", "kayenta"], value_hint = ValueHint::FilePath)]
    pub(crate) policy: Option<PathBuf>,
    /// A ready policy: default, strict, low-traffic or method [default: default].
    #[arg(long, value_name = "NAME", conflicts_with = "kayenta")]
    pub(crate) preset: Option<String>,
    /// A canary config of Kayenta (JSON), by which metric-set pairs are judged.
    #[arg(long, value_name = "FILE", conflicts_with = "history", value_hint = ValueHint::FilePath)]
    pub(crate) kayenta: Option<PathBuf>,
    /// What stable did before, in any of the forms.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) history: Option<PathBuf>,
    /// Writes the report of the run there, as one HTML file.
    #[arg(long, value_name = "FILE", conflicts_with = "kayenta", value_hint = ValueHint::FilePath)]
    pub(crate) report: Option<PathBuf>,
    /// The metric of Prometheus' series that have no `__name__` that is one of ours.
    #[arg(long, value_name = "METRIC")]
    pub(crate) metric: Option<String>,
    /// What measured Prometheus' series, which names their labels and units: prometheus-client, opentelemetry, istio,
    /// linkerd, envoy, nginx-ingress, traefik, kong or kubernetes [default: prometheus-client].
    #[arg(long, value_name = "NAME", value_parser = profile_names())]
    pub(crate) profile: Option<String>,
    /// The label of Prometheus' series that says stable or canary, where the profile names another.
    #[arg(long, value_name = "LABEL")]
    pub(crate) track_label: Option<String>,
    /// The label of Prometheus' series that says how requests ended, where the profile names another; may be given more
    /// than once.
    #[arg(long, value_name = "LABEL")]
    pub(crate) status_label: Vec<String>,
    /// The unit that Prometheus' series of a metric are in (`latency=milliseconds`), where the profile names another; may be
    /// given more than once.
    #[arg(long, value_name = "METRIC=UNIT", value_parser = unit)]
    pub(crate) unit: Vec<(MetricName, MetricUnit)>,
    /// Bytes of what is kept whole: a history, a file that is not lines of JSON, and the one run of a report.
    #[arg(long, value_name = "BYTES", default_value_t = 64 << 20, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) max_bytes: u64,
}

fn profile_names() -> PossibleValuesParser {
    Profile::ALL.map(|(name, _)| name).into()
}

fn unit(text: &str) -> Result<(MetricName, MetricUnit), String> {
    let (metric, unit) = text.split_once('=').ok_or("expected a metric, `=` and a unit")?;
    let metric = MetricName::new(metric).map_err(|error| error.to_string())?;
    Ok((metric, unit.parse().map_err(|error: serde::de::value::Error| error.to_string())?))
}

/// The forms of a recorded series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SeriesFormat {
    /// Lines of JSON, nprt's own.
    Jsonl,
    /// Comma-separated values with a line of names.
    Csv,
    /// The answer of a range query.
    Prometheus,
    /// Metric-set pairs.
    Kayenta,
}

/// The shells that can be completed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Shell {
    Bash,
    Zsh,
    Fish,
}
