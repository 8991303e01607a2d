use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::{io, thread};

use nprt::clock::SystemClock;
use tokio::runtime::Builder;
use tokio::sync::oneshot;

use crate::app::App;
use crate::changes::Changes;
use crate::compose::{Composed, Parts};
use crate::http::Server;
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
    let parts = Parts::new(Arc::new(SystemClock));
    let composed = Composed::new(config, &parts).await.map_err(|problems| problems.to_string())?;
    let app = App::new(composed, parts, is_insecure);
    let server = Server::bind(address, app.clone()).await?;
    let health = match health_address {
        Some(address) => Some(answer_probes(address, app.clone()).await?),
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

/// Answers probes of health until the process ends, on a thread of its own: they never wait for the server's work.
/// Says where.
async fn answer_probes(address: SocketAddr, app: App) -> Result<SocketAddr, String> {
    let cannot = |error: io::Error| format!("cannot answer probes of health: {error}");
    let runtime = Builder::new_current_thread().enable_all().build().map_err(cannot)?;
    let (tell, told) = oneshot::channel();
    let answer = async move {
        let server = Server::of_health(address, &app).await;
        match server.and_then(|server| Ok((server.address()?, server))) {
            Ok((at, server)) => {
                let _ = tell.send(Ok(at));
                server.serve(std::future::pending()).await;
            }
            Err(error) => _ = tell.send(Err(error)),
        }
    };
    let thread = thread::Builder::new().name("health".to_owned());
    thread.spawn(move || runtime.block_on(answer)).map_err(cannot)?;
    told.await.map_err(|_| "cannot answer probes of health".to_owned())?
}
