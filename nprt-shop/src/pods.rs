use std::net::SocketAddr;
use std::time::Duration;

use cadence::StatsdClient;
use nprt_core::clock::FastClock;
use nprt_core::model::{ServiceName, Tag, Track};
use nprt_core::ports::Clock;
use tokio::sync::watch;

use crate::metrics::{Labels, client};
use crate::random::Random;
use crate::{Behaviour, Result};

/// Requests a minute on each track, and the pods that answer them.
const STABLE: (u32, u32) = (3600, 3);
const CANARY: (u32, u32) = (1200, 1);
/// Seconds of the clock between two bursts of packets.
const TICK: u32 = 3;

/// What runs on each track, and how it behaves.
#[derive(Debug, Clone, Default)]
struct Running {
    stable: Option<(Tag, Behaviour)>,
    canary: Option<(Tag, Behaviour)>,
}

/// The pods of a service, as far as metrics show them: 3,600 requests a minute on three pods of stable, and 1,200 on
/// one pod of a canary. Their traffic ends when this is dropped.
#[derive(Debug)]
pub struct Pods(watch::Sender<Running>);

impl Pods {
    /// None yet. What they will measure goes to `statsd`, by packets of UDP.
    ///
    /// # Errors
    /// When there is no socket to send from.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn new(service: ServiceName, statsd: SocketAddr, clock: FastClock) -> Result<Self> {
        let running = watch::Sender::new(Running::default());
        tokio::spawn(send(service, client(statsd)?, clock, running.subscribe()));
        Ok(Self(running))
    }

    /// Starts those of stable in place of the ones there.
    pub fn deploy(&self, tag: &Tag, behaviour: Behaviour) {
        self.0.send_modify(|now| now.stable = Some((tag.clone(), behaviour)));
    }

    /// Starts those of a canary beside them.
    pub fn try_out(&self, tag: &Tag, behaviour: Behaviour) {
        self.0.send_modify(|now| now.canary = Some((tag.clone(), behaviour)));
    }

    /// Makes the canary stable.
    pub fn promote(&self) {
        self.0.send_modify(|now| now.stable = now.canary.take());
    }

    /// Ends the canary.
    pub fn roll_back(&self) {
        self.0.send_modify(|now| now.canary = None);
    }
}

/// Sends the traffic of what runs, until nobody says any more what that is.
async fn send(
    service: ServiceName,
    client: StatsdClient,
    clock: FastClock,
    running: watch::Receiver<Running>,
) {
    let mut tracks = [Traffic::of(Track::Stable, STABLE), Traffic::of(Track::Canary, CANARY)];
    while running.has_changed().is_ok() {
        let now = running.borrow().clone();
        for (traffic, version) in tracks.iter_mut().zip([&now.stable, &now.canary]) {
            // Nobody hears of a packet that is lost.
            let _ = traffic.tick(&service, &client, version.as_ref());
        }
        clock.sleep(Duration::from_secs(TICK.into())).await;
    }
}

/// The traffic of a track, which begins anew with each version.
struct Traffic {
    track: Track,
    rate: u32,
    pods: u32,
    version: Option<(Tag, Behaviour)>,
    requests: u64,
    random: Random,
}

impl Traffic {
    fn of(track: Track, (rate, pods): (u32, u32)) -> Self {
        Self { track, rate, pods, version: None, requests: 0, random: Random::new(track as u64) }
    }

    fn tick(
        &mut self,
        service: &ServiceName,
        client: &StatsdClient,
        version: Option<&(Tag, Behaviour)>,
    ) -> cadence::MetricResult<()> {
        if self.version.as_ref() != version {
            let fresh = Self::of(self.track, (self.rate, self.pods));
            *self = Self { version: version.cloned(), ..fresh };
        }
        let Some((tag, behaviour)) = version else { return Ok(()) };
        for pod in 0..self.pods {
            let name = format!("frontend-{}-{pod}", self.track);
            let labels = Labels { service, track: self.track, tag, pod: name };
            for _ in 0..self.rate * TICK / 60 / self.pods {
                labels.request(client, behaviour.answer(self.requests, &mut self.random))?;
                self.requests += 1;
            }
            labels.utilisation(client, &mut self.random)?;
        }
        Ok(())
    }
}
