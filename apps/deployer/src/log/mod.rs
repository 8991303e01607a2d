mod line;

use std::env::VarError;
use std::io::IsTerminal;

use tokio::runtime::Handle;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt};

use self::line::Line;
use crate::traces::Traces;

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// For programs: one object a line, with the spans that it belongs to.
    Json,
}

/// Writes the log to standard error, and traces to whom the environment says. `DEPLOYER_LOG` says how much is logged, by
/// default `info`.
///
/// # Errors
/// Where the environment asks for that in a way that cannot be.
pub(crate) fn start(format: Format, runtime: &Handle) -> Result<Option<Traces>, String> {
    let filter = filter()?;
    let lines = fmt::layer().with_writer(|| Line(std::io::stderr()));
    let lines: Box<dyn Layer<Registry> + Send + Sync> = match format {
        Format::Text => lines.with_ansi(std::io::stderr().is_terminal()).boxed(),
        Format::Json => lines.json().boxed(),
    };
    let traces = Traces::start(runtime)?;
    let layers = tracing_subscriber::registry().with(lines.with_filter(filter));
    // One is there already only in a test.
    let _ = layers.with(traces.as_ref().map(Traces::layer)).try_init();
    Ok(traces)
}

/// How much is logged.
fn filter() -> Result<EnvFilter, String> {
    let wrong = "DEPLOYER_LOG: expected a level such as info, or filters such as nprt_pipeline=debug";
    let said = match std::env::var("DEPLOYER_LOG") {
        Ok(said) if !said.is_empty() => said,
        Ok(_) | Err(VarError::NotPresent) => "info".to_owned(),
        Err(VarError::NotUnicode(_)) => return Err(wrong.to_owned()),
    };
    EnvFilter::try_new(said).map_err(|error| format!("{wrong}: {error}"))
}
