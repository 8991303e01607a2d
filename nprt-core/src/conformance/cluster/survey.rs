//! What is around a service.

use std::time::Duration;

use serde_json::json;

use super::objects::{deployment, object};
use super::{ClusterFixture, clear, lease, service};
use crate::model::{Object, ServiceName, Track, label};
use crate::ports::{Cluster, Survey};

async fn survey(cluster: &dyn Cluster, service: &ServiceName) -> Survey {
    cluster.survey(service).await.expect("the namespace can be surveyed")
}

/// The service's own objects as the list has them, those of others that select pods, also when they came or changed
/// since the last survey, and the pods with their labels.
///
/// # Panics
/// Where the cluster breaks the contract.
pub async fn a_survey_sees_what_is_around(cluster: &dyn Cluster, fixture: &dyn ClusterFixture) {
    let (lease, clock) = (lease(cluster, fixture, &service("check-survey")).await, fixture.clock());
    let name = &lease.service;
    let own = deployment(name, 2, "1");
    cluster.apply(&lease, &own).await.expect("applied");
    super::rollout::complete(cluster, fixture, &own.id()).await;
    let selector = json!({"selector": {"matchLabels": {"app": name}}, "maxUnavailable": 1});
    let budget = |name: &str, spec: &serde_json::Value| {
        object(
            json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": name}, "spec": spec}),
        )
    };
    let front =
        object(json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "check-survey-theirs"},
        "spec": {"selector": {"app": name}, "ports": [{"port": 80}]}}));
    let theirs = [budget("check-survey-a", &selector), front];
    for object in &theirs {
        fixture.apply_as("theirs", object).await;
    }
    let mut later = budget("check-survey-b", &selector);
    let found = survey(cluster, name).await;
    let own_ids: Vec<_> = found.own.iter().map(Object::id).collect();
    let listed = cluster.list(name).await.expect("listed");
    assert_eq!(own_ids, listed.iter().map(Object::id).collect::<Vec<_>>(), "what is the service's own");
    assert_eq!(found.unseen, [""; 0]);
    for object in &theirs {
        assert!(sees(&found, object), "{} is around: {:?}", object.id(), found.others);
    }
    assert!(!sees(&found, &own) && !sees(&found, &later), "{:?}", found.others);
    let of_service = found.pods.iter().filter(|pod| pod.label(label::SERVICE) == Some(name.as_str()));
    let pods: Vec<_> = of_service.map(Object::id).collect();
    assert_eq!(pods, cluster.pods(name, Track::Stable).await.expect("the pods can be listed"));
    // What comes or changes after a survey is seen by the next ones.
    for value in ["1", "2"] {
        later.as_value_mut()["metadata"]["labels"] = json!({"n": value});
        fixture.apply_as("theirs", &later).await;
        let mut waited = Duration::ZERO;
        while !survey(cluster, name).await.others.iter().any(|object| object.label("n") == Some(value)) {
            assert!(waited < fixture.patience(), "the change is never seen");
            let pause = Duration::from_millis(100);
            clock.sleep(pause).await;
            waited += pause;
        }
    }
    for object in theirs.iter().chain([&later]) {
        cluster.delete(&lease, &object.id()).await.expect("deleted");
    }
    clear(cluster, &lease).await;
}

fn sees(survey: &Survey, object: &Object) -> bool {
    let id = |object: &Object| (object.kind().to_owned(), object.name().to_owned());
    survey.others.iter().any(|other| id(other) == id(object))
}
