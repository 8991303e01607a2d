//! kubectl, for what tests ask and make beside the code under test.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

/// kubectl with one kubeconfig.
#[derive(Debug, Clone)]
pub struct Kubectl {
    program: PathBuf,
    kubeconfig: PathBuf,
}

/// What kubectl said when it failed.
#[derive(Debug)]
pub struct KubectlFailed(String);

impl KubectlFailed {
    pub(crate) fn new(why: &dyn fmt::Display) -> Self {
        Self(why.to_string())
    }
}

impl fmt::Display for KubectlFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for KubectlFailed {}

impl Kubectl {
    pub(super) fn new(program: PathBuf, kubeconfig: PathBuf) -> Self {
        Self { program, kubeconfig }
    }

    /// The program.
    #[must_use]
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// The file that it authenticates by.
    #[must_use]
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// What `kubectl ARGS` prints.
    ///
    /// # Errors
    /// [`KubectlFailed`], with what it wrote to stderr.
    pub async fn run(&self, args: &[&str]) -> Result<String, KubectlFailed> {
        self.run_with_input(args, "").await
    }

    /// What `kubectl ARGS` prints when it reads `input`, such as `apply -f -`.
    ///
    /// # Errors
    /// [`KubectlFailed`], with what it wrote to stderr.
    pub async fn run_with_input(&self, args: &[&str], input: &str) -> Result<String, KubectlFailed> {
        let failed = |why: &dyn fmt::Display| KubectlFailed(format!("kubectl {}: {why}", args.join(" ")));
        let mut child = Command::new(&self.program)
            .arg("--kubeconfig")
            .arg(&self.kubeconfig)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| failed(&error))?;
        if let Some(mut stdin) = child.stdin.take() {
            // It may end without reading: what it says then is the better error.
            let _ = stdin.write_all(input.as_bytes()).await;
        }
        let output = child.wait_with_output().await.map_err(|error| failed(&error))?;
        if !output.status.success() {
            return Err(failed(&String::from_utf8_lossy(&output.stderr).trim()));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}
