//! The programs and their arguments.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use super::pki::Pki;
use crate::Missing;
use crate::process::free_address;

/// Where one control plane keeps what, and on which addresses it listens.
#[derive(Debug)]
pub(super) struct Servers {
    pub(super) programs: PathBuf,
    pub(super) data: PathBuf,
    pub(super) pki: Pki,
    pub(super) etcd: SocketAddr,
    pub(super) peer: SocketAddr,
    pub(super) api: SocketAddr,
    /// Where the simulated kubelets answer.
    pub(super) kubelets: SocketAddr,
}

impl Servers {
    pub(super) fn new(programs: PathBuf, data: PathBuf) -> Result<Self, Missing> {
        let pki = Pki::new(data.join("pki"))?;
        let (etcd, peer, api) = (free_address()?, free_address()?, free_address()?);
        Ok(Self { programs, data, pki, etcd, peer, api, kubelets: free_address()? })
    }

    pub(super) fn kubeconfig(&self) -> PathBuf {
        self.data.join("kubeconfig")
    }

    pub(super) fn audit_log(&self) -> PathBuf {
        self.data.join("audit.log")
    }

    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.programs.join(name)
    }

    pub(super) fn etcd(&self) -> Command {
        let (client, peer) = (format!("http://{}", self.etcd), format!("http://{}", self.peer));
        let mut command = self.command("etcd");
        // Nobody's data is in it: without fsync it is several times as fast.
        command.arg("--unsafe-no-fsync").arg("--data-dir").arg(self.data.join("etcd"));
        command.args(["--listen-client-urls", &client, "--advertise-client-urls", &client]);
        command.args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer]);
        command.args(["--initial-cluster", &format!("default={peer}")]);
        command
    }

    pub(super) fn api_server(&self) -> Command {
        let mut command = self.command("kube-apiserver");
        command.args(["--etcd-servers", &format!("http://{}", self.etcd)]);
        command.args(["--bind-address", "127.0.0.1", "--secure-port", &self.api.port().to_string()]);
        command.args(["--advertise-address", "127.0.0.1", "--endpoint-reconciler-type", "none"]);
        command.args(["--service-cluster-ip-range", "10.0.0.0/24", "--authorization-mode", "RBAC"]);
        command.args(["--service-account-issuer", "https://kubernetes.default.svc"]);
        // The names of simulated nodes lead nowhere.
        command.args(["--kubelet-preferred-address-types", "InternalIP"]);
        command.arg("--audit-log-path").arg(self.audit_log());
        command.arg("--audit-policy-file").arg(Path::new(super::RECIPE).join("audit.yaml"));
        self.files(
            &mut command,
            &[
                ("--tls-cert-file", "tls.crt"),
                ("--tls-private-key-file", "tls.key"),
                ("--client-ca-file", "ca.crt"),
                ("--service-account-key-file", "sa.pub"),
                ("--service-account-signing-key-file", "sa.key"),
            ],
        );
        command
    }

    pub(super) fn controller_manager(&self) -> Command {
        let mut command = self.command("kube-controller-manager");
        command.arg("--kubeconfig").arg(self.kubeconfig());
        command.args(["--leader-elect=false", "--use-service-account-credentials", "--secure-port=0"]);
        // By default 20 a second: one test with many workloads would hold up all others.
        command.args(["--kube-api-qps=300", "--kube-api-burst=600"]);
        // Autoscalers look every 15 seconds otherwise.
        command.arg("--horizontal-pod-autoscaler-sync-period=1s");
        self.files(
            &mut command,
            &[("--service-account-private-key-file", "sa.key"), ("--root-ca-file", "ca.crt")],
        );
        command
    }

    pub(super) fn scheduler(&self) -> Command {
        let mut command = self.command("kube-scheduler");
        command.arg("--kubeconfig").arg(self.kubeconfig()).args(["--leader-elect=false", "--secure-port=0"]);
        command
    }

    /// Simulated nodes and kubelets: kwok's own stages, and ours for pods that fail.
    pub(super) fn kwok(&self) -> Result<Command, Missing> {
        let stages = self.programs.join("stages");
        let mut files: Vec<PathBuf> = std::fs::read_dir(&stages)
            .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect())
            .map_err(|error| Missing::new("kwok", format_args!("{}: {error}", stages.display())))?;
        files.sort();
        files.push(Path::new(super::RECIPE).join("failures.yaml"));
        files.push(self.logs()?);
        let mut command = self.command("kwok");
        command.arg("--kubeconfig").arg(self.kubeconfig());
        command.args(["--manage-all-nodes=true", "--node-lease-duration-seconds", "40"]);
        let (address, port) = (self.kubelets.to_string(), self.kubelets.port().to_string());
        command.args(["--node-ip", "127.0.0.1", "--node-port", &port, "--server-address", &address]);
        self.files(&mut command, &[("--tls-cert-file", "tls.crt"), ("--tls-private-key-file", "tls.key")]);
        for file in files {
            command.arg("--config").arg(file);
        }
        Ok(command)
    }

    /// Every simulated container has the log of one that crashed.
    fn logs(&self) -> Result<PathBuf, Missing> {
        let log = Path::new(super::RECIPE).join("crash.log");
        let config = json!({
            "apiVersion": "kwok.x-k8s.io/v1alpha1", "kind": "ClusterLogs", "metadata": {"name": "logs"},
            "spec": {"logs": [{"logsFile": log, "previousLogsFile": log}]},
        });
        let path = self.data.join("logs.yaml");
        std::fs::write(&path, config.to_string())
            .map_err(|error| Missing::new("kwok", format_args!("{}: {error}", path.display())))?;
        Ok(path)
    }

    fn command(&self, name: &str) -> Command {
        Command::new(self.program(name))
    }

    fn files(&self, command: &mut Command, files: &[(&str, &str)]) {
        for (option, file) in files {
            command.arg(option).arg(self.pki.file(file));
        }
    }
}
