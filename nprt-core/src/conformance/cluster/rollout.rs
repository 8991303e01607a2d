//! Following rollouts.

use futures_util::StreamExt;
use futures_util::future::{Either, select};
use serde_json::json;

use super::objects::{config, deployment, job, with};
use super::{ClusterFixture, clear, lease, service};
use crate::model::ObjectId;
use crate::ports::{Change, Cluster, RolloutPhase, RolloutStatus};

/// Every status that the rollout tells, until it ends by itself.
async fn follow(cluster: &dyn Cluster, fixture: &dyn ClusterFixture, id: &ObjectId) -> Vec<RolloutStatus> {
    let clock = fixture.clock();
    let all = cluster.watch_rollout(id).map(|status| status.expect("a status")).collect::<Vec<_>>();
    match select(all, clock.sleep(fixture.patience())).await {
        Either::Left((statuses, _)) => statuses,
        Either::Right(_) => panic!("the rollout of {id} did not end within {:?}", fixture.patience()),
    }
}

/// Waits until the rollout is complete.
pub(super) async fn complete(cluster: &dyn Cluster, fixture: &dyn ClusterFixture, id: &ObjectId) {
    let statuses = follow(cluster, fixture, id).await;
    assert_eq!(statuses.last().map(|status| status.phase), Some(RolloutPhase::Complete), "{statuses:?}");
}

/// The status at once, then changes, and an end after `Complete`, when all pods are updated and ready.
///
/// # Panics
/// Where the cluster breaks the contract.
pub async fn follows_a_rollout_to_its_end(cluster: &dyn Cluster, fixture: &dyn ClusterFixture) {
    let lease = lease(cluster, fixture, &service("check-rollout")).await;
    let deployment = deployment(&lease.service, 3, "1");
    cluster.apply(&lease, &deployment).await.expect("applied");
    let statuses = follow(cluster, fixture, &deployment.id()).await;
    let (last, earlier) = statuses.split_last().expect("at least one status");
    assert_eq!((last.desired, last.updated, last.ready), (3, 3, 3), "{statuses:?}");
    assert_eq!(last.phase, RolloutPhase::Complete);
    assert!(earlier.iter().all(|status| status.phase == RolloutPhase::Progressing), "{statuses:?}");
    assert!(statuses.windows(2).all(|pair| pair[0] != pair[1]), "each is a change: {statuses:?}");
    let again = follow(cluster, fixture, &deployment.id()).await;
    assert_eq!(again.len(), 1, "complete at once: {again:?}");
    assert_eq!(again[0].phase, RolloutPhase::Complete);
    clear(cluster, &lease).await;
}

/// Asked right after an apply, it never answers with the completion of what ran before: the pods of each
/// other template fail, so that a `Complete` there could only be the earlier one's.
///
/// # Panics
/// Where the cluster breaks the contract.
pub async fn never_takes_an_earlier_rollout_for_this_one(
    cluster: &dyn Cluster,
    fixture: &dyn ClusterFixture,
) {
    let lease = lease(cluster, fixture, &service("check-generation")).await;
    let good = deployment(&lease.service, 2, "1");
    let annotations = json!({"sim/behaviour": "crash-loop"});
    let failing = with(good.clone(), "/spec/template/metadata/annotations", annotations);
    for _ in 0..2 {
        cluster.apply(&lease, &good).await.expect("applied");
        complete(cluster, fixture, &good.id()).await;
        cluster.apply(&lease, &failing).await.expect("applied");
        let statuses = follow(cluster, fixture, &failing.id()).await;
        assert!(statuses.iter().all(|status| status.phase != RolloutPhase::Complete), "{statuses:?}");
        assert_eq!(statuses.last().map(|status| status.phase), Some(RolloutPhase::Failed), "{statuses:?}");
    }
    clear(cluster, &lease).await;
}

