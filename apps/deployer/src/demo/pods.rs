use std::collections::BTreeMap;
use std::time::Duration;

use nprt::clock::FastClock;
use nprt::model::{ServiceName, Tag};
use nprt::ports::Clock;
use nprt_shop::{Behaviour, Pods};

use crate::app::App;
use crate::compose::Told;

/// How often it looks what runs.
const LOOK: Duration = Duration::from_secs(3);

/// Sends the traffic of whatever versions run, each as it behaves.
pub(crate) async fn follow(
    app: App,
    service: ServiceName,
    pods: Pods,
    clock: FastClock,
    behaviours: BTreeMap<Tag, Behaviour>,
) {
    let behaviour = |tag: &Tag| behaviours.get(tag).copied().unwrap_or(Behaviour::Fine);
    let (mut stable, mut canary) = (None, None);
    loop {
        // What does not answer may do so in a moment; meanwhile the same pods run.
        if let Ok(status) = app.current().pipeline(Told::Decisions).status(&service).await {
            let now = (status.stable.and_then(|one| one.tag), status.canary.and_then(|one| one.tag));
            if now.0 != stable || now.1 != canary {
                pods.roll_back();
                if let Some(tag) = &now.0 {
                    pods.deploy(tag, behaviour(tag));
                }
                if let Some(tag) = &now.1 {
                    pods.try_out(tag, behaviour(tag));
                }
                (stable, canary) = now;
            }
        }
        clock.sleep(LOOK).await;
    }
}
