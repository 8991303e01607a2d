//! A server that is killed (SIGKILL) at any point of a deploy or a promotion: what it leaves is of the two versions that
//! were meant, and the next deploy, by the server that is started again, makes it whole.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;
use nprt_testkit::{Shop, ShopState};
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde_json::{Value, json};

use crate::world::{Commit, World, deploy, plane};
use nprt_testkit::reliability::{Row, times};

/// How many shops run at once: each case waits for a lease to expire.
const SHOPS: usize = 2;
/// About how many steps a deploy tells until all is applied, and a few more.
const STEPS: usize = 14;

#[tokio::test(flavor = "multi_thread")]
async fn the_next_deploy_repairs_what_a_killed_server_leaves() {
    let Some(plane) = plane().await else { return };
    let plane = plane.read().await;
    let Some(world) = World::new(&plane, "killed", SHOPS).await else { return };
    let cases = times(10, 100);
    let killed = join_all((0..SHOPS).map(async |number| {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(number as u64);
        let mut killed = 0;
        for n in 0..cases / SHOPS {
            // After a step, and some time that may be within the next.
            let (step, then) = (random.random_range(0..STEPS), random.random_range(0..60));
            let case = Case {
                promotes: n % 3 == 2,
                step,
                then: Duration::from_millis(then),
                again: random.random(),
            };
            killed += usize::from(case.run(&world, number).await);
        }
        killed
    }));
    let killed: usize = killed.await.into_iter().sum();
    assert!(killed * 4 >= cases * 3, "few were killed before they had ended: {killed} of {cases}");
    let name = "a server killed (SIGKILL) during a deploy or a promotion; then a deploy";
    let now = format!("{cases} of {cases} repaired; {killed} died midway");
    Row { section: "Failures", name, before: "32 of 32 repaired", now }.keep().unwrap();
}

#[derive(Debug)]
struct Case {
    /// Whether a canary is promoted, or else its version deployed.
    promotes: bool,
    /// When the server is killed: after a step, and some time.
    step: usize,
    then: Duration,
    /// Whether that version is deployed afterwards, or else the one before.
    again: bool,
}

impl Case {
    /// Says whether the server was killed before it was done.
    async fn run(&self, world: &World, number: usize) -> bool {
        let (shop, name) = (&world.shops[number], format!("replica-{number}"));
        let (before, next) = (world.commit().await, world.commit().await);
        let server = world.server(&name, &json!({})).await;
        let (status, done) = server.put(&deploy(number, &before, 60)).await;
        assert_eq!(status, 200, "{done}");
        if self.promotes {
            let (status, done) =
                server.put(&format!("/shop-{number}/canary?commit={}&wait=60", next.sha)).await;
            assert_eq!(status, 200, "{done}");
        }
        let had = runs(shop).await;
        let (is_over, told) = self.kill(world, number, &next).await;

        let at = format!("{} after {}, {self:?}, {told:?}", next.tag, before.tag);
        let two = [&before, &next].map(|commit| commit.n.to_string());
        let left = shop.state().await.unwrap();
        let is_meant = |says: &String| {
            says.split(" and ").all(|one| two.iter().any(|n| one.split(' ').next() == Some(n)))
        };
        assert!(left.stable.values().all(is_meant), "{at}: {left:#?}");
        assert!(left.canary.is_empty() || self.promotes, "{at}: {left:#?}");
        assert!(left.canary.values().all(is_meant), "{at}: {left:#?}");

        let server = world.server(&name, &json!({})).await;
        let meant = if self.again { &next } else { &before };
        let (status, done) = server.put(&deploy(number, meant, 60)).await;
        assert_eq!(status, 200, "{at}: {done}\n{}", server.log());
        let state = shop.state().await.unwrap();
        assert_eq!(state, ShopState::of(meant), "{at}, then {}: {done}", meant.tag);
        let ran: BTreeSet<_> = runs(shop).await.difference(&had).map(|(_, n)| n.clone()).collect();
        assert!(ran.iter().all(|n| two.contains(n)), "{at}: a third version ran: {ran:?}");
        !is_over
    }

    /// Asks a server, which is killed: whether it was done before, and what it told.
    async fn kill(&self, world: &World, number: usize, next: &Commit) -> (bool, Vec<Value>) {
        // Its lease is waited for: it is short, and on a busy machine may be lost before the server is.
        let short =
            json!({"pipeline": {"lease_seconds": 3, "rollout_seconds": 120, "image_wait_seconds": 0}});
        let mut server = world.server(&format!("replica-{number}-killed"), &short).await;
        let path = if self.promotes { format!("/shop-{number}/promote") } else { deploy(number, next, 0) };
        let mut steps = server.steps(&path).await;
        let (mut told, mut is_over) = (Vec::new(), false);
        for _ in 0..self.step {
            let Some((name, data)) = steps.next().await else { break };
            is_over |= name != "progress";
            told.push(data["text"].clone());
        }
        tokio::time::sleep(self.then).await;
        server.kill();
        while let Some((name, _)) = steps.next().await {
            is_over |= name != "progress";
        }
        (is_over, told)
    }
}

/// All that ever had pods, a while back: the ReplicaSets, and the version of each.
async fn runs(shop: &Shop) -> BTreeSet<(String, String)> {
    let list = shop.kubectl(&["get", "replicasets", "-o", "json"]).await.unwrap();
    let list: Value = serde_json::from_str(&list).unwrap();
    let items = list["items"].as_array().unwrap().iter();
    items
        .map(|set| {
            let told = set["spec"]["template"]["spec"]["containers"][0]["env"].as_array().unwrap();
            let n = &told.iter().find(|env| env["name"] == "SHOP").unwrap()["value"];
            (set["metadata"]["uid"].to_string(), n.as_str().unwrap().to_owned())
        })
        .collect()
}
