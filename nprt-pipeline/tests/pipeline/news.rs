//! What people are told: of which canary, by which verdict, and for how long an operation waits for it.

use std::sync::Arc;

use async_trait::async_trait;
use nprt_compare::report::EventKind;
use nprt_core::clock::ManualClock;
use nprt_core::conformance::notifier::rollback;
use nprt_core::model::Branches;
use nprt_core::ports::{Clock, Notification, Notifier, NotifierCapabilities, Occasion};
use nprt_core::{ErrorKind, Result};
use nprt_pipeline::{Caller, Judgement, Ports, Progress, Request, Service};

use crate::faulty::Faulty;
use crate::world::{World, caller, canary, deploy, manifests, promote, request, shop, tag, told};

fn last(world: &World) -> Notification {
    world.notifier.told().pop().unwrap()
}

#[tokio::test]
async fn news_say_which_canary_they_are_about() {
    let world = World::new();
    let (first, second, third) = (world.version(1), world.version(2), world.version(3));
    let pipeline = world.pipeline();
    deploy(&pipeline, &first).await.unwrap();
    assert_eq!((last(&world).at, last(&world).canary), (world.clock.now(), None));

    canary(&pipeline, &second).await.unwrap();
    let started = last(&world).canary.unwrap();
    let status = pipeline.status(&shop()).await.unwrap();
    assert_eq!((&started.revision, Some(started.started)), (&second, status.canary.unwrap().started));
    world.wait(60).await;
    // It goes on.
    canary(&pipeline, &second).await.unwrap();
    assert_eq!(last(&world).canary.as_ref(), Some(&started));

    // What fails to start is none of the one before.
    let missing = world.commit(&manifests(9, ""));
    canary(&pipeline, &missing).await.unwrap_err();
    assert_eq!((last(&world).occasion, last(&world).canary), (Occasion::Failed, None));
    // What was asked of the one that runs is about that one.
    promote(&pipeline, &third).await.unwrap_err();
    assert_eq!((last(&world).occasion, last(&world).canary.as_ref()), (Occasion::Failed, Some(&started)));

    // Another one makes way for it.
    canary(&pipeline, &third).await.unwrap();
    let other = last(&world).canary.unwrap();
    assert_eq!(other.revision, third);
    pipeline.rollback(&shop(), &caller(), &Progress::silent()).await.unwrap();
    assert_eq!((last(&world).occasion, last(&world).canary), (Occasion::RolledBack, Some(other)));

    canary(&pipeline, &third).await.unwrap();
    let again = last(&world).canary.unwrap();
    promote(&pipeline, &third).await.unwrap();
    assert_eq!((last(&world).occasion, last(&world).canary), (Occasion::Promoted, Some(again)));
}

#[tokio::test]
async fn that_a_canary_that_passed_cannot_be_promoted_is_told_once() {
    let world = World::new();
    let (first, second) = (world.version(1), world.version(2));
    let person = world.pipeline();
    deploy(&person, &first).await.unwrap();
    canary(&person, &second).await.unwrap();
    let trial = person.status(&shop()).await.unwrap().canary.unwrap();
    let service = Service { deployable_branches: Branches::of(["release"]), ..Service::new(shop()) };
    let before = world.notifier.told().len();
    // By two replicas, again and again.
    for _ in 0..3 {
        let pipeline = world.pipeline_of(service.clone(), world.ports());
        for _ in 0..2 {
            let done = pipeline.promote_if(&shop(), &trial, &caller(), &Progress::silent()).await;
            assert_eq!(done.unwrap_err().kind(), ErrorKind::Forbidden);
        }
    }
    let told = world.notifier.told().split_off(before);
    let [told] = &told[..] else { panic!("{told:?}") };
    assert_eq!(
        (told.occasion, told.canary.as_ref().map(|canary| canary.started)),
        (Occasion::Failed, trial.started)
    );
    assert!(told.summary.contains("promotion") && told.summary.contains("release"), "{}", told.summary);
    let failed = world.cluster.events().into_iter().filter(|(_, event)| event.reason() == "Failed");
    assert_eq!(failed.count(), 1);
    let status = person.status(&shop()).await.unwrap();
    assert_eq!((status.canary, status.stable.unwrap().revision), (Some(trial), Some(first)));
}

#[tokio::test]
async fn that_a_regression_cannot_be_rolled_back_is_told_once_and_each_time_to_a_person() {
    let world = World::new();
    let (first, second) = (world.version(1), world.version(2));
    deploy(&world.pipeline(), &first).await.unwrap();
    canary(&world.pipeline(), &second).await.unwrap();
    let trial = world.pipeline().status(&shop()).await.unwrap().canary.unwrap();
    let faulty = Faulty::new(&world);
    faulty.stuck.lock().unwrap().insert("web-canary".to_owned());
    let pipeline = world.pipeline_over(Ports { cluster: Arc::new(faulty), ..world.ports() });
    let before = world.notifier.told().len();
    for expected in [1, 1, 1] {
        let done = pipeline.roll_back_if(&shop(), &trial, &caller(), None, &Progress::silent()).await;
        done.unwrap_err();
        assert_eq!(
            (last(&world).occasion, world.notifier.told().len() - before),
            (Occasion::Failed, expected)
        );
    }
    for expected in [2, 3] {
        pipeline.rollback(&shop(), &caller(), &Progress::silent()).await.unwrap_err();
        assert_eq!(
            (last(&world).occasion, world.notifier.told().len() - before),
            (Occasion::Failed, expected)
        );
    }
}