/// A rollout whose pods crash, have no image or never are ready ends as `Failed`, and says which pod's what.
///
/// # Panics
/// Where the cluster breaks the contract.
pub async fn a_failing_rollout_says_why(cluster: &dyn Cluster, fixture: &dyn ClusterFixture) {
    for (behaviour, why) in [
        ("crash-loop", "container app: CrashLoopBackOff: "),
        ("image-pull", "container app: ImagePullBackOff: "),
        ("never-ready", "Readiness probe failed"),
    ] {
        let lease = lease(cluster, fixture, &service(&format!("check-{behaviour}"))).await;
        let annotations = json!({"sim/behaviour": behaviour});
        let deployment = deployment(&lease.service, 1, "1");
        let failing = with(deployment, "/spec/template/metadata/annotations", annotations);
        cluster.apply(&lease, &failing).await.expect("applied");
        let statuses = follow(cluster, fixture, &failing.id()).await;
        let last = statuses.last().expect("at least one status");
        assert_eq!((last.phase, last.ready), (RolloutPhase::Failed, 0), "{statuses:?}");
        let pod = format!("pod {}-", lease.service);
        assert!(last.message.contains(&pod) && last.message.contains(why), "{statuses:?}");
        clear(cluster, &lease).await;
    }
}

/// A Job is complete when it has succeeded, and failed, saying why, when it has failed. Applied again it is
/// unchanged: it does not run again.
///
/// # Panics
/// Where the cluster breaks the contract.
pub async fn a_job_is_followed_to_its_end(cluster: &dyn Cluster, fixture: &dyn ClusterFixture) {
    for (behaviour, phase) in [("", RolloutPhase::Complete), ("fail", RolloutPhase::Failed)] {
        let lease = lease(cluster, fixture, &service(&format!("check-job{behaviour}"))).await;
        let job = job(&lease.service, behaviour);
        cluster.apply(&lease, &job).await.expect("applied");
        let statuses = follow(cluster, fixture, &job.id()).await;
        let (last, earlier) = statuses.split_last().expect("at least one status");
        assert_eq!(last.phase, phase, "{statuses:?}");
        assert!(earlier.iter().all(|status| status.phase == RolloutPhase::Progressing), "{statuses:?}");
        if phase == RolloutPhase::Failed {
            let why = ["pod ", "container app: Error (code 1)", "; the Job failed: "];
            assert!(why.iter().all(|why| last.message.contains(why)), "{statuses:?}");
        }
        let again = cluster.apply(&lease, &job).await.expect("applied");
        assert_eq!(again.change, Change::Unchanged);
        let again = follow(cluster, fixture, &job.id()).await;
        assert_eq!(again.iter().map(|status| status.phase).collect::<Vec<_>>(), [phase], "over at once");
        clear(cluster, &lease).await;
    }
}

/// What has no rollout is `Invalid`, never complete, and the stream ends.
///
/// # Panics
/// Where the cluster breaks the contract.
pub async fn a_kind_without_a_rollout_is_refused(cluster: &dyn Cluster, fixture: &dyn ClusterFixture) {
    let lease = lease(cluster, fixture, &service("check-no-rollout")).await;
    let config = config(&lease.service, &json!({}));
    cluster.apply(&lease, &config).await.expect("applied");
    let answers: Vec<_> = cluster.watch_rollout(&config.id()).collect().await;
    let [answer] = answers.try_into().expect("one answer");
    let error = answer.expect_err("a ConfigMap has no rollout");
    assert!(error.is_invalid(), "{error}");
    let available = error.available();
    for kind in ["DaemonSet", "Deployment", "Job", "StatefulSet"] {
        assert!(available.iter().any(|known| known == kind), "{kind} has one: {error}");
    }
    clear(cluster, &lease).await;
}

/// A workload that does not exist is `NotFound`, and the stream ends.
///
/// # Panics
/// Where the cluster breaks the contract.
pub async fn an_unknown_workload_has_no_rollout(cluster: &dyn Cluster, _: &dyn ClusterFixture) {
    let unknown = deployment(&service("check-nowhere"), 1, "1").id();
    let answers: Vec<_> = cluster.watch_rollout(&unknown).collect().await;
    let [answer] = answers.try_into().expect("one answer");
    let error = answer.expect_err("there is no such workload");
    assert!(error.is_not_found() && error.to_string().contains("check-nowhere"), "{error}");
}
