//! Waits until the pods of all workloads run the new version.

use std::pin::pin;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::{Either, select, try_join_all};
use nprt_core::model::ObjectId;
use nprt_core::ports::{RolloutPhase, RolloutStatus};
use nprt_core::{Error, ErrorKind, Result};

use crate::context::Context;
use crate::phase::phase;
use crate::progress::Event;

/// How long until a watch that broke begins again.
const AGAIN: Duration = Duration::from_secs(1);

/// Whether a workload of this kind replaces its pods by itself.
fn rolls_out(id: &ObjectId) -> bool {
    id.group() == "apps" && matches!(id.kind.as_str(), "Deployment" | "StatefulSet" | "DaemonSet")
}

/// Waits for all workloads among `objects` at the same time. Answers with what a person should know of those
/// that are complete, such as pods that keep their version on purpose.
///
/// # Errors
/// `RolloutFailed`, with the workload and why, for the first that fails or when the time is over.
pub(crate) async fn roll_out(
    cx: &Context<'_>,
    objects: impl Iterator<Item = &ObjectId>,
) -> Result<Vec<String>> {
    let workloads = objects.filter(|id| rolls_out(id));
    let all = try_join_all(workloads.map(|workload| follow(cx, workload)));
    Ok(phase("roll out", all).await?.into_iter().flatten().collect())
}

/// Waits for one workload, or for a Job to succeed. Answers with a warning, if there is one.
///
/// # Errors
/// As [`roll_out`].
pub(crate) async fn follow(cx: &Context<'_>, workload: &ObjectId) -> Result<Option<String>> {
    let mut last = None;
    let ended = {
        let time = cx.clock.sleep(cx.settings.rollout());
        match select(pin!(to_its_end(cx, workload, &mut last)), time).await {
            Either::Left((result, _)) => Some(result),
            Either::Right(_) => None,
        }
    };
    ended.unwrap_or_else(|| {
        let seconds = cx.settings.rollout_seconds;
        let status = last.map_or_else(|| "its status is unknown".to_owned(), |last| last.message);
        Err(failed(workload, format!("{status}; not complete after {seconds} s")))
    })
}

async fn to_its_end(
    cx: &Context<'_>,
    workload: &ObjectId,
    last: &mut Option<RolloutStatus>,
) -> Result<Option<String>> {
    loop {
        let mut statuses = cx.ports.cluster.watch_rollout(workload);
        while let Some(status) = statuses.next().await {
            let status = match status {
                Ok(status) => status,
                Err(error) if error.is_temporary() => {
                    cx.progress.warn(format!("the rollout of {workload} cannot be watched: {error}"));
                    break;
                }
                Err(error) => return Err(error),
            };
            let RolloutStatus { desired, updated, message, phase, warning, .. } = status.clone();
            *last = Some(status);
            let event =
                Event::Rollout { workload: workload.clone(), updated, desired, message: message.clone() };
            cx.progress.tell(event);
            match phase {
                RolloutPhase::Complete => {
                    let warning = warning.map(|warning| format!("{workload}: {warning}"));
                    warning.iter().for_each(|warning| cx.progress.warn(warning));
                    return Ok(warning);
                }
                RolloutPhase::Failed => return Err(failed(workload, message)),
                RolloutPhase::Progressing => {}
            }
        }
        cx.clock.sleep(AGAIN).await;
    }
}

fn failed(workload: &ObjectId, message: String) -> Error {
    Error::new(ErrorKind::RolloutFailed, "pipeline.rollout", message).with("workload", workload)
}
