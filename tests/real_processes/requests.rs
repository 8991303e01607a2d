//! How many requests a deploy takes, by the API server's own audit log.

use nprt_testkit::{AuditedRequest, Shop};

use crate::plane::plane;
use crate::process::Worker;
use crate::version::Version;

/// The objects of a version.
const OBJECTS: usize = 6;
/// What a deploy may ask beside the two writes of each object, the dry run and the apply.
const OTHERS: usize = 12;

#[tokio::test(flavor = "multi_thread")]
async fn a_deploy_asks_little() {
    let Some(plane) = plane().await else { return };
    let plane = plane.read().await;
    let shop = Shop::new(&plane, "requests").await.unwrap();
    let mut worker = Worker::of(&shop, 30);
    let (mut seen, mut deploys) = (0, Vec::new());
    for n in 1..=4 {
        worker.deploy(Version::new(n)).await.done().await;
        let mut all = plane.requests(&shop.namespace, "nprt").await.unwrap();
        deploys.push(all.split_off(seen));
        seen += deploys.last().unwrap().len();
    }
    for requests in &deploys {
        let writes = requests.iter().filter(|request| is_of_version(request)).count();
        assert_eq!(writes, 2 * OBJECTS, "{}", listing(requests));
    }
    // The first makes the objects. And where pods take long, on a busy machine, waiting for them asks again: the
    // least counts.
    let least = deploys[1..].iter().min_by_key(|requests| requests.len()).unwrap();
    let others = least.len() - 2 * OBJECTS;
    eprintln!("{others} others: {}", listing(least));
    assert!(others <= OTHERS, "{others} others: {}", listing(least));
}

/// Whether it is the dry run or the apply of an object of the version.
fn is_of_version(request: &AuditedRequest) -> bool {
    let path = request.uri.split('?').next().unwrap_or_default();
    request.is_write() && (path.ends_with("/web") || path.ends_with("/worker"))
}

fn listing(requests: &[AuditedRequest]) -> String {
    let lines: Vec<String> = requests.iter().map(ToString::to_string).collect();
    format!("{} requests\n{}", requests.len(), lines.join("\n"))
}
