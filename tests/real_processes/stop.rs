//! A process that stands still (SIGSTOP) until its lease has expired and another has deployed: what it was
//! writing, or writes when it goes on (SIGCONT), must not land, or must not stay.

use std::time::Duration;

use nprt_testkit::{ControlPlane, Gate, Shop, ShopState};
use serde_json::json;

use crate::plane::{SHORT, plane};
use crate::process::{Outcome, Worker};
use crate::version::Version;
use nprt_testkit::reliability::times;

/// About how many writes a deploy has, without those of its lease.
const WRITES: usize = 9;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_holder_that_was_stopped_past_its_lease_lands_or_stays() {
    let Some(plane) = plane().await else { return };
    let plane = plane.read().await;
    let mut failed = Vec::new();
    let mut cases = Cases::new(&plane).await;
    // Few: the record, an object in the middle, the last Deployment, and between two writes.
    let few = [(1, true), (4, true), (7, true), (4, false)];
    let all = (1..=WRITES).flat_map(|nth| [(nth, true), (nth, false)]);
    let all: Vec<_> = if times(0, 1) == 0 { few.to_vec() } else { all.collect() };
    for (nth, in_the_middle) in all {
        failed.extend(cases.case(nth, in_the_middle).await.err());
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

struct Cases {
    shop: Shop,
    gate: Gate,
    other: Worker,
    versions: u64,
}

impl Cases {
    async fn new(plane: &ControlPlane) -> Self {
        let shop = Shop::new(plane, "stop").await.unwrap();
        let gate = plane.gate(&shop.user).await.unwrap();
        Self { other: Worker::of(&shop, 30), shop, gate, versions: 0 }
    }

    /// Stops a deploy at its `nth` write: while the server is about to get it, or before it is sent.
    async fn case(&mut self, nth: usize, in_the_middle: bool) -> Result<(), String> {
        let [before, late, last] = [0, 1, 2].map(|i| Version::new(self.versions + i));
        let late = Version::with_more(late.n);
        self.versions += 3;
        self.deploy(before).await;

        let mut stopped = Worker::start(self.gate.kubeconfig(), &self.shop.namespace, SHORT);
        let held = self.gate.hold(nth, |request| request.is_write() && !request.is_of_lease());
        let mut run = stopped.deploy(late).await;
        let held = tokio::select! {
            held = held => held.unwrap(),
            outcome = run.outcome() => return Err(format!("ended before write {nth}: {outcome:?}")),
        };
        let what = format!("{} {}", held.request.method, held.request.target);
        stopped.signal("STOP");
        let mut answer = None;
        let held = if in_the_middle {
            Some(held)
        } else {
            // The answer comes to a process that stands still.
            answer = held.pass().await;
            None
        };
        self.deploy(last).await;
        if let Some(held) = held {
            answer = held.pass().await;
        }
        let at =
            format!("stopped at write {nth}, {what}, in the middle: {in_the_middle}, answered {answer:?}");
        self.is(last, answer == Some(201), &format!("{at}: it landed")).await?;
        stopped.signal("CONT");
        let outcome = tokio::time::timeout(Duration::from_secs(60), run.outcome()).await;
        let at = format!("{at}, and ended with {outcome:?}");
        match outcome {
            Ok(Outcome::Failed { kind, .. }) if kind == "cancelled" => {}
            _ => return Err(format!("{at}: it is not told that it was cancelled")),
        }
        self.is(last, false, &format!("{at}: it stayed")).await?;
        // Nor does the next operation take anything of it for something to go back to.
        self.other.tell(json!({"do": "rollback"})).await.done().await;
        self.is(last, false, &format!("{at}: it came back")).await
    }

    async fn deploy(&mut self, version: Version) {
        self.other.tell(json!({"do": "deploy", "n": version.n, "wait": 60})).await.done().await;
    }

    /// All is of `version`. What the stopped process has just `made` may be there beside it: the server cannot tell
    /// that it is too late. It is to take it back when it goes on.
    async fn is(&self, version: Version, made: bool, what: &str) -> Result<(), String> {
        let (mut state, whole) = (self.shop.state().await.unwrap(), ShopState::of(version));
        if made {
            state.others.clear();
            state.stable.retain(|object, _| whole.stable.contains_key(object));
        }
        if state == whole { Ok(()) } else { Err(format!("{what}: {state:#?}")) }
    }
}
