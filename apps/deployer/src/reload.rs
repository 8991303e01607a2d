//! Reads the configuration anew when it changes. One that is wrong changes nothing.

use std::path::Path;

use crate::app::App;
use crate::changes::Changes;
use crate::compose::Composed;
use crate::config::{Config, Environment, Problems};

/// Watches the file until the process ends.
pub(crate) async fn watch(app: App, mut changes: Changes) {
    loop {
        changes.next().await;
        reload(&app, changes.path()).await;
    }
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
    let (file, is_insecure) = (path.to_owned(), app.is_insecure());
    let read = tokio::task::spawn_blocking(move || read(&file, is_insecure)).await;
    let config = read.map_err(|error| error.to_string())??;
    Composed::new(config, app.parts()).await.map_err(|problems| problems.to_string())
}

/// The configuration in the file, if a server may serve by it.
///
/// # Errors
/// All that is wrong with it, also where there is nothing to serve, or anybody could deploy and nobody said that this is
/// meant.
pub(crate) fn read(path: &Path, is_insecure: bool) -> Result<Config, String> {
    let config = Config::load(path, &Environment::Process).and_then(|config| {
        let mut problems = Problems::default();
        config.need_token(is_insecure, &mut problems);
        if config.services.is_empty() {
            problems.add("services", "expected at least one service");
        }
        problems.or(config)
    });
    config.map_err(|problems| problems.to_string())
}
