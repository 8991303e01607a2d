//! Processes that are killed (SIGKILL) in the middle of a write of an operation. What they were writing arrives
//! after their death, or never.

use futures_util::future::join_all;
use nprt_testkit::{Gate, GateRequest};

use crate::broken_off::{BrokenOff, Case, command};
use crate::plane::{SHORT, plane};
use crate::process::Worker;
use crate::times;

/// The operations, and about how many writes each has.
const OPERATIONS: [(&str, usize); 4] = [("deploy", 10), ("canary", 6), ("promote", 14), ("rollback", 6)];
/// So many services at once: each case waits for a lease to expire.
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
