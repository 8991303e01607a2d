//! Deploying, and what is refused before anything changes.

use nprt_core::ErrorKind;
use nprt_core::model::{Revision, ServiceName, Track, VersionRef, annotation, label};
use nprt_core::ports::{Change, Occasion};
use nprt_pipeline::{Caller, Event, Pipeline, PipelineSettings, Progress, Request, Service};

use crate::world::{World, caller, canary, deploy, manifests, request, shop, tag, told};

#[tokio::test]
async fn makes_a_version_stable_and_tells_each_step() {
    let world = World::new();
    let (pipeline, revision) = (world.pipeline(), world.version(1));
    let (done, events) =
        told(async |progress| pipeline.deploy(&shop(), &request(&revision), &progress).await).await;
    let done = done.unwrap();
    assert_eq!((&done.revision, &done.tag, done.track), (&revision, &tag(&revision), Track::Stable));
    let applied: Vec<String> =
        done.applied.iter().map(|a| format!("{} {}", a.object, a.change.as_str())).collect();
    let expected = [
        "ConfigMap/shop/web created",
        "Service/shop/web created",
        "Deployment/shop/web created",
        "Deployment/shop/worker created",
    ];
    assert_eq!(applied, expected, "configuration comes before what reads it");
    let web = world.workload("web").unwrap();
    assert_eq!((web.status.ready, web.track.as_deref()), (3, Some("stable")));
    assert_eq!(web.images, [format!("registry.example.com/shop/web:{}", tag(&revision))]);
    assert!(world.objects().iter().all(|object| object.label(label::SERVICE) == Some("shop")));
    let names: Vec<String> = events
        .iter()
        .map(|event| serde_json::to_value(event).unwrap()["event"].as_str().unwrap().to_owned())
        .collect();
    let steps = ["leased", "resolved", "manifests_read", "tagged", "validated", "applied"];
    assert_eq!(names[..6], steps);
    assert!(names.iter().any(|name| name == "rollout") && events.iter().all(|e| !e.to_string().is_empty()));
    assert_eq!(pipeline.status(&shop()).await.unwrap().operation, None, "the lease was given back");
    assert_eq!(world.notifier.told()[0].occasion, Occasion::Deployed);
}

#[tokio::test]
async fn records_who_asked_on_the_workloads_alone() {
    let world = World::new();
    let pipeline = world.pipeline();
    let (first, second) = (world.version(1), world.version(2));
    deploy(&pipeline, &first).await.unwrap();
    for object in world.objects() {
        let expected = (object.kind() == "Deployment").then_some("ci");
        assert_eq!(object.annotation(annotation::CALLER), expected, "{}", object.id());
        let template = object.as_value().pointer("/spec/template/metadata/annotations");
        assert!(template.is_none_or(|map| map.get(annotation::CALLER).is_none()), "a pod would restart");
    }
    let other = Request { caller: Caller::new("ada", "by hand").unwrap(), ..request(&first) };
    let again = pipeline.deploy(&shop(), &other, &Progress::silent()).await.unwrap();
    assert!(again.applied.iter().all(|a| a.change == Change::Unchanged), "{again:?}");
    let annotation = |key| {
        let objects = world.objects();
        let web = objects.iter().find(|o| o.kind() == "Deployment" && o.name() == "web").unwrap();
        web.annotation(key).unwrap().to_owned()
    };
    assert_eq!(annotation(annotation::CALLER), "ci", "nothing is written for a name");
    let next = Request { version: request(&second).version, ..other };
    pipeline.deploy(&shop(), &next, &Progress::silent()).await.unwrap();
    assert_eq!(
        (annotation(annotation::CALLER), annotation(annotation::REASON)),
        ("ada".into(), "by hand".into())
    );
    assert_eq!(annotation(annotation::REVISION), second.to_string());
}

