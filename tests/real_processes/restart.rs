//! An API server that dies (SIGKILL) in the middle of an operation, and comes back.

use std::time::Duration;

use crate::broken_off::{BrokenOff, command};
use crate::plane::{SHORT, plane};
use crate::process::{Outcome, Worker};
use crate::times;

/// The operations, and about how many steps each tells.
const OPERATIONS: [(&str, usize); 4] = [("deploy", 15), ("canary", 12), ("promote", 20), ("rollback", 5)];

#[tokio::test(flavor = "multi_thread")]
async fn what_an_api_server_leaves_that_dies_is_whole_after_the_next_call() {
    let Some(plane) = plane().await else { return };
    // Nobody else uses it meanwhile.
    let mut plane = plane.write().await;
    let mut service = BrokenOff::new(&plane, "restart").await;
    // One loses its lease while the server is gone, the other does not.
    let mut workers = [Worker::of(&service.shop, SHORT), Worker::of(&service.shop, 60)];
    for number in 0..times(5, 50) {
        let (operation, steps) = OPERATIONS[number % 4];
        let round = number / 4;
        let case = service.prepare(operation).await;
        let step = (steps / 2 + round * 7) % steps;
        let mut run = workers[(number + round) % 2].tell(command(operation, case.next)).await;
        let mut ended = None;
        while run.events.len() <= step && ended.is_none() {
            ended = run.next().await.err();
        }
        plane.kill_api_server();
        plane.restart_api_server().await.unwrap();
        if ended.is_none() {
            ended = tokio::time::timeout(Duration::from_secs(180), run.outcome()).await.ok();
        }
        let Some(ended) = ended else {
            let now = service.shop.kubectl(&["get", "all,leases", "-o", "wide"]).await;
            panic!("{operation} without a server at step {step} does not end: {:#?}\n{now:?}", run.events)
        };
        assert!(!matches!(ended, Outcome::Died), "the process lives on");
        let at = format!("without a server at step {step} ({:?}): {ended:?}", run.events.get(step));
        service.next_call(case, number + round, &at).await;
    }
}