#[tokio::test]
async fn that_a_canary_made_way_is_told_of_it_and_kept_for_its_report() {
    let world = World::new();
    let (first, second, third) = (world.version(1), world.version(2), world.version(3));
    let pipeline = world.pipeline();
    deploy(&pipeline, &first).await.unwrap();
    for by_deploy in [false, true] {
        canary(&pipeline, &second).await.unwrap();
        let started = last(&world).canary.unwrap();
        let before = world.notifier.told().len();
        if by_deploy {
            deploy(&pipeline, &third).await.unwrap();
        } else {
            canary(&pipeline, &third).await.unwrap();
        }
        let [made_way, then] = &world.notifier.told()[before..] else {
            panic!("{:?}", world.notifier.told())
        };
        assert_eq!((made_way.occasion, made_way.canary.as_ref()), (Occasion::RolledBack, Some(&started)));
        assert!(made_way.summary.ends_with("was running, and made way"), "{}", made_way.summary);
        let occasion = if by_deploy { Occasion::Deployed } else { Occasion::CanaryStarted };
        assert_eq!(then.occasion, occasion);
        if !by_deploy {
            pipeline.rollback(&shop(), &caller(), &Progress::silent()).await.unwrap();
        }
    }
    let report = pipeline.measure_canary(&shop(), &Progress::silent()).await.unwrap().report().unwrap();
    assert_eq!(report.canary.tag, Some(tag(&second).to_string()));
    assert_eq!(report.events.last().map(|event| event.kind), Some(EventKind::Replaced));

    // Its own version is no other one: it was promoted, in other words.
    let fourth = world.version(4);
    canary(&pipeline, &fourth).await.unwrap();
    deploy(&pipeline, &fourth).await.unwrap();
    assert_eq!(last(&world).occasion, Occasion::Deployed);
    let report = pipeline.measure_canary(&shop(), &Progress::silent()).await.unwrap().report().unwrap();
    assert_eq!(report.canary.tag, Some(tag(&fourth).to_string()));
    assert_eq!(report.events.last().map(|event| event.kind), Some(EventKind::Promoted));
}

#[tokio::test]
async fn a_verdict_is_told_with_the_decision_about_its_canary_alone() {
    let world = World::new();
    let (first, second) = (world.version(1), world.version(2));
    let pipeline = world.pipeline();
    deploy(&pipeline, &first).await.unwrap();
    canary(&pipeline, &second).await.unwrap();
    let started = last(&world).canary.unwrap().started;
    let verdict = rollback("x").verdict.unwrap();
    let judged = Judgement {
        service: shop(),
        revision: second.clone(),
        tag: tag(&second),
        started,
        verdict,
        drift: Vec::new(),
        answers: Vec::new(),
    };
    let knowing = |judged: &Judgement| Caller::new("ada", "").unwrap().knowing(Arc::new(judged.clone()));

    let request = Request { caller: knowing(&judged), ..request(&second) };
    canary_again(&world, &request).await;
    assert_eq!(last(&world).verdict, None, "nothing was decided");
    let earlier = Judgement { started: started - jiff::SignedDuration::from_secs(1), ..judged.clone() };
    pipeline.rollback(&shop(), &knowing(&earlier), &Progress::silent()).await.unwrap();
    assert_eq!(last(&world).verdict, None, "it is of a canary before");

    canary(&pipeline, &second).await.unwrap();
    let started = last(&world).canary.unwrap().started;
    let judged = Judgement { started, ..judged };
    let running = pipeline.status(&shop()).await.unwrap().canary.unwrap();
    pipeline.leave_undecided(&shop(), &running, &knowing(&judged), &Progress::silent()).await.unwrap();
    let told = last(&world);
    assert_eq!((told.occasion, told.verdict.as_ref()), (Occasion::Undecided, Some(&judged.verdict)));
    pipeline.rollback(&shop(), &knowing(&judged), &Progress::silent()).await.unwrap();
    assert_eq!(last(&world).verdict, Some(judged.verdict));
}

async fn canary_again(world: &World, request: &Request) {
    world.pipeline().canary(&shop(), request, &Progress::silent()).await.unwrap();
}

/// Never answers.
#[derive(Debug)]
struct Silent(Arc<ManualClock>);

#[async_trait]
impl Notifier for Silent {
    fn capabilities(&self) -> NotifierCapabilities {
        NotifierCapabilities::default()
    }

    async fn notify(&self, _: &Notification) -> Result<()> {
        loop {
            self.0.sleep(std::time::Duration::from_secs(3600)).await;
        }
    }
}

#[tokio::test]
async fn a_notifier_that_is_silent_holds_up_no_operation_for_long() {
    let world = World::new();
    let first = world.version(1);
    let notifier = Arc::new(Silent(world.clock.clone()));
    let pipeline = world.pipeline_over(Ports { notifier, ..world.ports() });
    let began = world.clock.now();
    let (done, events) =
        told(async |progress| pipeline.deploy(&shop(), &request(&first), &progress).await).await;
    done.unwrap();
    assert!(world.clock.now().duration_since(began).as_secs() < 60);
    let warned = |text: &str| events.iter().any(|event| event.to_string().contains(text));
    assert!(warned("nobody was told: no answer in time"), "{events:?}");
}