#[tokio::test]
async fn the_stable_version_again_removes_the_canary_and_restarts_nothing() {
    let world = World::new();
    let pipeline = world.pipeline();
    let (stable, trial) = (world.version(1), world.version(2));
    deploy(&pipeline, &stable).await.unwrap();
    canary(&pipeline, &trial).await.unwrap();
    assert!(world.workload("web-canary").is_some());
    // Another tag of the same commit, as a second build makes it, must not restart it either.
    let short = format!("aaa-{}", &stable.to_string()[..7]).parse().unwrap();
    for image in [crate::world::WEB, crate::world::WORKER] {
        world.registry.push(&image.parse().unwrap(), &short, &crate::world::digest());
    }
    let before = world.objects();
    let done = deploy(&pipeline, &stable).await.unwrap();
    assert!(done.applied.iter().all(|applied| applied.change == Change::Unchanged), "{done:?}");
    assert_eq!(done.removed.len(), 3, "two workloads and a ConfigMap: {:?}", done.removed);
    let tag = tag(&stable).to_string();
    assert_eq!(world.runs(), [("web".into(), tag.clone(), 1), ("worker".into(), tag, 1)]);
    let stays = |object: &&nprt_core::model::Object| object.label(label::TRACK) != Some("canary");
    let before: Vec<_> = before.iter().filter(stays).cloned().collect();
    assert_eq!(world.objects(), before, "not even a resource version");
}

#[tokio::test]
async fn an_unknown_service_lists_those_that_exist() {
    let world = World::new();
    let revision = world.version(1);
    let name = ServiceName::new("shp").unwrap();
    let error = world.pipeline().deploy(&name, &request(&revision), &Progress::silent()).await.unwrap_err();
    assert_eq!((error.kind(), error.available()), (ErrorKind::NotFound, &["shop".to_owned()][..]));
}

#[tokio::test]
async fn what_is_wrong_changes_nothing() {
    let world = World::new();
    let pipeline = world.pipeline();
    let stable = world.version(1);
    deploy(&pipeline, &stable).await.unwrap();
    let unknown = Revision::new(&"9".repeat(40)).unwrap();
    let (trial, refused) =
        (world.version(2), world.commit(&manifests(3, "").replace("name: worker}", "name: Worker}")));
    let broken = world.commit("apiVersion: v1\nkind: [");
    let empty = world.vcs.commit("main").remove("kubernetes").file("README", "x").push().unwrap().revision;
    for revision in [&refused, &broken, &empty] {
        world.push(revision);
    }
    canary(&pipeline, &trial).await.unwrap();
    let before = world.objects();
    for (revision, kind) in [
        (&unknown, ErrorKind::NotFound),
        (&refused, ErrorKind::Rejected),
        (&broken, ErrorKind::Invalid),
        (&empty, ErrorKind::NotFound),
    ] {
        let error = deploy(&pipeline, revision).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert_eq!(world.objects(), before, "not even the canary was touched: {error}");
        let told = world.notifier.told();
        assert_eq!(told.last().unwrap().occasion, Occasion::Failed);
        assert!(told.last().unwrap().summary.contains(error.message()));
    }
    let error = canary(&pipeline, &refused).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rejected, "{error}");
    assert_eq!(world.objects(), before, "the other canary lives");
}

#[tokio::test]
async fn a_rollout_that_fails_says_which_workload_and_why() {
    let world = World::new();
    let pipeline = world.pipeline();
    for (behaviour, why) in
        [("crash-loop", "CrashLoopBackOff"), ("image-pull", "ImagePullBackOff"), ("never-ready", "Readiness")]
    {
        let revision = world.commit(&manifests(1, behaviour));
        world.push(&revision);
        let error = deploy(&pipeline, &revision).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RolloutFailed);
        let said = error.to_string();
        assert!(said.contains("Deployment/shop/web") && said.contains(why), "{said}");
        assert_eq!(world.notifier.told().last().unwrap().occasion, Occasion::Failed);
    }
    let good = world.version(2);
    deploy(&pipeline, &good).await.unwrap();
    assert_eq!(world.workload("web").unwrap().status.ready, 3, "the next deploy repairs it");
}

