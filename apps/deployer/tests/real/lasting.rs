//! A server that deploys for long: what it keeps, and what it starts.

use futures_util::future::join_all;
use nprt_testkit::ShopState;
use serde_json::json;

use crate::bound;
use crate::support::OF_IMAGE;
use crate::usage::{Memory, has_had_children};
use crate::world::{World, deploy, plane};
use nprt_testkit::reliability::times;

/// Shops that are deployed at once.
const SHOPS: usize = 4;
/// What it may have in memory in the end, in MiB: as the image has it, static and built for size; with the system's
/// libraries and built for speed, where glibc keeps memory for each thread that there was; and without optimisation,
/// which is a larger program.
const IMAGE: u64 = 25;
const SPEED: u64 = 48;
const LENIENT: u64 = 80;

#[tokio::test(flavor = "multi_thread")]
async fn many_deploys_leave_little_in_memory_and_start_no_process() {
    let Some(plane) = plane().await else { return };
    let plane = plane.write().await;
    let Some(world) = World::new(&plane, "lasting", SHOPS).await else { return };
    // Looking after a service must not get in the way of its deploys, which do not wait.
    let server = world.server("lasting", &json!({"autopilot": {"interval_seconds": 1}})).await;
    let (deploys, mut last) = (times(50_usize, 1000), world.commit().await);
    let mut seen = vec![Memory::of(server.pid())];
    for round in 0..deploys.div_ceil(SHOPS) {
        last = world.commit().await;
        let all = (0..SHOPS).map(async |shop| server.put(&deploy(shop, &last, 0)).await);
        for (status, done) in join_all(all).await {
            assert_eq!(status, 200, "round {round}: {done}");
        }
        seen.push(Memory::of(server.pid()));
    }
    for shop in &world.shops {
        assert_eq!(shop.state().await.unwrap(), ShopState::of(&last));
    }
    let (first, now) = (seen[0], *seen.last().unwrap());
    let some = seen.iter().step_by(seen.len() / 10 + 1).map(|memory| memory.rss).collect::<Vec<_>>();
    eprintln!("after {deploys} deploys {now}, at the start {first}, meanwhile {some:?}");
    let most = if OF_IMAGE.is_some() { IMAGE } else { bound(LENIENT, SPEED) };
    assert!(now.rss <= most << 10, "more than {most} MiB: {now}, at the start {first}, meanwhile {some:?}");

    assert!(has_had_children(std::process::id()), "this process has had some, which must be seen");
    assert!(!has_had_children(server.pid()), "a deploy started a process");
}
