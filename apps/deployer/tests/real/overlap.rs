//! Deploys of different commits at the same time, by two replicas.

use futures_util::future::join_all;
use nprt_testkit::ShopState;
use serde_json::json;

use crate::world::{World, deploy, plane};
use nprt_testkit::reliability::times;

/// Of each round, one at each replica waits for the others, and one does not.
const ROUND: usize = 4;

#[tokio::test(flavor = "multi_thread")]
async fn overlapping_deploys_by_two_replicas_never_end_mixed() {
    let Some(plane) = plane().await else { return };
    let plane = plane.read().await;
    let Some(world) = World::new(&plane, "replicas", 1).await else { return };
    let replicas = [world.server("one", &json!({})).await, world.server("two", &json!({})).await];
    let mut refused = 0;
    for round in 0..times(20, 200) / ROUND {
        let commits = join_all((0..ROUND).map(|_| world.commit())).await;
        let asked = commits.iter().enumerate().map(async |(i, commit)| {
            let wait = if i < 2 { 0 } else { 120 };
            let (status, body) = replicas[i % 2].put(&deploy(0, commit, wait)).await;
            match (status.as_u16(), wait) {
                (200, _) => {
                    assert_eq!(body["tag"], commit.tag.as_str(), "{body}");
                    Some(ShopState::of(commit))
                }
                (409, 0) => {
                    assert_eq!(body["kind"], "conflict", "{body}");
                    assert!(body.to_string().contains(" is deploying commit "), "who, and for what: {body}");
                    None
                }
                _ => panic!("round {round}, waiting for {wait} s: {status} {body}"),
            }
        });
        let done: Vec<_> = join_all(asked).await.into_iter().flatten().collect();
        assert!(done.len() >= ROUND / 2, "who waits gets its turn");
        refused += ROUND - done.len();
        let state = world.shops[0].state().await.unwrap();
        assert!(done.contains(&state), "round {round} ends with all of one of {done:#?}: {state:#?}");
    }
    assert!(refused > 0, "they overlapped");
}
