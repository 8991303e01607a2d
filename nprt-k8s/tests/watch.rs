//! What a watch lives through, answer by answer. On the real control plane the same is shown across a restart
//! of the API server (`control_plane/outage.rs`); here each case comes when it is wanted.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says what it expects")]

use futures_util::StreamExt;
use nprt_core::Result;
use nprt_core::model::ObjectId;
use nprt_core::ports::{Cluster, RolloutPhase, RolloutStatus};
use nprt_k8s::{KubernetesCluster, KubernetesConfig};
use serde_json::{Value, json};
use wiremock::matchers::{method, path, query_param, query_param_is_missing};
use wiremock::{Mock, MockServer, ResponseTemplate};

const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/shop/deployments";

/// By what one workload is watched.
const ALONE: (&str, &str) = ("fieldSelector", "metadata.name=cart");

/// The Deployment `cart` of one pod, of which `available` are available.
fn cart(version: u64, available: u64) -> Value {
    deployment("cart", version, available)
}

fn deployment(name: &str, version: u64, available: u64) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": name, "namespace": "shop", "uid": "1", "generation": 1,
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
    let version = object["metadata"]["resourceVersion"].as_str().unwrap();
    list_by(server, ALONE, version, std::slice::from_ref(object)).await;
}

async fn list_by(server: &MockServer, (key, selector): (&str, &str), version: &str, objects: &[Value]) {
    let answer = json!({"apiVersion": "apps/v1", "kind": "DeploymentList", "items": objects,
        "metadata": {"resourceVersion": version}});
    Mock::given(method("GET"))
        .and(path(DEPLOYMENTS))
        .and(query_param(key, selector))
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
        .and(query_param(ALONE.0, ALONE.1))
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

async fn connect(server: &MockServer) -> KubernetesCluster {
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("kubeconfig");
    let config = json!({"apiVersion": "v1", "kind": "Config", "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": server.uri()}}],
        "users": [{"name": "u", "user": {}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u", "namespace": "shop"}}]});
    std::fs::write(&kubeconfig, config.to_string()).unwrap();
    let config = KubernetesConfig { kubeconfig: Some(kubeconfig), ..KubernetesConfig::default() };
    KubernetesCluster::builder(config).build().await.unwrap()
}

/// All statuses of the Deployment; the server sees to it that each of its answers was asked for, once.
async fn follow(cluster: &KubernetesCluster, name: &str) -> Vec<Result<RolloutStatus>> {
    let (api_version, kind) = ("apps/v1".to_owned(), "Deployment".to_owned());
    let id = ObjectId { api_version, kind, namespace: None, name: name.to_owned() };
    let all = cluster.watch_rollout(&id).collect();
    tokio::time::timeout(std::time::Duration::from_secs(30), all).await.unwrap()
}

/// Under way first, and complete at last.
fn completed(statuses: &[Result<RolloutStatus>]) {
    let phases: Vec<_> = statuses.iter().map(|status| status.as_ref().unwrap().phase).collect();
    assert_eq!(phases, [RolloutPhase::Progressing, RolloutPhase::Complete], "{statuses:?}");
}

async fn completes(server: &MockServer) {
    completed(&follow(&connect(server).await, "cart").await);
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

/// Answers one watch of all that nprt applied, from what is there when it is asked.
async fn watch_together(server: &MockServer, answer: ResponseTemplate) {
    Mock::given(method("GET"))
        .and(path(DEPLOYMENTS))
        .and(query_param("labelSelector", "nprt.dev/service"))
        .and(query_param("watch", "true"))
        .and(query_param("sendInitialEvents", "true"))
        .and(query_param("resourceVersion", ""))
        .respond_with(answer)
        .up_to_n_times(1)
        .expect(1)
        .mount(server)
        .await;
}

fn event(kind: &str, object: &Value) -> String {
    format!("{}\n", json!({"type": kind, "object": object}))
}

/// What says that all was told that was there.
fn all_there() -> String {
    let metadata = json!({"resourceVersion": "10", "annotations": {"k8s.io/initial-events-end": "true"}});
    event("BOOKMARK", &json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata}))
}

#[tokio::test]
async fn those_that_are_followed_at_once_share_a_watch() {
    let server = MockServer::start().await;
    let there = ["web", "cart", "other"].map(|name| event("ADDED", &deployment(name, 10, 0))).concat();
    let changed = ["other", "web"].map(|name| modified(&deployment(name, 11, 1))).concat();
    watch_together(&server, body(there + &all_there() + &changed)).await;
    // It begins anew for the one that is not complete yet.
    watch_together(&server, ResponseTemplate::new(503).set_body_string("no endpoints")).await;
    watch_together(&server, body(event("ERROR", &gone()))).await;
    watch_together(&server, body(event("ADDED", &deployment("cart", 20, 1)) + &all_there())).await;
    let cluster = connect(&server).await;
    let (web, cart) = tokio::join!(follow(&cluster, "web"), follow(&cluster, "cart"));
    completed(&web);
    completed(&cart);
}

#[tokio::test]
async fn one_that_has_no_label_of_ours_or_is_gone_is_asked_for_alone() {
    let server = MockServer::start().await;
    let web = deployment("web", 10, 0);
    watch_together(&server, body(event("ADDED", &web) + &all_there() + &event("DELETED", &web))).await;
    list(&server, &cart(10, 0)).await;
    watch(&server, "10", body(modified(&cart(12, 1)))).await;
    list_by(&server, ("fieldSelector", "metadata.name=web"), "12", &[]).await;
    let cluster = connect(&server).await;
    let (web, cart) = tokio::join!(follow(&cluster, "web"), follow(&cluster, "cart"));
    completed(&cart);
    assert_eq!(web[0].as_ref().unwrap().phase, RolloutPhase::Progressing, "{web:?}");
    assert!(web[1].as_ref().unwrap_err().is_not_found(), "{web:?}");
}

#[tokio::test]
async fn where_the_server_cannot_tell_what_is_there_each_is_followed_alone() {
    let server = MockServer::start().await;
    let refusal = json!({"apiVersion": "v1", "kind": "Status", "status": "Failure", "reason": "Invalid",
        "code": 422, "message": "sendInitialEvents is forbidden for watch", "metadata": {}});
    watch_together(&server, ResponseTemplate::new(422).set_body_json(refusal)).await;
    list(&server, &cart(10, 1)).await;
    list_by(&server, ("fieldSelector", "metadata.name=web"), "12", &[]).await;
    let cluster = connect(&server).await;
    let (web, cart) = tokio::join!(follow(&cluster, "web"), follow(&cluster, "cart"));
    assert!(web[0].as_ref().unwrap_err().is_not_found(), "{web:?}");
    assert_eq!(cart[0].as_ref().unwrap().phase, RolloutPhase::Complete, "{cart:?}");
}
