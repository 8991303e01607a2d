//! The commands.

use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use nprt::compare::POLICY_SCHEMA;
use serde_json::Value;

use crate::compose::{Composed, Parts};
use crate::config::{Config, Environment, Problems, SCHEMA};
use crate::serve::serve;
use crate::{demo, log, statsd};

/// The most threads that serve. Others answer while it waits, and each keeps memory of its own: a large node's many
/// would take more than all else.
const THREADS: usize = 4;

/// Deploys services: canaries beside stable, judged, promoted or rolled back.
#[derive(Debug, Parser)]
#[command(version)]
struct Options {
    /// How the log is written.
    #[arg(long, value_enum, default_value = "text", global = true, env = "DEPLOYER_LOG_FORMAT")]
    log_format: log::Format,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serves, by a configuration.
    Serve {
        #[command(flatten)]
        serve: Serving,
        /// Where to answer probes of health (/healthz, /readyz) and nothing else, whatever the configuration says.
        #[arg(long, value_name = "ADDRESS", env = "DEPLOYER_HEALTH_LISTEN")]
        health_listen: Option<SocketAddr>,
    },
    /// Aggregates what statsd clients send, for all replicas: the section `aggregator` of a configuration.
    Statsd {
        #[command(flatten)]
        serve: Serving,
        /// Where to answer probes of health (/healthz, /readyz) and nothing else, whatever the configuration says.
        #[arg(long, value_name = "ADDRESS", env = "DEPLOYER_HEALTH_LISTEN")]
        health_listen: Option<SocketAddr>,
    },
    /// Everything in one process, to try it: no cluster and no network.
    Demo(demo::Options),
    /// Says whether a configuration is right, and if not, all that is wrong with it.
    Check(Check),
    /// Prints the JSON schema of the configuration.
    Schema,
}

/// How to serve.
#[derive(Debug, clap::Args)]
struct Serving {
    #[command(flatten)]
    file: File,
    /// Where to listen, whatever the configuration says.
    #[arg(long, value_name = "ADDRESS", env = "DEPLOYER_LISTEN")]
    listen: Option<SocketAddr>,
    /// Run without any token: whoever reaches the server can deploy, or ask.
    #[arg(long)]
    insecure: bool,
}

/// What to check.
#[derive(Debug, clap::Args)]
struct Check {
    #[command(flatten)]
    file: File,
    /// It is to be served without any token.
    #[arg(long)]
    insecure: bool,
}

/// Which configuration.
#[derive(Debug, clap::Args)]
struct File {
    /// The configuration.
    #[arg(long, value_name = "FILE", env = "DEPLOYER_CONFIG")]
    config: PathBuf,
}

/// Runs the command that the arguments name.
pub fn main() -> ExitCode {
    let options = Options::parse();
    let done = match options.command {
        Command::Serve { serve: Serving { file, listen, insecure }, health_listen } => {
            run(Some(options.log_format), serve(file.config, listen, health_listen, insecure))
        }
        Command::Statsd { serve: Serving { file, listen, insecure }, health_listen } => {
            let work = async move { statsd::run(&file.config, listen, health_listen, insecure).await };
            run(Some(options.log_format), work)
        }
        Command::Demo(demo) => run(Some(options.log_format), demo::run(demo)),
        Command::Check(Check { file, insecure }) => run(None, check(&file.config, insecure)),
        Command::Schema => schema(),
    };
    match done {
        Ok(text) => {
            // Nobody reads on.
            let _ = std::io::stdout().write_all(text.as_bytes());
            ExitCode::SUCCESS
        }
        Err(why) => {
            let _ = writeln!(std::io::stderr(), "{why}");
            ExitCode::FAILURE
        }
    }
}

/// Runs `work`, and logs where a format is given.
fn run(
    format: Option<log::Format>,
    work: impl Future<Output = Result<String, String>>,
) -> Result<String, String> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(THREADS);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build();
    let runtime = runtime.map_err(|error| format!("the runtime cannot be started: {error}"))?;
    let traces = format.map(|format| log::start(format, runtime.handle())).transpose()?.flatten();
    let done = runtime.block_on(work);
    if let Some(traces) = traces {
        traces.end();
    }
    // What still runs had its time.
    runtime.shutdown_background();
    done
}

/// What `serve` and `statsd` refuse is not right, where the file is for them.
async fn check(path: &Path, is_insecure: bool) -> Result<String, String> {
    let mut problems = Problems::default();
    let mut counts = (0, 0);
    if let Some(config) = Config::examine(path, &Environment::Process, &mut problems) {
        counts = (config.services.len(), config.tokens.len());
        if !config.services.is_empty() {
            config.need_token(is_insecure, &mut problems);
        }
        if let Some(aggregator) = &config.aggregator {
            aggregator.need_token(is_insecure, &mut problems);
        }
        Composed::build(config, &Parts::on_trial(), &mut problems).await;
    }
    let (services, tokens) = problems.or(counts).map_err(|problems| problems.to_string())?;
    Ok(format!("{}: right; services: {services}, tokens: {tokens}\n", path.display()))
}

/// The schema with that of policies in it, so that it is of use alone.
fn schema() -> Result<String, String> {
    let broken = |error: serde_json::Error| format!("the schema cannot be read: {error}");
    let mut schema: Value = serde_json::from_str(SCHEMA).map_err(broken)?;
    let policy: Value = serde_json::from_str(POLICY_SCHEMA).map_err(broken)?;
    if let Some(definitions) = schema.get_mut("$defs").and_then(Value::as_object_mut) {
        definitions.insert("policy".to_owned(), policy);
    }
    serde_json::to_string_pretty(&schema).map(|text| text + "\n").map_err(broken)
}
