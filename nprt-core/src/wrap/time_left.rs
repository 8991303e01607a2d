use std::time::Duration;

use tokio::time::{Instant, timeout_at};

tokio::task_local! {
    static UNTIL: Instant;
}

/// Runs `work` for at most `limit`. Meanwhile [`time_left`] tells the backends that work for it how long somebody waits
/// for their answer. An earlier limit around it stays in force.
///
/// Returns `None` when the time is up. `work` is dropped then.
pub async fn in_time<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    match until(limit) {
        Some(until) => timeout_at(until, UNTIL.scope(until, work)).await.ok(),
        None => Some(work.await),
    }
}

/// How long the caller still waits for the present work, if it said so by [`in_time`] or a
/// [`Timeout`](super::Timeout). A backend passes it on to its server, which can then stop in time as well. A task that
/// was spawned meanwhile does not know it.
#[must_use]
pub fn time_left() -> Option<Duration> {
    UNTIL.try_with(|until| until.saturating_duration_since(Instant::now())).ok()
}

/// Tells `work` that it has `limit`. The caller ends it, by a clock of its own.
pub(super) async fn told<T>(limit: Duration, work: impl Future<Output = T>) -> T {
    match until(limit) {
        Some(until) => UNTIL.scope(until, work).await,
        None => work.await,
    }
}

/// When `limit` is up, or an earlier limit around it.
fn until(limit: Duration) -> Option<Instant> {
    let around = UNTIL.try_with(|until| *until).ok();
    Instant::now().checked_add(limit).into_iter().chain(around).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_earliest_limit_counts() {
        assert_eq!(time_left(), None);
        let long = Duration::from_secs(9);
        let inner = in_time(Duration::from_secs(2), async { in_time(long, async { time_left() }).await });
        assert_eq!(inner.await, Some(Some(Some(Duration::from_secs(2)))));
        let outer = in_time(long, in_time(Duration::from_secs(2), std::future::pending::<()>()));
        assert_eq!(outer.await, Some(None));
        assert_eq!(in_time(Duration::MAX, async { time_left() }).await, Some(None));
    }
}
