use nprt::bugsnag::BugsnagConfig;
use serde_json::{Value, json};
use url::Url;

use crate::config::{ErrorTracker, Metrics, Notify, Registry, ServiceConfig, Vcs};

/// A service's configuration, without anything secret: what is shown is named here, one by one.
pub(crate) fn of(config: &ServiceConfig) -> Value {
    let vcs = match &config.vcs {
        Vcs::Git(git) => json!({"git": {"url": git.url}}),
        Vcs::Svn(svn) => json!({"svn": {"url": svn.url}}),
    };
    let registry = match &config.registry {
        Registry::Oci(oci) => json!({"oci": {"registries": oci.registries.keys().collect::<Vec<_>>()}}),
        Registry::Layout(layout) => json!({"layout": layout}),
    };
    let mut metrics = match &config.metrics {
        Metrics::Prometheus(prometheus) => json!({"prometheus": {"url": origin(&prometheus.url)}}),
        Metrics::Datadog(datadog) => json!({"datadog": {"site": datadog.site}}),
        Metrics::Statsd(statsd) => json!({"statsd": {"listen": statsd.listen}}),
        Metrics::Aggregator(aggregator) => json!({"aggregator": {"url": origin(&aggregator.url)}}),
    };
    if let Some(tracker) = &config.errors {
        metrics["errors"] = match tracker {
            ErrorTracker::Sentry(sentry) => {
                json!({"sentry": {"url": origin(&sentry.url), "organization": sentry.organization}})
            }
            ErrorTracker::Bugsnag(bugsnag) => json!({"bugsnag": {"url": origin(&bugsnag.url)}}),
        };
    }
    let notifier = |notify: &Notify| match notify {
        Notify::Slack(slack) => json!({"slack": {"channel": slack.channel}}),
        Notify::Bugsnag(BugsnagConfig { endpoint, release_stage, least_severity, .. }) => {
            json!({"bugsnag": {
                "endpoint": origin(endpoint), "release_stage": release_stage, "least_severity": least_severity,
            }})
        }
        Notify::Webhook(webhook) => json!({"webhook": {"url": origin(&webhook.url)}}),
    };
    let service = &config.service;
    json!({
        "manifests": service.manifests,
        "vcs": vcs,
        "registry": registry,
        "images": service.images.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "metrics": metrics,
        "policy": service.policy,
        "notifiers": config.notifiers.iter().map(notifier).collect::<Vec<_>>(),
        "cluster": config.cluster,
        "deployable_branches": config.service.deployable_branches,
        "autopilot": config.autopilot,
        "prune": service.prune,
        "allow_kinds": service.allow_kinds,
        "take_over": service.take_over,
        "drift": service.drift,
        "transform": service.transform,
    })
}

/// Scheme, host and port: the rest of an address may let in whoever knows it. That of a repository, which says what it is,
/// has neither user nor query.
fn origin(url: &str) -> Option<String> {
    Some(Url::parse(url).ok()?.origin().ascii_serialization())
}
