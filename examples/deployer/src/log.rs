use std::io::IsTerminal;

use tokio::runtime::Handle;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt};

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
/// Where the environment asks for traces in a way that cannot be.
pub(crate) fn start(format: Format, runtime: &Handle) -> Result<Option<Traces>, String> {
    let filter = EnvFilter::try_from_env("DEPLOYER_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = fmt::layer().with_writer(std::io::stderr);
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
