//! Which operation of the port is under way. Each method of the port enters it once; errors that are made below, at
//! whatever depth, name it.

use std::future::Future;

tokio::task_local! {
    static OPERATION: &'static str;
}

/// What errors name outside of any operation.
const NONE: &str = "cluster";

/// Runs `work` as `operation`. A task that it spawns is outside, unless it enters an operation itself.
pub(crate) fn during<F: Future>(operation: &'static str, work: F) -> impl Future<Output = F::Output> {
    OPERATION.scope(operation, work)
}

/// The operation under way.
pub(crate) fn operation() -> &'static str {
    OPERATION.try_with(|operation| *operation).unwrap_or(NONE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn operations_at_the_same_time_keep_their_names() {
        let named = |name| {
            during(name, async {
                tokio::task::yield_now().await;
                operation()
            })
        };
        let (get, list) = tokio::join!(named("cluster.get"), named("cluster.list"));
        assert_eq!((get, list, operation()), ("cluster.get", "cluster.list", NONE));
    }

    #[tokio::test]
    async fn a_task_that_was_spawned_enters_an_operation_itself() {
        let outside = during("cluster.get", async { tokio::spawn(async { operation() }).await.unwrap() });
        assert_eq!(outside.await, NONE);
        let inside = tokio::spawn(during("cluster.list", async { operation() }));
        assert_eq!(inside.await.unwrap(), "cluster.list");
    }
}
