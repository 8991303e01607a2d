//! Removes the canaries that an older tool left.

use std::collections::BTreeSet;
use std::time::Duration;

use nprt_core::model::{Object, ObjectId};
use nprt_core::{Error, ErrorKind, Result};

use crate::apply::applier::Applier;
use crate::context::Context;
use crate::plan::strangers::{OPERATION, owner};
use crate::progress::{Event, names};
use crate::state::snapshot::Snapshot;

/// How often it is looked whether the pods of an older canary are gone.
const PAUSE: Duration = Duration::from_millis(500);

/// Removes the canaries that an older tool left, and waits until their pods are gone, so that never three versions
/// run.
///
/// # Errors
/// `Timeout`, with the pods, where they do not end; those of the cluster.
pub(crate) async fn remove_older(
    to: &Applier<'_>,
    live: &Snapshot,
    older: &[ObjectId],
) -> Result<Vec<ObjectId>> {
    if older.is_empty() {
        return Ok(Vec::new());
    }
    let objects = live.others().filter(|object| older.contains(&object.id())).collect();
    let (removed, done) = to.delete(objects, |object| Event::Removed { object }).await;
    done?;
    let theirs = |pod: &&Object| {
        owner(pod).is_some_and(|(kind, name)| older.iter().any(|id| id.kind == kind && id.name == name))
    };
    let pods: BTreeSet<String> = live.pods().filter(theirs).map(|pod| pod.name().to_owned()).collect();
    wait_for_the_end_of(to.cx, pods).await?;
    Ok(removed.gone)
}

async fn wait_for_the_end_of(cx: &Context<'_>, mut pods: BTreeSet<String>) -> Result<()> {
    let began = cx.clock.elapsed();
    while !pods.is_empty() {
        let around = cx.again(|| cx.ports.cluster.survey(&cx.service.name)).await?;
        let left: Vec<ObjectId> =
            around.pods.iter().filter(|pod| pods.contains(pod.name())).map(Object::id).collect();
        if left.is_empty() {
            return Ok(());
        }
        let waited = cx.clock.elapsed().saturating_sub(began);
        if waited >= cx.settings.rollout() {
            let message =
                "pods of an older tool's canary are still running, and a third version would run beside them";
            return Err(Error::new(ErrorKind::Timeout, OPERATION, message)
                .with("waited", format_args!("{} s", waited.as_secs()))
                .with("pods", names(&left)));
        }
        pods = left.into_iter().map(|pod| pod.name).collect();
        cx.clock.sleep(PAUSE).await;
    }
    Ok(())
}
