//! Servers to try nprt against, from the command line.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command talks to a person")]

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use nprt_testkit::{ControlPlane, ControlPlaneOptions, KubernetesVersion, Missing};
use tokio::signal::unix::{SignalKind, signal};

/// Servers to try nprt against.
#[derive(Debug, Parser)]
#[command(name = "nprt-testkit", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs a Kubernetes control plane with simulated nodes until it is interrupted.
    ///
    /// Builds it first, once: Go 1.26, several minutes, some 4 GB on disk. Running it takes some 560 MB.
    Cluster(Cluster),
}

#[derive(Debug, Args)]
struct Cluster {
    /// The version of Kubernetes, such as 1.34, or `oldest` or `newest` of those that nprt supports. By default the one
    /// that `NPRT_KUBERNETES` names, else the newest.
    #[arg(long)]
    version: Option<KubernetesVersion>,
    /// How many nodes to simulate.
    #[arg(long, default_value_t = ControlPlaneOptions::default().nodes)]
    nodes: u32,
    /// Keep the state in this folder, and go on with what is there; without it nothing stays.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Build it and end.
    #[arg(long)]
    build_only: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let Command::Cluster(options) = Cli::parse().command;
    match cluster(options).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(missing) => {
            eprintln!("error: {missing}");
            ExitCode::FAILURE
        }
    }
}

async fn cluster(options: Cluster) -> Result<(), Missing> {
    let failed = |error: std::io::Error| Missing::new("cluster", error);
    let (mut interrupt, mut terminate) =
        (signal(SignalKind::interrupt()).map_err(failed)?, signal(SignalKind::terminate()).map_err(failed)?);
    let version = options.version.map_or_else(KubernetesVersion::from_environment, Ok)?;
    if options.build_only {
        let programs = ControlPlane::build(Some(version), |what| eprintln!("{what}")).await?;
        println!("{}", programs.display());
        return Ok(());
    }
    let run = async {
        let programs = ControlPlane::build(Some(version), |what| eprintln!("{what}")).await?;
        eprintln!("starting the control plane of {} …", programs.display());
        let nodes = options.nodes;
        let started = ControlPlaneOptions { version: Some(version), nodes, data: options.data };
        let plane = ControlPlane::start_with(started).await?;
        eprintln!(
            "ready: Kubernetes {version} with {nodes} simulated nodes; Ctrl-C stops it. In another shell:"
        );
        println!("export KUBECONFIG={}", plane.kubeconfig().display());
        println!("export PATH=\"$PATH:{}\"  # kubectl", programs.display());
        std::future::pending::<()>().await;
        drop(plane);
        Ok(())
    };
    tokio::select! {
        result = run => result,
        _ = interrupt.recv() => Ok(()),
        _ = terminate.recv() => Ok(()),
    }
}
