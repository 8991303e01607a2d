//! What every step of an operation may need of its surroundings.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use nprt_core::ports::Clock;
use nprt_core::{Error, ErrorKind, Result, Retry};
use tokio::sync::Semaphore;

use crate::progress::Progress;
use crate::service::{Ports, Service};
use crate::settings::PipelineSettings;
use crate::stop::Stop;

/// The pauses between attempts at a write that fails for a moment, and how long a pause may be at the most
/// where the server asks for one. Giving up leaves a version half applied.
pub(crate) const PAUSES: [Duration; 4] =
    [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4), Duration::from_secs(8)];
const LONGEST: Duration = Duration::from_secs(30);

/// One service, and the ports by which an operation on it sees the outside. It holds no state, and is
/// there to read by. What changes objects goes through an [`Applier`](crate::apply::applier::Applier), which has the lease.
#[derive(Debug)]
pub(crate) struct Context<'a> {
    pub(crate) service: &'a Service,
    pub(crate) ports: &'a Ports,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) settings: PipelineSettings,
    pub(crate) progress: &'a Progress,
    pub(crate) stop: &'a Stop,
    /// Room to compute.
    pub(crate) computing: &'a Arc<Semaphore>,
}

impl Context<'_> {
    /// The time of what is written on objects, and by which it is over: all who change the service go by the cluster's
    /// where theirs is another.
    pub(crate) fn now(&self) -> Timestamp {
        self.ports.cluster.now().unwrap_or_else(|| self.clock.now())
    }

    /// Does `write`, and again after a pause where it fails for a moment. A write that landed all the same is
    /// harmless to repeat.
    pub(crate) async fn again<T, W>(&self, write: impl Fn() -> W) -> Result<T>
    where
        W: Future<Output = Result<T>>,
    {
        for pause in PAUSES {
            match write().await {
                Err(error) if error.is_temporary() => {
                    let asked = error.retry_after().unwrap_or_default();
                    let pause = pause.max(asked.min(LONGEST));
                    self.progress.warn(format!("tries again in {} s: {error}", pause.as_secs()));
                    self.clock.sleep(pause).await;
                }
                done => return done,
            }
        }
        write().await.map_err(
            |error| {
                if error.is_temporary() { error.with_retry(Retry::Exhausted) } else { error }
            },
        )
    }

    /// The end of `work`, which is dropped where the process ends before it.
    pub(crate) async fn unless_stopped<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::select! {
            biased;
            done = work => done,
            () = self.stop.is_said() => {
                Err(Error::new(ErrorKind::Cancelled, "pipeline.stop", "the process that did it ends"))
            }
        }
    }
}
