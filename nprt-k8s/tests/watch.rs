//! What a watch lives through, answer by answer. On the real control plane the same is shown across a restart
//! of the API server (`control_plane/outage.rs`); here each case comes when it is wanted.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says what it expects")]

use futures_util::StreamExt;
use nprt_core::model::ObjectId;
use nprt_core::ports::{Cluster, RolloutPhase, RolloutStatus};
use nprt_k8s::{KubernetesCluster, KubernetesConfig};
use serde_json::{Value, json};
use wiremock::matchers::{method, path, query_param, query_param_is_missing};
use wiremock::{Mock, MockServer, ResponseTemplate};

const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/shop/deployments";

/// The Deployment `cart` of one pod, of which `available` are available.
fn cart(version: u64, available: u64) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "cart", "namespace": "shop", "uid": "1", "generation": 1,
            "resourceVersion": version.to_string()},
        "spec": {"replicas": 1},
        "status": {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1,
            "readyReplicas": available, "availableReplicas": available}})
}

fn modified(object: &Value) -> String {
    format!("{}\n", json!({"type": "MODIFIED", "object": object}))
}

/// Answers one list with `object`, or one watch from a version with `body`.
async fn list(server: &MockServer, object: &Value) {
    let answer = json!({"apiVersion": "apps/v1", "kind": "DeploymentList", "items": [object],
        "metadata": {"resourceVersion": object["metadata"]["resourceVersion"]}});
    Mock::given(method("GET"))
        .and(path(DEPLOYMENTS))
        .and(query_param("fieldSelector", "metadata.name=cart"))
        .and(query_param_is_missing("watch"))
        .respond_with(ResponseTemplate::new(200).set_body_json(answer))
        .up_to_n_times(1)
        .expect(1)
        .mount(server)
        .await;
}

async fn watch(server: &MockServer, from: &str, answer: ResponseTemplate) {
    Mock::given(method("GET"))
        .and(path(DEPLOYMENTS))
        .and(query_param("fieldSelector", "metadata.name=cart"))
        .and(query_param("watch", "true"))
        .and(query_param("resourceVersion", from))
        .respond_with(answer)
        .up_to_n_times(1)
        .expect(1)
        .mount(server)
        .await;
}

fn body(text: String) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_raw(text, "application/json")
}

fn gone() -> Value {
    json!({"apiVersion": "v1", "kind": "Status", "status": "Failure", "reason": "Expired", "code": 410,
        "message": "too old resource version: 10 (17)", "metadata": {}})
}

/// All statuses; the server sees to it that each of its answers was asked for, once.
async fn statuses(server: &MockServer) -> Vec<RolloutStatus> {
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("kubeconfig");
    let config = json!({"apiVersion": "v1", "kind": "Config", "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": server.uri()}}],
        "users": [{"name": "u", "user": {}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u", "namespace": "shop"}}]});
    std::fs::write(&kubeconfig, config.to_string()).unwrap();
    let config = KubernetesConfig { kubeconfig: Some(kubeconfig), ..KubernetesConfig::default() };
    let cluster = KubernetesCluster::builder(config).build().await.unwrap();
    let (api_version, kind) = ("apps/v1".to_owned(), "Deployment".to_owned());
    let id = ObjectId { api_version, kind, namespace: None, name: "cart".to_owned() };
    let all = cluster.watch_rollout(&id).map(Result::unwrap).collect();
    tokio::time::timeout(std::time::Duration::from_secs(30), all).await.unwrap()
}

/// Under way first, and complete at last.
async fn completes(server: &MockServer) {
    let statuses = statuses(server).await;
    let phases: Vec<_> = statuses.iter().map(|status| status.phase).collect();
    assert_eq!(phases, [RolloutPhase::Progressing, RolloutPhase::Complete], "{statuses:?}");
}

#[tokio::test]
async fn a_watch_that_ends_goes_on_where_it_was() {
    let server = MockServer::start().await;
    list(&server, &cart(10, 0)).await;
    watch(&server, "10", body(modified(&cart(11, 0)))).await;
    watch(&server, "11", body(modified(&cart(12, 1)))).await;
    completes(&server).await;
}

#[tokio::test]
async fn a_watch_that_breaks_within_a_line_goes_on_before_it() {
    let server = MockServer::start().await;
    list(&server, &cart(10, 0)).await;
    let lines = modified(&cart(11, 0)) + &modified(&cart(12, 1));
    watch(&server, "10", body(lines[..lines.len() - 40].to_owned())).await;
    watch(&server, "11", body(modified(&cart(12, 1)))).await;
    completes(&server).await;
}

#[tokio::test]
async fn a_watch_that_is_refused_for_a_while_goes_on_where_it_was() {
    let server = MockServer::start().await;
    list(&server, &cart(10, 0)).await;
    watch(&server, "10", ResponseTemplate::new(503).set_body_string("no endpoints")).await;
    watch(&server, "10", body(modified(&cart(12, 1)))).await;
    completes(&server).await;
}

#[tokio::test]
async fn what_the_server_has_forgotten_is_listed_anew() {
    let server = MockServer::start().await;
    list(&server, &cart(10, 0)).await;
    watch(&server, "10", body(format!("{}\n", json!({"type": "ERROR", "object": gone()})))).await;
    list(&server, &cart(20, 1)).await;
    completes(&server).await;
}

#[tokio::test]
async fn a_watch_that_is_answered_with_gone_is_listed_anew() {
    let server = MockServer::start().await;
    list(&server, &cart(10, 0)).await;
    watch(&server, "10", ResponseTemplate::new(410).set_body_json(gone())).await;
    list(&server, &cart(20, 1)).await;
    completes(&server).await;
}
