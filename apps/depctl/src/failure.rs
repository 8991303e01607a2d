//! Why a command ends without success, and the exit code that says so.

use std::fmt;
use std::process::ExitCode;

use serde_json::Value;

pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

/// What a program that calls depctl decides by; documented in the README.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    Success = 0,
    /// The server refused, or what it did failed.
    Refused = 1,
    /// The command line, the configuration, a file or a series is wrong.
    Usage = 2,
    /// The canary is worse than stable.
    Regression = 3,
    /// It is not known yet whether the canary is worse.
    Inconclusive = 4,
    /// No answer from the server.
    Unreachable = 5,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// An error that a person reads. It never holds a secret.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) message: String,
    /// Lines under the message: what it is about, what to do.
    pub(crate) details: Vec<String>,
    /// The status and the problem document, where the server sent one.
    pub(crate) problem: Option<Box<(u16, Value)>>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), details: Vec::new(), problem: None }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    #[must_use]
    pub(crate) fn with(mut self, detail: impl Into<String>) -> Self {
        self.details.push(detail.into());
        self
    }

    /// The status of the server's answer, where it refused.
    pub(crate) fn status(&self) -> Option<u16> {
        self.problem.as_ref().map(|problem| problem.0)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.details.iter().try_for_each(|detail| write!(f, "\n  {detail}"))
    }
}

/// What the library says: of malformed input the command line's code, of the rest that of no answer.
impl From<nprt_core::Error> for Failure {
    fn from(error: nprt_core::Error) -> Self {
        use nprt_core::ErrorKind::{Timeout, Unavailable};
        let exit = match error.kind() {
            Timeout | Unavailable => Exit::Unreachable,
            _ => Exit::Usage,
        };
        Self::new(exit, error.to_string())
    }
}
