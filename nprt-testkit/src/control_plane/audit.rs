//! What the API server was asked, from its audit log.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::Missing;

/// A line comes after its answer. Where none came for so long, none is missing.
const QUIET: Duration = Duration::from_millis(300);

/// A request, as the API server noted it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditedRequest {
    /// `get`, `list`, `watch`, `create`, `update`, `patch` or `delete`.
    pub verb: String,
    /// Path and query.
    pub uri: String,
    /// The program that asked.
    pub agent: String,
    /// The answer's status; `0` where there was none.
    pub status: u64,
}

impl AuditedRequest {
    fn new(event: &Value) -> Self {
        let text = |pointer| event.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let status = event.pointer("/responseStatus/code").and_then(Value::as_u64).unwrap_or_default();
        Self { verb: text("/verb"), uri: text("/requestURI"), agent: text("/userAgent"), status }
    }

    /// Whether it changes something, or tries what a change would do.
    #[must_use]
    pub fn is_write(&self) -> bool {
        matches!(self.verb.as_str(), "create" | "update" | "patch" | "delete")
    }

    /// Whether it only tries.
    #[must_use]
    pub fn is_dry_run(&self) -> bool {
        self.uri.contains("dryRun=All")
    }
}

impl fmt::Display for AuditedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:6} {} {}", self.verb, self.status, self.uri)
    }
}

/// The requests of the user in `log`, in the order in which they ended, watches where they began.
pub(super) async fn requests(log: &Path, user: &str) -> Result<Vec<AuditedRequest>, Missing> {
    let read = async || {
        let text = tokio::fs::read_to_string(log).await;
        text.map_err(|error| Missing::new(super::NAME, format_args!("{}: {error}", log.display())))
    };
    let mut text = read().await?;
    loop {
        tokio::time::sleep(QUIET).await;
        let more = read().await?;
        if more.len() == text.len() {
            break;
        }
        text = more;
    }
    let mut seen = BTreeSet::new();
    let mut requests = Vec::new();
    for line in text.lines() {
        let event: Value = serde_json::from_str(line)
            .map_err(|error| Missing::new(super::NAME, format_args!("audit log: {error}")))?;
        // A watch has two lines: when it begins and when it ends.
        if event["user"]["username"] == user && seen.insert(event["auditID"].to_string()) {
            requests.push(AuditedRequest::new(&event));
        }
    }
    Ok(requests)
}
