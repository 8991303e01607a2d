//! Deploys of different commits at the same time, from two processes.

use futures_util::future::join_all;
use nprt_testkit::{Shop, ShopState};
use serde_json::json;

use crate::plane::plane;
use crate::process::{Outcome, Worker};
use crate::version::Version;
use nprt_testkit::reliability::times;

/// Of each round, one of each process waits for the others, and one does not.
const ROUND: u64 = 4;

#[tokio::test(flavor = "multi_thread")]
async fn overlapping_deploys_never_end_mixed() {
    let Some(plane) = plane().await else { return };
    let plane = plane.read().await;
    let shop = Shop::new(&plane, "overlap").await.unwrap();
    let mut workers = [Worker::of(&shop, 30), Worker::of(&shop, 30)];
    for round in 0..times(20_u64, 200) / ROUND {
        let mut runs = Vec::new();
        for i in 0..ROUND {
            let n = round * ROUND + i;
            let wait = if i < 2 { 0 } else { 120 };
            let worker = &mut workers[usize::try_from(i % 2).unwrap()];
            runs.push((n, wait, worker.tell(json!({"do": "deploy", "n": n, "wait": wait})).await));
        }
        let ended = runs.into_iter().map(async |(n, wait, mut run)| {
            let outcome = run.outcome().await;
            // Whatever was first, nothing is left undone of it when it has ended.
            (run.epoch(), n, wait, outcome)
        });
        let mut last = None;
        for (epoch, n, wait, outcome) in join_all(ended).await {
            match outcome {
                Outcome::Done(_) => last = last.max(Some((epoch, n))),
                Outcome::Failed { kind, message } => {
                    assert_eq!((kind.as_str(), wait), ("conflict", 0), "{message}");
                    assert!(message.contains(" is deploying commit "), "who, and for what: {message}");
                }
                Outcome::Died => panic!("a worker died"),
            }
        }
        let (_, n) = last.expect("who waits gets its turn");
        assert_eq!(
            shop.state().await.unwrap(),
            ShopState::of(Version::new(n)),
            "the last one, in round {round}"
        );
    }
}
