//! An API server, or its etcd, that dies (SIGKILL) in the middle of an operation, and comes back.

use std::time::Duration;

use nprt_testkit::ControlPlane;
use nprt_testkit::reliability::{Row, times};

use crate::broken_off::{BrokenOff, command};
use crate::plane::{SHORT, plane};
use crate::process::{Outcome, Worker};

/// The operations, and about how many steps each tells.
const OPERATIONS: [(&str, usize); 4] = [("deploy", 15), ("canary", 12), ("promote", 20), ("rollback", 5)];

/// How long etcd is away: requests under way fail or hang, and the API server says that it is not ready.
const ETCD_OUTAGE: Duration = Duration::from_secs(4);

#[derive(Debug, Clone, Copy)]
enum Victim {
    ApiServer,
    Etcd,
}

impl Victim {
    async fn dies_and_comes_back(self, plane: &mut ControlPlane) {
        match self {
            Self::ApiServer => {
                plane.kill_api_server();
                plane.restart_api_server().await.unwrap();
            }
            Self::Etcd => {
                plane.kill_etcd();
                tokio::time::sleep(ETCD_OUTAGE).await;
                plane.restart_etcd().await.unwrap();
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_api_server_leaves_that_dies_is_whole_after_the_next_call() {
    survives(Victim::ApiServer, "the API server killed during an operation; then another call").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_etcd_leaves_that_dies_is_whole_after_the_next_call() {
    survives(Victim::Etcd, "etcd killed for 4 s during an operation; then another call").await;
}

async fn survives(victim: Victim, name: &str) {
    let Some(plane) = plane().await else { return };
    // Nobody else uses it meanwhile.
    let mut plane = plane.write().await;
    let mut service = BrokenOff::new(&plane, "restart").await;
    // One loses its lease while the server is gone, the other does not. The next call watches that for a minute.
    let mut workers = [Worker::of(&service.shop, SHORT), Worker::of(&service.shop, 45)];
    let count = times(5, 50);
    let mut midway = 0;
    for number in 0..count {
        let (operation, steps) = OPERATIONS[number % 4];
        let round = number / 4;
        let case = service.prepare(operation).await;
        let step = (steps / 2 + round * 7) % steps;
        let mut run = workers[(number + round) % 2].tell(command(operation, case.next)).await;
        let mut ended = None;
        while run.events.len() <= step && ended.is_none() {
            ended = run.next().await.err();
        }
        midway += usize::from(ended.is_none());
        victim.dies_and_comes_back(&mut plane).await;
        if ended.is_none() {
            ended = tokio::time::timeout(Duration::from_secs(180), run.outcome()).await.ok();
        }
        let Some(ended) = ended else {
            let now = service.shop.kubectl(&["get", "all,leases", "-o", "wide"]).await;
            panic!("{operation} without {victim:?} at step {step} does not end: {:#?}\n{now:?}", run.events)
        };
        assert!(!matches!(ended, Outcome::Died), "the process lives on");
        let at = format!("without {victim:?} at step {step} ({:?}): {ended:?}", run.events.get(step));
        service.next_call(case, number + round, &at).await;
    }
    let now = format!("{count} of {count} whole; {midway} were cut off midway");
    Row { section: "Failures", name, before: Row::NOT_MEASURED, now }.keep().unwrap();
}
