use std::fmt;
use std::io::Write as _;

/// A server that cannot be started here, and why.
#[derive(Debug, Clone)]
pub struct Missing {
    server: &'static str,
    why: String,
}

impl Missing {
    /// `server` cannot be started because of `why`.
    #[must_use]
    pub fn new(server: &'static str, why: impl fmt::Display) -> Self {
        Self { server, why: why.to_string() }
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.server, self.why)
    }
}

impl std::error::Error for Missing {}

/// The server, or `None` (said on stderr) where it cannot be had. With `NPRT_REQUIRE_SERVERS=1`, which
/// `./test` sets, a missing server fails the test.
///
/// ```no_run
/// # async fn start() -> Result<(), nprt_testkit::Missing> { Ok(()) }
/// # async fn test() {
/// let Some(server) = nprt_testkit::need(start().await) else { return };
/// # }
/// ```
///
/// # Panics
/// When the server is missing and `NPRT_REQUIRE_SERVERS=1`.
#[expect(clippy::panic, reason = "this is how a test fails")]
pub fn need<T>(server: Result<T, Missing>) -> Option<T> {
    match server {
        Ok(server) => Some(server),
        Err(missing) if std::env::var_os("NPRT_REQUIRE_SERVERS").is_some_and(|value| value == "1") => {
            panic!("a server that this test needs is missing: {missing}")
        }
        Err(missing) => {
            // Not by `eprintln!`, whose output the test harness keeps back from tests that pass.
            let _ = writeln!(std::io::stderr(), "SKIPPED: {missing}");
            None
        }
    }
}

/// Refuses to start `server` where `NPRT_SERVERS=none`, as `./test quick` sets it: no server is started or
/// built there, even if its program is at hand.
pub(crate) fn switched_on(server: &'static str) -> Result<(), Missing> {
    match std::env::var_os("NPRT_SERVERS") {
        Some(value) if value == "none" => Err(Missing::new(server, "switched off by NPRT_SERVERS=none")),
        _ => Ok(()),
    }
}
