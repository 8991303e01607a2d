//! The pods of a canary end after its workloads are gone. Whatever starts another version waits for that, so
//! that never three versions run; a rollback does not.

use std::time::Duration;

use nprt_core::model::{ObjectId, Track};
use nprt_core::{Error, ErrorKind, Result};

use crate::context::Context;
use crate::progress::{Event, names};

/// The first pause between two looks, and the longest; each is twice as long as the one before.
const PAUSES: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(2));

/// Waits until no pod of a canary is left, for at most as long as a rollout may take.
///
/// # Errors
/// `Timeout`, with the pods, when some are left; those of the cluster.
pub(crate) async fn wait_for_the_end_of_pods(cx: &Context<'_>) -> Result<()> {
    let (began, (mut pause, longest)) = (cx.clock.elapsed(), PAUSES);
    let mut told = Vec::new();
    loop {
        let pods = cx.again(|| cx.ports.cluster.pods(&cx.service.name, Track::Canary)).await?;
        if pods.is_empty() {
            return Ok(());
        }
        let waited = cx.clock.elapsed().saturating_sub(began);
        let left = cx.settings.rollout().saturating_sub(waited);
        if left.is_zero() {
            let message = "pods of the canary before do not end, and a third version would run beside them";
            return Err(Error::new(ErrorKind::Timeout, "pipeline.pods", message)
                .with("waited", format_args!("{} s", waited.as_secs()))
                .with("pods", names(&pods)));
        }
        if told != pods {
            cx.progress.tell(Event::PodsEnding { pods: pods.clone(), seconds: left.as_secs() });
            told = pods;
        }
        cx.clock.sleep(pause.min(left)).await;
        pause = (pause * 2).min(longest);
    }
}

/// The pods of the canary that are left, which nobody waits for. Not to know them is no failure.
pub(crate) async fn ending_pods(cx: &Context<'_>) -> Vec<ObjectId> {
    match cx.ports.cluster.pods(&cx.service.name, Track::Canary).await {
        Ok(pods) => {
            if !pods.is_empty() {
                cx.progress.tell(Event::PodsEnding { pods: pods.clone(), seconds: 0 });
            }
            pods
        }
        Err(error) => {
            cx.progress.warn(format!("whether pods of the canary are left is not known: {error}"));
            Vec::new()
        }
    }
}
