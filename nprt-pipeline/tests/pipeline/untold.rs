//! The end of a canary that a process did not come to tell.

use std::sync::{Arc, Mutex};

use nprt_core::conformance::notifier::rollback;
use nprt_core::ports::{Notification, Occasion};
use nprt_pipeline::{Caller, Judgement, Pipeline, Ports, Progress, Request};

use crate::faulty::{Eventless, Faulty};
use crate::world::{World, caller, canary, deploy, request, shop, tag};

/// One that is killed, as far as anybody sees, before it tells.
fn speechless(world: &World) -> Arc<Pipeline> {
    let cluster = Faulty { eventless: Mutex::new(Some(Eventless::Refused)), ..Faulty::new(world) };
    let notifier = Arc::new(nprt_memory::MemoryNotifier::new());
    world.pipeline_over(Ports { cluster: Arc::new(cluster), notifier, ..world.ports() })
}

async fn tend(pipeline: &Pipeline) {
    pipeline.tend(&shop(), &caller(), &Progress::silent()).await.unwrap();
}

fn events(world: &World, reason: &str) -> usize {
    world.cluster.events().iter().filter(|(_, event)| event.reason() == reason).count()
}

fn since(world: &World, before: usize) -> Vec<Notification> {
    world.notifier.told().split_off(before)
}

#[tokio::test]
async fn it_is_told_once_by_another_with_its_verdict() {
    for promoted in [true, false] {
        let world = World::new();
        let (one, other, third) = (speechless(&world), world.pipeline(), world.pipeline());
        deploy(&other, &world.version(1)).await.unwrap();
        let trial = world.version(2);
        canary(&other, &trial).await.unwrap();
        let running = other.status(&shop()).await.unwrap().canary.unwrap();
        let before = world.notifier.told().len();

        let (started, verdict) = (running.started.unwrap(), rollback("x").verdict.unwrap());
        let judged = Judgement {
            service: shop(),
            revision: trial.clone(),
            tag: tag(&trial),
            started,
            verdict,
            drift: Vec::new(),
            answers: Vec::new(),
        };
        let why = Caller::new("autopilot", "by its verdict").unwrap().knowing(Arc::new(judged.clone()));
        if promoted {
            let request = Request { caller: why, ..request(&trial) };
            one.promote(&shop(), &request, &Progress::silent()).await.unwrap();
        } else {
            one.rollback(&shop(), &why, &Progress::silent()).await.unwrap();
        }
        tend(&other).await;
        assert_eq!(since(&world, before), [], "whoever did it has time to tell it");

        world.wait(90).await;
        tend(&other).await;
        let told = since(&world, before);
        let [told] = &told[..] else { panic!("{told:?}") };
        let (occasion, reason) = match promoted {
            true => (Occasion::Promoted, "Promoted"),
            false => (Occasion::RolledBack, "RolledBack"),
        };
        assert_eq!((told.occasion, events(&world, reason)), (occasion, 1));
        assert_eq!(told.canary.as_ref().map(|canary| canary.started), Some(started));
        assert_eq!(told.verdict.as_ref(), Some(&judged.verdict));
        assert_eq!(told.details[0].value, "autopilot");

        // Neither by itself again nor by another.
        for pipeline in [&other, &third, &world.pipeline()] {
            tend(pipeline).await;
        }
        assert_eq!((since(&world, before).len(), events(&world, reason)), (1, 1));
    }
}

#[tokio::test]
async fn what_was_told_is_not_told_again_and_what_is_old_is_no_news() {
    let world = World::new();
    let (pipeline, other) = (world.pipeline(), world.pipeline());
    deploy(&pipeline, &world.version(1)).await.unwrap();
    canary(&pipeline, &world.version(2)).await.unwrap();
    pipeline.rollback(&shop(), &caller(), &Progress::silent()).await.unwrap();
    let before = world.notifier.told().len();
    world.wait(90).await;
    tend(&other).await;
    assert_eq!((since(&world, before), events(&world, "RolledBack")), (vec![], 1));

    canary(&pipeline, &world.version(3)).await.unwrap();
    speechless(&world).rollback(&shop(), &caller(), &Progress::silent()).await.unwrap();
    let before = world.notifier.told().len();
    world.wait(2 * 3600).await;
    tend(&other).await;
    assert_eq!((since(&world, before), events(&world, "RolledBack")), (vec![], 1));
}

#[tokio::test]
async fn what_cannot_be_told_now_is_told_when_it_can() {
    let world = World::new();
    deploy(&world.pipeline(), &world.version(1)).await.unwrap();
    canary(&world.pipeline(), &world.version(2)).await.unwrap();
    speechless(&world).rollback(&shop(), &caller(), &Progress::silent()).await.unwrap();
    let (before, cluster) = (world.notifier.told().len(), Arc::new(Faulty::new(&world)));
    let pipeline = world.pipeline_over(Ports { cluster: cluster.clone(), ..world.ports() });
    world.wait(90).await;
    for (eventless, told) in [(Some(Eventless::Refused), 0), (None, 1), (None, 1)] {
        *cluster.eventless.lock().unwrap() = eventless;
        tend(&pipeline).await;
        assert_eq!(
            (since(&world, before).len(), events(&world, "RolledBack")),
            (told, told),
            "{eventless:?}"
        );
    }
}
