//! The end of the process, in order.

use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, timeout_at};

use crate::app::App;

/// Returns when the process is asked to end: by SIGTERM, or by Ctrl-C.
pub(crate) async fn asked() {
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        () = terminated => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    tracing::info!("ends");
}

/// Waits, after `end`, until what is under way has ended, or had the seconds that the limits say: two thirds of them to
/// be done, and the rest to go back. What is left even then is undone by the service's next operation. Answers with when the
/// time is over.
pub(crate) async fn after(end: impl Future<Output = ()>, app: &App) -> Instant {
    // As they were at the start.
    let whole = Duration::from_secs(app.current().config.limits.shutdown_seconds);
    end.await;
    let limit = Instant::now() + whole;
    // From here on nothing begins.
    app.tasks().close();
    if timeout_at(limit - whole / 3, app.tasks().wait()).await.is_ok() {
        return limit;
    }
    tracing::warn!("operations that are not done go back");
    app.parts().stop().now();
    if timeout_at(limit, app.tasks().wait()).await.is_err() {
        tracing::warn!("ends with operations under way");
    }
    limit
}
