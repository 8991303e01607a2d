//! What surrounds an operation that is broken off: what was there before it, the next call, and that what there
//! is then is whole.

use nprt::clock::SystemClock;
use nprt::ports::Clock as _;
use nprt_testkit::{ControlPlane, Shop, ShopState};
use serde_json::{Value, json};

use crate::process::{Outcome, Worker};
use crate::version::Version;

/// A service, and a process that lives on.
pub(crate) struct BrokenOff {
    pub(crate) shop: Shop,
    other: Worker,
    versions: u64,
}

/// An operation that will be broken off.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Case {
    pub(crate) operation: &'static str,
    before: Version,
    pub(crate) next: Version,
}

impl BrokenOff {
    pub(crate) async fn new(plane: &ControlPlane, name: &str) -> Self {
        let shop = Shop::new(plane, name).await.unwrap();
        Self { other: Worker::of(&shop, 30), shop, versions: 0 }
    }

    /// Deploys the version before, and starts the canary where the operation is about one.
    pub(crate) async fn prepare(&mut self, operation: &'static str) -> Case {
        let (before, next) = (self.version(), Version::with_more(self.version().n));
        self.other.tell(command("deploy", before)).await.done().await;
        if operation == "promote" || operation == "rollback" {
            self.other.tell(command("canary", next)).await.done().await;
        }
        Case { operation, before, next }
    }

    /// Calls the same operation again, a rollback, or a deploy of a third version, by `number`; then all is whole.
    pub(crate) async fn next_call(&mut self, case: Case, number: usize, broken_off: &str) {
        let Case { operation, before, next } = case;
        let then = [operation, "rollback", "deploy"][number % 3];
        let third = if then == operation { next } else { self.version() };
        let mut run = self.other.tell(command(then, third)).await;
        let outcome = run.outcome().await;
        let what = format!(
            "{operation} of {next:?} after {before:?}, {broken_off}, then {then}: {outcome:?} after {:#?}",
            run.events
        );
        match (then, &outcome) {
            // Its canary may be gone already.
            ("promote", Outcome::Failed { kind, .. }) if kind == "conflict" => {}
            (_, outcome) => assert!(matches!(outcome, Outcome::Done(_)), "{what}"),
        }
        let state = self.shop.state().await.unwrap();
        let mut whole = ShopState::of(third);
        if then != "deploy" {
            // The stable version is the one or the other, and whole.
            whole = ShopState::of(if state.stable == ShopState::of(next).stable { next } else { before });
        }
        if then == "canary" {
            whole.canary = ShopState::canary_of(next);
        }
        assert_eq!(state, whole, "{what}");
    }

    /// Nobody calls anything: the other process looks, as one does that has just started, and again when the lease
    /// runs out that it finds. Then all is whole, the change was either made or not, and nothing is left to do.
    /// Answers with whether it was finished or undone, and how long that took.
    pub(crate) async fn recover(&mut self, case: Case, broken_off: &str) -> (Option<String>, Option<String>) {
        let Case { operation, before, next } = case;
        let done = self.look().await;
        let state = self.shop.state().await.unwrap();
        let [without, with] = [before, before].map(ShopState::of);
        let with = ShopState { canary: ShopState::canary_of(next), ..with };
        let whole = match operation {
            "deploy" => [without, ShopState::of(next)],
            "promote" => [with, ShopState::of(next)],
            _ => [without, with],
        };
        assert!(
            whole.contains(&state),
            "{operation} of {next:?} after {before:?}, {broken_off}, then {done}: {state:#?}"
        );
        let again = self.look().await;
        assert!(again["finished"].is_null() && again["undone"].is_null(), "once: {done}, {again}");
        let said = |field: &str| done[field].as_str().map(str::to_owned);
        (said("finished"), said("undone"))
    }

    async fn look(&mut self) -> Value {
        loop {
            let done = self.other.tell(json!({"do": "tend"})).await.done().await;
            let Some(until) = done["busy_until"].as_str() else { return done };
            let until: jiff::Timestamp = until.parse().unwrap();
            let wait = until.duration_since(SystemClock.now()).max(jiff::SignedDuration::from_millis(20));
            tokio::time::sleep(wait.unsigned_abs()).await;
        }
    }

    fn version(&mut self) -> Version {
        self.versions += 1;
        Version::new(self.versions)
    }
}

/// Tells a worker to do `operation`, waiting for others.
pub(crate) fn command(operation: &str, version: Version) -> Value {
    json!({"do": operation, "n": version.n, "more": version.more, "wait": 60})
}
