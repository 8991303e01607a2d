use std::collections::BTreeMap;

use nprt_core::model::{Secret, ServiceName};
use nprt_http::ClientConfig;
use serde::Deserialize;

/// An account of Bugsnag, and how to find a service's errors there.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BugsnagErrorsConfig {
    /// Where the Data Access API is; `https://api.bugsnag.com` by default.
    #[serde(default = "url")]
    pub url: String,
    /// A personal auth token that can read the projects.
    pub token: Secret,
    /// The ids of the projects, by the service that reports there.
    pub projects: BTreeMap<ServiceName, String>,
    /// The release stage whose events count; all by default.
    #[serde(default)]
    pub release_stage: Option<String>,
    /// How the app's versions are called, with `{version}` for the version that nprt deploys and perhaps `{service}`;
    /// `{version}` by default.
    #[serde(default = "release")]
    pub release: String,
    /// What makes two errors one class.
    #[serde(default)]
    pub class: BugsnagClass,
    /// How requests are made.
    #[serde(default)]
    pub http: ClientConfig,
    /// Bytes that a page may have; 64 MiB by default, since a page has full reports.
    #[serde(default = "max_response_bytes")]
    pub max_response_bytes: usize,
    /// Events that one question may be answered with; 2,000 by default.
    #[serde(default = "max_events")]
    pub max_events: usize,
    /// Blocks that may come of one question; 250,000 by default. A block is a minute of one version.
    #[serde(default = "max_blocks")]
    pub max_blocks: usize,
    /// Seconds after its end until a minute counts as complete; 120 by default: events arrive late.
    #[serde(default = "delay_seconds")]
    pub delay_seconds: u32,
}

/// What makes two errors one class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BugsnagClass {
    /// Bugsnag's own grouping. The class is called by the error's class and the error's id, such as
    /// `NoMethodError #515fb9337c1074f6fd000001`.
    #[default]
    Error,
    /// The class of the exception alone, such as `NoMethodError`.
    ErrorClass,
}

impl BugsnagErrorsConfig {
    /// `https://api.bugsnag.com` without a project yet; a release is a version.
    #[must_use]
    pub fn new(token: Secret) -> Self {
        Self {
            url: url(),
            token,
            projects: BTreeMap::new(),
            release_stage: None,
            release: release(),
            class: BugsnagClass::default(),
            http: ClientConfig::default(),
            max_response_bytes: max_response_bytes(),
            max_events: max_events(),
            max_blocks: max_blocks(),
            delay_seconds: delay_seconds(),
        }
    }

    /// Adds the project that a service reports to.
    #[must_use]
    pub fn with_project(mut self, service: ServiceName, project: impl Into<String>) -> Self {
        self.projects.insert(service, project.into());
        self
    }
}

fn url() -> String {
    "https://api.bugsnag.com".to_owned()
}

fn release() -> String {
    "{version}".to_owned()
}

fn max_response_bytes() -> usize {
    64 << 20
}

fn max_events() -> usize {
    2_000
}

fn max_blocks() -> usize {
    250_000
}

fn delay_seconds() -> u32 {
    120
}
