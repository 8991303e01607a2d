use serde::{Deserialize, Serialize};

/// Whether a request was answered well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestOutcome {
    /// It was, or the client is to blame.
    Success,
    /// The server failed.
    Failure,
}
