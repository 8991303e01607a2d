//! When a configuration is to be read anew.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::config::Fingerprint;

/// How often it looks. What Kubernetes mounts changes by a link that is swapped, which no watcher of files sees
/// everywhere; reading some small files costs nothing.
const LOOK: Duration = Duration::from_secs(2);

/// A file that is watched, with those of its secrets.
#[derive(Debug)]
pub(crate) struct Changes {
    path: PathBuf,
    hangup: Option<Signal>,
    known: Option<Fingerprint>,
}

impl Changes {
    /// Begins to watch: before the file is read first, so that no change after that is missed. From here on SIGHUP ends
    /// the process no more.
    pub(crate) async fn of(path: &Path) -> Self {
        let hangup = signal(SignalKind::hangup()).ok();
        Self { path: path.to_owned(), hangup, known: fingerprint(path).await }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Waits until something has changed, or SIGHUP asks to look.
    pub(crate) async fn next(&mut self) {
        loop {
            let is_asked = tokio::select! {
                () = received(self.hangup.as_mut()) => true,
                () = tokio::time::sleep(LOOK) => false,
            };
            let now = fingerprint(&self.path).await;
            // Who sends a signal may have changed what the file only names, such as a kubeconfig.
            if is_asked || now != self.known {
                self.known = now;
                return;
            }
        }
    }
}

async fn received(signal: Option<&mut Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}

async fn fingerprint(path: &Path) -> Option<Fingerprint> {
    let path = path.to_owned();
    tokio::task::spawn_blocking(move || Fingerprint::of(&path)).await.ok()
}
