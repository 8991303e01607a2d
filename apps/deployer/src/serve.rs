use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use nprt::clock::SystemClock;

use crate::app::App;
use crate::changes::Changes;
use crate::compose::{Composed, Parts};
use crate::http::Server;
use crate::probes::answer_probes;
use crate::{autopilot, reload, shutdown};

/// Serves until the process is asked to end.
pub(crate) async fn serve(
    path: PathBuf,
    listen: Option<SocketAddr>,
    health_listen: Option<SocketAddr>,
    is_insecure: bool,
) -> Result<String, String> {
    let changes = Changes::of(&path).await;
    let config = reload::read(&path, is_insecure)?;
    let address = listen.unwrap_or(config.listen);
    let health_address = health_listen.or(config.health_listen);
    let parts = Parts::new(Arc::new(SystemClock), config.limits);
    let composed = Composed::new(config, &parts).await.map_err(|problems| problems.to_string())?;
    let app = App::new(composed, parts, is_insecure);
    let server = Server::bind(address, app.clone()).await?;
    let health = match health_address {
        Some(address) => {
            let app = app.clone();
            Some(answer_probes(async move { Server::of_health(address, &app).await }).await?)
        }
        None => None,
    };
    tracing::info!(address = %server.address()?, "listens");
    if let Some(address) = health {
        tracing::info!(%address, "answers probes of health");
    }
    tokio::spawn(reload::watch(app.clone(), changes));
    tokio::spawn(autopilot::fly(app.clone()));
    server.serve(shutdown::after(shutdown::asked(), &app)).await;
    Ok(String::new())
}
