//! Processes that are killed (SIGKILL) in the middle of a write of an operation. What they were writing arrives
//! after their death, or never.

use futures_util::future::join_all;
use nprt_testkit::{ControlPlane, Gate, GateRequest};
use serde_json::{Value, json};

use crate::process::{Outcome, Worker};
use crate::shop::{SHORT, Shop, State, plane};
use crate::times;
use crate::version::Version;

/// The operations, and about how many writes each has.
const OPERATIONS: [(&str, usize); 4] = [("deploy", 10), ("canary", 6), ("promote", 14), ("rollback", 6)];
/// So many services at once: each case waits for a lease to expire.
const SERVICES: usize = 2;

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_process_leaves_is_whole_after_the_next_call() {
    let Some(plane) = plane().await else { return };
    let plane = plane.read().await;
    let count = times(4, 50);
    let services = (0..SERVICES).map(async |service| {
        let mut cases = Cases::new(&plane).await;
        for case in (service..count).step_by(SERVICES) {
            cases.case(case).await;
        }
        cases.caught
    });
    let caught: usize = join_all(services).await.into_iter().sum();
    assert!(caught * 4 >= count * 3, "few were killed before they had ended: {caught} of {count}");
}

struct Cases {
    shop: Shop,
    gate: Gate,
    /// The process that lives on.
    other: Worker,
    versions: u64,
    caught: usize,
}

impl Cases {
    async fn new(plane: &ControlPlane) -> Self {
        let shop = Shop::new(plane, "kill").await;
        let gate = plane.gate(&shop.user).await.unwrap();
        Self { other: shop.worker(30), shop, gate, versions: 0, caught: 0 }
    }

    async fn case(&mut self, number: usize) {
        let (operation, writes) = OPERATIONS[number % 4];
        let round = number / 4;
        // Every write comes at some time, each with other neighbours.
        let nth = 1 + (3 + round * 5) % writes;
        let (before, next) = (self.version(), Version::with_more(self.version().n));
        self.done("deploy", before).await;
        if operation == "promote" || operation == "rollback" {
            self.done("canary", next).await;
        }
        let arrives = round.is_multiple_of(2);
        let at = self.kill(operation, next, nth, arrives).await;
        let then = [operation, "rollback", "deploy"][(number + round) % 3];
        let third = if then == operation { next } else { self.version() };
        let what =
            format!("{operation} of {next:?} after {before:?}, killed at write {nth} ({at}), then {then}");
        let outcome = self.call(then, third).await;
        let state = self.shop.state().await;
        match (then, &outcome) {
            // Its canary may be gone already.
            ("promote", Outcome::Failed { kind, .. }) if kind == "conflict" => {}
            (_, outcome) => assert!(outcome.is_done(), "{what}: {outcome:?}"),
        }
        let mut whole = State::of(third);
        if then == "rollback" || then == "canary" || !outcome.is_done() {
            // The stable version is the one or the other, and whole.
            whole = State::of(if state.stable == State::of(next).stable { next } else { before });
        }
        if then == "canary" {
            whole.canary = State::canary_of(next);
        }
        assert_eq!(state, whole, "{what}: {outcome:?}");
    }

    /// Lets a process do `operation`, kills it at its `nth` write, and says which that was.
    async fn kill(&mut self, operation: &str, version: Version, nth: usize, arrives: bool) -> String {
        let mut victim = Worker::start(self.gate.kubeconfig(), &self.shop.namespace, SHORT);
        let held = self.gate.hold(nth, GateRequest::is_write);
        let mut run = victim.tell(command(operation, version)).await;
        let held = tokio::select! {
            held = held => held.ok(),
            _ = run.outcome() => None,
        };
        victim.kill().await;
        let Some(held) = held else { return "it had ended".to_owned() };
        self.caught += 1;
        let what = format!("{} {}", held.request.method, held.request.target);
        match arrives {
            true => format!("{what}, which arrived: {:?}", held.pass().await),
            false => format!("{what}, which did not arrive"),
        }
    }

    async fn call(&mut self, operation: &str, version: Version) -> Outcome {
        self.other.tell(command(operation, version)).await.outcome().await
    }

    async fn done(&mut self, operation: &str, version: Version) {
        self.other.tell(command(operation, version)).await.done().await;
    }

    fn version(&mut self) -> Version {
        self.versions += 1;
        Version::new(self.versions)
    }
}

fn command(operation: &str, version: Version) -> Value {
    json!({"do": operation, "n": version.n, "more": version.more, "wait": 60})
}
