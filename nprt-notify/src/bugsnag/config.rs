use nprt_core::model::Secret;
use nprt_core::ports::Severity;
use nprt_http::ClientConfig;
use serde::Deserialize;

/// How to reach a project in Bugsnag.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BugsnagConfig {
    /// The project's notifier API key.
    pub api_key: Secret,
    /// Where events go: `https://notify.bugsnag.com` by default; another for an installation of one's own.
    #[serde(default = "endpoint")]
    pub endpoint: String,
    /// The release stage that events are filed under: `production` by default.
    #[serde(default = "release_stage")]
    pub release_stage: String,
    /// The least severity that is sent: `info` by default; `warning` leaves out promotions, and `error` rollbacks
    /// too.
    #[serde(default = "least_severity")]
    pub least_severity: Severity,
    /// Time-outs of the request.
    #[serde(default)]
    pub http: ClientConfig,
}

impl BugsnagConfig {
    /// The defaults, with this key.
    #[must_use]
    pub fn new(api_key: Secret) -> Self {
        Self {
            api_key,
            endpoint: endpoint(),
            release_stage: release_stage(),
            least_severity: least_severity(),
            http: ClientConfig::default(),
        }
    }
}

fn endpoint() -> String {
    "https://notify.bugsnag.com".to_owned()
}

fn release_stage() -> String {
    "production".to_owned()
}

fn least_severity() -> Severity {
    Severity::Info
}
