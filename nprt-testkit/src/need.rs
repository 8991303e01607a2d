use std::fmt;

/// A server that cannot be started here, and why.
#[derive(Debug)]
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
#[expect(clippy::panic, clippy::print_stderr, reason = "this is how a test fails, or says that it skips")]
pub fn need<T>(server: Result<T, Missing>) -> Option<T> {
    match server {
        Ok(server) => Some(server),
        Err(missing) if std::env::var_os("NPRT_REQUIRE_SERVERS").is_some_and(|value| value == "1") => {
            panic!("a server that this test needs is missing: {missing}")
        }
        Err(missing) => {
            eprintln!("SKIPPED: {missing}");
            None
        }
    }
}
