use nprt_core::model::Secret;
use nprt_http::ClientConfig;
use serde::Deserialize;

/// An organization of Sentry, and how to find a service's errors there.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SentryConfig {
    /// Where Sentry is; `https://sentry.io` by default. A region has its own, such as `https://de.sentry.io`.
    #[serde(default = "url")]
    pub url: String,
    /// The slug of the organization.
    pub organization: String,
    /// The slug of the service's project, in which `{service}` stands for the service's name; `{service}` by default.
    #[serde(default = "project")]
    pub project: String,
    /// A token with the scope `project:read`.
    pub token: Secret,
    /// The environment whose events count; all by default.
    #[serde(default)]
    pub environment: Option<String>,
    /// How releases are called, with `{version}` for the version that nprt deploys and perhaps `{service}`;
    /// `{version}` by default. Sentry's own convention is `{service}@{version}`.
    #[serde(default = "release")]
    pub release: String,
    /// What makes two errors one class.
    #[serde(default)]
    pub class: SentryClass,
    /// How requests are made.
    #[serde(default)]
    pub http: ClientConfig,
    /// Bytes that a page may have; 16 MiB by default.
    #[serde(default = "max_response_bytes")]
    pub max_response_bytes: usize,
    /// Events that one question may be answered with; 20,000 by default, which are 200 pages.
    #[serde(default = "max_events")]
    pub max_events: usize,
    /// Blocks that may come of one question; 250,000 by default. A block is a minute of one release.
    #[serde(default = "max_blocks")]
    pub max_blocks: usize,
    /// Seconds after its end until a minute counts as complete; 120 by default: events arrive late.
    #[serde(default = "delay_seconds")]
    pub delay_seconds: u32,
}

/// What makes two errors one class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SentryClass {
    /// Sentry's own grouping: the issue. The class is called by the error's type and the issue's number, such as
    /// `ValueError #1889724436`.
    #[default]
    Issue,
    /// The title of the event. Where titles have numbers in them, each is a class of its own.
    Title,
}

impl SentryConfig {
    /// The organization at `https://sentry.io`, in which each service has a project of its name and a release is a
    /// version.
    #[must_use]
    pub fn new(organization: impl Into<String>, token: Secret) -> Self {
        Self {
            url: url(),
            organization: organization.into(),
            project: project(),
            token,
            environment: None,
            release: release(),
            class: SentryClass::default(),
            http: ClientConfig::default(),
            max_response_bytes: max_response_bytes(),
            max_events: max_events(),
            max_blocks: max_blocks(),
            delay_seconds: delay_seconds(),
        }
    }
}

fn url() -> String {
    "https://sentry.io".to_owned()
}

fn project() -> String {
    "{service}".to_owned()
}

fn release() -> String {
    "{version}".to_owned()
}

fn max_response_bytes() -> usize {
    16 << 20
}

fn max_events() -> usize {
    20_000
}

fn max_blocks() -> usize {
    250_000
}

fn delay_seconds() -> u32 {
    120
}
