//! Processes that are killed (SIGKILL) in the middle of a write of an operation. What they were writing arrives
//! after their death, or never. Then somebody calls, or nobody does.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use nprt_testkit::{Gate, GateRequest};
use serde_json::Value;

use crate::broken_off::{BrokenOff, Case, command};
use crate::plane::{SHORT, plane};
use crate::process::Worker;
use nprt_testkit::reliability::{Row, times};

/// The operations, and about how many writes each has.
const OPERATIONS: [(&str, usize); 4] = [("deploy", 10), ("canary", 6), ("promote", 14), ("rollback", 6)];
/// How many services run at once: each case waits for a lease to expire.
const SERVICES: usize = 2;

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_process_leaves_is_whole_after_the_next_call() {
    let Some(plane) = plane().await else { return };
    let plane = plane.read().await;
    let count = times(4, 50);
    let services = (0..SERVICES).map(async |first| {
        let mut service = BrokenOff::new(&plane, "kill").await;
        let gate = plane.gate(&service.shop.user).await.unwrap();
        let mut killed = 0;
        for number in (first..count).step_by(SERVICES) {
            let (operation, writes) = OPERATIONS[number % 4];
            let round = number / 4;
            let case = service.prepare(operation).await;
            // Every write comes at some time, and arrives or does not.
            let nth = 1 + (3 + round * 5) % writes;
            let at = kill(&service.shop.namespace, &gate, case, nth, round.is_multiple_of(2)).await;
            killed += usize::from(at.is_some());
            let at = at.unwrap_or_else(|| "not before it had ended".to_owned());
            service.next_call(case, number + round, &format!("killed at write {nth}: {at}")).await;
        }
        killed
    });
    let killed: usize = join_all(services).await.into_iter().sum();
    assert!(killed * 4 >= count * 3, "few were killed before they had ended: {killed} of {count}");
    let name = "a process killed during a write to the cluster; then another call";
    let now = format!("{count} of {count} repaired; {killed} died midway");
    Row { section: "Failures", name, before: "32 of 32 repaired", now }.keep().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_process_leaves_is_finished_or_undone_without_a_call() {
    let Some(plane) = plane().await else { return };
    let plane = plane.read().await;
    let count = times(8, 50);
    let services = (0..SERVICES).map(async |first| {
        let mut service = BrokenOff::new(&plane, "recover").await;
        let gate = plane.gate(&service.shop.user).await.unwrap();
        let mut settled = [0, 0, 0];
        for number in (first..count).step_by(SERVICES) {
            let (operation, writes) = OPERATIONS[number % 4];
            let round = number / 4;
            let case = service.prepare(operation).await;
            // First near the end, then near the beginning.
            let nth = 1 + (writes * 3 / 4 + round * 5) % writes;
            let at = kill(&service.shop.namespace, &gate, case, nth, round.is_multiple_of(2)).await;
            let at = format!("killed at write {nth}: {at:?}");
            let (finished, undone) = service.recover(case, &at).await;
            println!("{operation}, {at}: finished {finished:?}, undone {undone:?}");
            settled[0] += usize::from(finished.is_some());
            settled[1] += usize::from(undone.is_some());
            settled[2] += usize::from(finished.is_none() && undone.is_none());
        }
        settled
    });
    let settled = join_all(services).await;
    let [finished, undone, neither] =
        [0, 1, 2].map(|i| settled.iter().map(|settled| settled[i]).sum::<usize>());
    assert!(finished > 0 && undone > 0, "{finished} finished, {undone} undone");
    let name = "a process killed during a write to the cluster; then nobody calls";
    let now = format!(
        "{count} of {count} settled by the autopilot: {finished} finished, {undone} undone, {neither} had left nothing"
    );
    Row { section: "Failures", name, before: Row::NOT_MEASURED, now }.keep().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_promotion_that_was_applied_is_finished_as_soon_as_the_dead_lease_ends() {
    let Some(plane) = plane().await else { return };
    let plane = plane.read().await;
    let mut service = BrokenOff::new(&plane, "finish").await;
    let gate = plane.gate(&service.shop.user).await.unwrap();
    let case = service.prepare("promote").await;
    let mut victim = Worker::start(gate.kubeconfig(), &service.shop.namespace, SHORT);
    let mut run = victim.tell(command("promote", case.next)).await;
    // The pods of stable are about to be replaced.
    let is_rollout = |event: &Value| event["event"] == "rollout" && event["workload"]["name"] == "web";
    while !is_rollout(&run.next().await.expect("it is under way")) {}
    victim.kill().await;
    let killed = Instant::now();
    let (finished, undone) = service.recover(case, "killed while the pods were replaced").await;
    let took = killed.elapsed();
    println!("killed, and finished after {took:.1?} with a lease of {SHORT} s: {finished:?}, {undone:?}");
    assert!(finished.is_some_and(|what| what.contains("promotion")), "it goes forward");
    assert!(took < Duration::from_secs(SHORT + 20), "{took:?}");
}

/// Lets a process do the operation, kills it at its `nth` write, and says which that was.
async fn kill(namespace: &str, gate: &Gate, case: Case, nth: usize, arrives: bool) -> Option<String> {
    let mut victim = Worker::start(gate.kubeconfig(), namespace, SHORT);
    let held = gate.hold(nth, GateRequest::is_write);
    let mut run = victim.tell(command(case.operation, case.next)).await;
    let held = tokio::select! {
        held = held => held.ok(),
        _ = run.outcome() => None,
    };
    victim.kill().await;
    let held = held?;
    let what = format!("{} {}", held.request.method, held.request.target);
    Some(match arrives {
        true => format!("{what}, which arrived: {:?}", held.pass().await),
        false => format!("{what}, which did not arrive"),
    })
}
