//! Secrets with `stringData`: what the manifest no longer has goes, and a canary reads what the promotion will have.

use crate::answer::Answer as _;
use crate::world::{World, manifests};

/// The manifests, whose web pods read the Secret that is written so.
fn with(n: usize, secret: &str) -> String {
    let reads = "envFrom: [{configMapRef: {name: web}}, {secretRef: {name: s}}]";
    let manifests = manifests(n, "").replace("envFrom: [{configMapRef: {name: web}}]", reads);
    format!("{manifests}---\napiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\n{secret}\n")
}

/// The keys of a live Secret, without their values.
async fn keys(world: &World, name: &str) -> Vec<String> {
    let secret = world.object(&format!("secret/{name}")).await;
    secret["data"].as_object().map(|data| data.keys().cloned().collect()).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_dropped_goes_however_it_was_written() {
    let Some(world) = World::new("secrets").await else { return };
    let nprt = world.process().await;
    for (n, (written, expected)) in [
        ("stringData: {keep: x, gone: hunter2}", &["gone", "keep"][..]),
        ("stringData: {keep: x}", &["keep"]),
        // In both: the text counts.
        ("stringData: {keep: x, both: text}\ndata: {both: eA==}", &["both", "keep"]),
        // From one field to the other.
        ("data: {keep: eA==}\nstringData: {moved: x}", &["keep", "moved"]),
        ("data: {moved: eA==}", &["moved"]),
        ("stringData: {}", &[]),
    ]
    .into_iter()
    .enumerate()
    {
        nprt.deploy(&world.commit(&with(n, written))).await.accepted();
        assert_eq!(keys(&world, "s").await, expected, "{written}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_reads_the_keys_that_the_promotion_will_have() {
    let Some(world) = World::new("secrets-canary").await else { return };
    let nprt = world.process().await;
    nprt.deploy(&world.commit(&with(1, "stringData: {keep: x, gone: hunter2}"))).await.accepted();
    let second = world.commit(&with(1, "stringData: {keep: x}"));
    let done = nprt.canary(&second).await.accepted();
    assert!(done.withheld.iter().any(|id| id.kind == "Secret"), "{done:?}");
    assert_eq!(keys(&world, "s-canary").await, ["keep"]);
    assert_eq!(keys(&world, "s").await, ["gone", "keep"], "stable's own waits");
    nprt.promote(&second).await.accepted();
    assert_eq!(keys(&world, "s").await, ["keep"], "what was tried is what was promoted");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_kubectl_applied_goes_too() {
    let Some(world) = World::new("secrets-kubectl").await else { return };
    world.kubectl_makes(&["apply"], &with(1, "stringData: {keep: x, gone: hunter2}")).await;
    world.process().await.deploy(&world.commit(&with(2, "stringData: {keep: x}"))).await.accepted();
    assert_eq!(keys(&world, "s").await, ["keep"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_immutable_one_stays_as_it_is_and_a_number_is_refused() {
    let Some(world) = World::new("secrets-immutable").await else { return };
    let nprt = world.process().await;
    let fixed = "immutable: true\nstringData: {keep: x}";
    nprt.deploy(&world.commit(&with(1, fixed))).await.accepted();
    nprt.deploy(&world.commit(&with(2, fixed))).await.accepted();
    let error = nprt.deploy(&world.commit(&with(3, "stringData: {pin: 123456789}"))).await;
    let error = error.refused_with(&["Secret/s", "stringData.pin", "expected text"]);
    assert!(!error.to_string().contains("123456789"), "{error}");
    assert_eq!(world.object("configmap/web").await["data"]["n"], "2", "nothing changed");
}
