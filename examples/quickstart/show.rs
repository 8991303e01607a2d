//! What a person sees.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

use futures_util::StreamExt;
use futures_util::future::join;
use nprt::compare::Verdict;
use nprt::model::{ServiceName, annotation, label};
use nprt::pipeline::{Deployment, Event, Judgement, Progress, Rollback};
use nprt::ports::{Change, Cluster};

/// Prints the steps of operations; a warning that comes with each of them is printed once.
#[derive(Debug, Default)]
pub(crate) struct Steps {
    warned: Mutex<BTreeSet<String>>,
}

impl Steps {
    /// Runs an operation and prints its steps as they come.
    pub(crate) async fn of<T, F: Future<Output = T>>(&self, operation: impl FnOnce(Progress) -> F) -> T {
        let (progress, events) = Progress::stream();
        // The stream ends when the operation, which owns the progress, is done.
        let (done, ()) = join(operation(progress), events.for_each(async |event| self.print(&event))).await;
        done
    }

    fn print(&self, event: &Event) {
        match event {
            // Twelve workloads at once say more than a person reads: their sum is printed at the end.
            Event::Applied { .. } | Event::Rollout { .. } | Event::Removed { .. } | Event::Leased { .. } => {}
            Event::Warning { message } => {
                let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
                if warned.insert(message.clone()) {
                    println!("   {event}");
                }
            }
            _ => println!("   {event}"),
        }
    }
}

pub(crate) fn traffic(what: &str) {
    println!("   {what}");
}

/// The sum of what a deploy, canary or promotion did.
pub(crate) fn deployment(done: &Deployment) {
    let count = |change| done.applied.iter().filter(|applied| applied.change == change).count();
    println!(
        "   {} objects created, {} configured, {} unchanged, {} removed, {} withheld; all pods ready on {}",
        count(Change::Created),
        count(Change::Configured),
        count(Change::Unchanged),
        done.removed.len(),
        done.withheld.len(),
        done.track
    );
}

pub(crate) fn rollback(done: &Rollback) {
    let stable = done.stable.as_ref().map_or_else(|| "nothing".to_owned(), nprt::pipeline::Running::describe);
    println!("   rolled back: {} objects removed, {stable} serves on", done.removed.len());
}

pub(crate) fn waiting(verdict: &Verdict) {
    println!("   {}: {}", verdict.decision, verdict.reason);
}

/// The verdict as a table, and where its figures come from.
pub(crate) fn verdict(judged: &Judgement, statsd: SocketAddr) {
    let verdict = &judged.verdict;
    println!(
        "   {:<8} {:<40} {:>11} {:>11} {:>11} {:>9} {:>9}  VERDICT",
        "METRIC", "STATISTIC", "STABLE", "CANARY", "LIMIT", "N STABLE", "N CANARY"
    );
    // What grows in an hour is not known after ten minutes, and nobody counts restarts here.
    let measured =
        (verdict.metrics.iter()).filter(|row| row.stable_samples > 0 && !row.statistic.starts_with("growth"));
    for row in measured {
        let figure =
            |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| row.unit().figure(value));
        println!(
            "   {:<8} {:<40} {:>11} {:>11} {:>11} {:>9} {:>9}  {}",
            row.metric,
            row.statistic,
            figure(row.stable),
            figure(row.canary),
            figure(row.limit),
            row.stable_samples,
            row.canary_samples,
            row.decision
        );
    }
    let (from, to) = (verdict.range.start(), verdict.range.end());
    println!("   figures: UDP packets to statsd on {statsd}, whole minutes from {from:.0} to {to:.0}");
    println!("   {}: {}", verdict.decision, verdict.reason);
}

/// The workloads in the cluster, with their pods.
pub(crate) async fn cluster(cluster: &dyn Cluster, service: &ServiceName) -> nprt::Result<()> {
    println!("   {:<36} {:<7} {:>5}  VERSION", "WORKLOAD", "TRACK", "READY");
    for object in cluster.list(service).await? {
        let Some(track) = object.label(label::TRACK) else { continue };
        let Some(status) = cluster.watch_rollout(&object.id()).next().await.transpose()? else { continue };
        let ready = format!("{}/{}", status.ready, status.desired);
        let version = object.annotation(annotation::TAG).unwrap_or("-");
        println!(
            "   {:<36} {track:<7} {ready:>5}  {version}",
            format!("{}/{}", object.kind(), object.name())
        );
    }
    Ok(())
}
