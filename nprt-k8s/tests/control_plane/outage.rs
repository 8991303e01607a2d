//! A server that goes away, or that we are nobody to.

use futures_util::StreamExt;
use nprt_core::ErrorKind;
use nprt_core::model::ServiceName;
use nprt_core::ports::{Cluster, RolloutPhase, Takeover};
use nprt_k8s::KubernetesConfig;
use nprt_testkit::{ControlPlane, ControlPlaneOptions, need};
use serde_json::{Value, json};

use crate::world::{World, as_user, connect, deployment, limited, request, with};

#[tokio::test]
async fn a_rollout_is_followed_across_a_restart_of_the_server() {
    let options = ControlPlaneOptions { nodes: 1, ..ControlPlaneOptions::default() };
    let Some(mut plane) = need(ControlPlane::start_with(options).await) else { return };
    // Another cluster, of the same process.
    let Some(other) = World::new("beside").await else { return };
    let user = limited(&plane, "default").await;
    let cluster = connect(as_user(&user, "default")).await;
    let lease = cluster.acquire(&request("cart", "test", Takeover::WhenExpired)).await.unwrap();
    let stuck = json!({"sim/behaviour": "never-ready"});
    let stuck = with(deployment("cart"), "/spec/template/metadata/annotations", stuck);
    let stuck = with(stuck, "/spec/progressDeadlineSeconds", json!(600));
    cluster.apply(&lease, &stuck).await.unwrap();
    let mut rollout = cluster.watch_rollout(&stuck.id());
    assert_eq!(rollout.next().await.unwrap().unwrap().phase, RolloutPhase::Progressing);
    plane.kill_api_server();
    let error = cluster.get(&stuck.id()).await.unwrap_err();
    assert_eq!((error.kind(), error.is_temporary()), (ErrorKind::Unavailable, true), "{error:?}");
    let theirs = other.lease("cart").await;
    assert_eq!(other.cluster.get(&stuck.id()).await.unwrap(), None);
    other.cluster.apply(&theirs, &deployment("cart")).await.unwrap();
    plane.restart_api_server().await.unwrap();
    // Whether the new server still knows the version that the watch has seen last depends on what came after
    // it; `tests/watch.rs` has both answers.
    // The deadline stays: the time without controllers counts in it.
    let mended = with(deployment("cart"), "/spec/progressDeadlineSeconds", json!(600));
    cluster.apply(&lease, &mended).await.unwrap();
    let rest = tokio::time::timeout(std::time::Duration::from_secs(180), rollout.collect::<Vec<_>>());
    let statuses: Vec<_> = rest.await.unwrap().into_iter().map(Result::unwrap).collect();
    assert_eq!(statuses.last().unwrap().phase, RolloutPhase::Complete, "{statuses:?}");
}

#[tokio::test]
async fn strangers_and_strange_servers_are_told_apart() {
    let Some(world) = World::new("strangers").await else { return };
    let config: Value = serde_json::from_slice(&std::fs::read(world.user.kubeconfig()).unwrap()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let asked_with = async |name: &str, pointer: &str, value: Value| {
        let mut config = config.clone();
        *config.pointer_mut(pointer).unwrap() = value;
        let path = folder.path().join(name);
        std::fs::write(&path, config.to_string()).unwrap();
        let config = KubernetesConfig { kubeconfig: Some(path), ..KubernetesConfig::default() };
        connect(config).await.list(&ServiceName::new("cart").unwrap()).await.unwrap_err()
    };
    let stranger = asked_with("token", "/users/0/user", json!({"token": "nobody"})).await;
    assert_eq!(stranger.kind(), ErrorKind::Unauthenticated, "{stranger:?}");
    let server = config["clusters"][0]["cluster"]["server"].clone();
    let strange = asked_with("ca", "/clusters/0/cluster", json!({"server": server})).await;
    assert_eq!((strange.kind(), strange.is_temporary()), (ErrorKind::Unexpected, false), "{strange:?}");
    assert!(strange.message().contains("certificate"), "{strange:?}");
    // The default namespace, where the role is not bound.
    let elsewhere = connect(as_user(&world.user, "default")).await;
    let error = elsewhere.list(&ServiceName::new("cart").unwrap()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Forbidden, "{error:?}");
}
