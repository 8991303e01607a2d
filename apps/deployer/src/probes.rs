//! Probes of health that never wait for the server's work.

use std::future::Future;
use std::net::SocketAddr;
use std::{io, thread};

use tokio::runtime::Builder;
use tokio::sync::oneshot;

use crate::http::Server;

/// Answers probes of health by the server that `bind` makes, until the process ends, on a thread of its own. Says where.
pub(crate) async fn answer_probes(
    bind: impl Future<Output = Result<Server, String>> + Send + 'static,
) -> Result<SocketAddr, String> {
    let cannot = |error: io::Error| format!("cannot answer probes of health: {error}");
    let runtime = Builder::new_current_thread().enable_all().build().map_err(cannot)?;
    let (tell, told) = oneshot::channel();
    let answer = async move {
        match bind.await.and_then(|server| Ok((server.address()?, server))) {
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
