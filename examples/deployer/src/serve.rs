use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use nprt::clock::SystemClock;

use crate::app::App;
use crate::changes::Changes;
use crate::compose::{Composed, Parts};
use crate::http::Server;
use crate::{autopilot, reload, shutdown};

/// Serves until the process is asked to end.
pub(crate) async fn serve(
    path: PathBuf,
    listen: Option<SocketAddr>,
    is_insecure: bool,
) -> Result<String, String> {
    let changes = Changes::of(&path).await;
    let config = reload::read(&path, is_insecure)?;
    let address = listen.unwrap_or(config.listen);
    let parts = Parts::new(Arc::new(SystemClock));
    let composed = Composed::new(config, &parts).await.map_err(|problems| problems.to_string())?;
    let app = App::new(composed, parts, is_insecure);
    let server = Server::bind(address, app.clone()).await?;
    tracing::info!(address = %server.address()?, "listens");
    tokio::spawn(reload::watch(app.clone(), changes));
    tokio::spawn(autopilot::fly(app.clone()));
    server.serve(shutdown::after(shutdown::asked(), &app)).await;
    Ok(String::new())
}
