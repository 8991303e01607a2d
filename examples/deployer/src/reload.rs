//! Reads the configuration anew when it changes. One that is wrong changes nothing.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::app::App;
use crate::compose::Composed;
use crate::config::{Config, Environment};

/// How often it looks. What Kubernetes mounts changes by a link that is swapped, which no watcher of files sees
/// everywhere; reading a small file costs nothing.
const LOOK: Duration = Duration::from_secs(2);

/// Watches the file until the process ends.
pub(crate) async fn watch(app: App, path: PathBuf) {
    let mut hangup = signal(SignalKind::hangup()).ok();
    let mut known = fingerprint(&path).await;
    loop {
        let is_asked = tokio::select! {
            () = received(hangup.as_mut()) => true,
            () = tokio::time::sleep(LOOK) => false,
        };
        let now = fingerprint(&path).await;
        // Who sends a signal may have changed a secret's file only.
        if is_asked || now != known {
            known = now;
            reload(&app, &path).await;
        }
    }
}

async fn received(signal: Option<&mut Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}

async fn fingerprint(path: &Path) -> Option<[u8; 32]> {
    tokio::fs::read(path).await.ok().map(|content| Sha256::digest(content).into())
}

async fn reload(app: &App, path: &Path) {
    let outcome = match compose(app, path).await {
        Ok(composed) => {
            app.replace(composed);
            tracing::info!(file = %path.display(), "the configuration was read anew");
            "done"
        }
        Err(why) => {
            tracing::error!(file = %path.display(), "the configuration is wrong, the one before stays: {why}");
            "refused"
        }
    };
    app.numbers().reloads.get_or_create(&[("outcome", outcome)]).inc();
}

async fn compose(app: &App, path: &Path) -> Result<Composed, String> {
    let file = path.to_owned();
    let read = tokio::task::spawn_blocking(move || Config::load(&file, &Environment::Process)).await;
    let config = read.map_err(|error| error.to_string())?.map_err(|problems| problems.to_string())?;
    needs_token(&config, app.is_insecure())?;
    Composed::new(config, app.parts()).await.map_err(|problems| problems.to_string())
}

/// # Errors
/// Where anybody could deploy, and nobody said that this is meant.
pub(crate) fn needs_token(config: &Config, is_insecure: bool) -> Result<(), String> {
    if config.tokens.is_empty() && !is_insecure {
        return Err("tokens: without one anybody could deploy; --insecure allows it".to_owned());
    }
    Ok(())
}