#[tokio::test]
async fn a_rollout_has_a_time_limit() {
    let world = World::new();
    let cluster = world.cluster.clone().with_rollout_delay(std::time::Duration::from_secs(3600));
    let ports = nprt_pipeline::Ports { cluster: std::sync::Arc::new(cluster), ..world.ports() };
    let revision = world.version(1);
    let error = deploy(&world.pipeline_over(ports), &revision).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RolloutFailed);
    assert!(error.to_string().contains("not complete after 600 s"), "{error}");
}

#[tokio::test]
async fn a_notifier_that_fails_fails_nothing() {
    let world = World::new();
    let (pipeline, revision) = (world.pipeline(), world.version(1));
    world.notifier.fail_next(1, ErrorKind::Unavailable);
    let (done, events) =
        told(async |progress| pipeline.deploy(&shop(), &request(&revision), &progress).await).await;
    done.unwrap();
    let warned =
        |event: &Event| matches!(event, Event::Warning { message } if message.contains("nobody was told"));
    assert!(events.iter().any(warned), "{events:?}");
}

#[tokio::test]
async fn a_branch_is_its_newest_commit_and_a_tag_its_own() {
    let world = World::new();
    let pipeline = world.pipeline();
    let (first, second) = (world.version(1), world.version(2));
    let request = |commit: Option<&str>, tag: Option<&str>| {
        Request::new(VersionRef::new(commit, tag).unwrap(), caller())
    };
    let deploy = async |request| pipeline.deploy(&shop(), &request, &Progress::silent()).await;
    assert_eq!(deploy(request(Some("main"), None)).await.unwrap().revision, second);
    let tag_of_first = tag(&first).to_string();
    assert_eq!(deploy(request(None, Some(&tag_of_first))).await.unwrap().revision, first);
    let differ = request(Some(&second.to_string()), Some(&tag_of_first));
    let error = deploy(differ).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Mismatch, "{error}");
}

#[test]
fn settings_and_callers_are_checked() {
    let clock = || std::sync::Arc::new(nprt_core::clock::SystemClock);
    for lease_seconds in [1, 3601] {
        let settings = PipelineSettings { lease_seconds, ..PipelineSettings::default() };
        let error = Pipeline::new("test", clock(), settings).unwrap_err().to_string();
        assert!(error.contains("lease_seconds") && error.contains("expected 3 to 3600 seconds"), "{error}");
    }
    let world = World::new();
    let mut service = Service::new(shop());
    service.policy.rules.clear();
    let pipeline = Pipeline::new("test", clock(), PipelineSettings::default()).unwrap();
    assert!(pipeline.with_service(service, world.ports()).unwrap_err().is_invalid());
    for (name, reason) in [("", ""), ("a\nb", ""), ("a", "\u{1b}[31m"), (&"x".repeat(201), "")] {
        assert!(Caller::new(name, reason).unwrap_err().is_invalid(), "{name:?} {reason:?}");
    }
}

/// The field that only we own would fall back to 1.
#[tokio::test]
async fn an_autoscaler_of_the_same_deploy_keeps_the_replicas() {
    let world = World::new();
    let (pipeline, first) = (world.pipeline(), world.version(1));
    deploy(&pipeline, &first).await.unwrap();
    let scaler = "---\napiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: web}\nspec:\n  \
        scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}\n  maxReplicas: 9\n";
    let second = world.commit(&(manifests(2, "").replace("  replicas: 3\n", "") + scaler));
    world.push(&second);
    deploy(&pipeline, &second).await.unwrap();
    let web = world.workload("web").unwrap();
    assert_eq!((web.status.ready, web.tag), (3, Some(tag(&second).to_string())));
}
