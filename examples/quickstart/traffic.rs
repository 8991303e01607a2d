//! Simulated traffic of both tracks, sent as real statsd packets over UDP by a common client library.

use std::error::Error;
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use cadence::prelude::*;
use cadence::{MetricBuilder, StatsdClient, UdpMetricSink};
use nprt::clock::FastClock;
use nprt::model::{ServiceName, Tag, Track};
use nprt::ports::Clock;
use tokio::sync::watch;

/// How a version behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Behaviour {
    /// As well as the others: about 40 ms, a twentieth above 90 ms; one request in 20,000 times out upstream.
    Fine,
    /// One request in ten takes 200 ms more.
    SlowTail,
    /// One request in fifty fails in a way that was never seen.
    NewError,
}

/// What runs on each track, and how it behaves.
#[derive(Debug, Clone, Default)]
struct Running {
    stable: Option<(Tag, Behaviour)>,
    canary: Option<(Tag, Behaviour)>,
}

/// The pods of a service, as far as metrics show them.
pub(crate) struct Pods(watch::Sender<Running>);

impl Pods {
    /// None yet.
    pub(crate) fn new(service: &ServiceName, statsd: SocketAddr, clock: FastClock) -> Self {
        let running = watch::Sender::new(Running::default());
        tokio::spawn(send(service.clone(), statsd, clock, running.subscribe()));
        Self(running)
    }

    /// Starts those of stable, which behave well.
    pub(crate) fn deploy(&self, tag: &Tag) {
        self.0.send_modify(|now| now.stable = Some((tag.clone(), Behaviour::Fine)));
    }

    /// Starts those of a canary beside them.
    pub(crate) fn try_out(&self, tag: &Tag, behaviour: Behaviour) {
        self.0.send_modify(|now| now.canary = Some((tag.clone(), behaviour)));
    }

    /// Makes the canary stable.
    pub(crate) fn promote(&self) {
        self.0.send_modify(|now| now.stable = now.canary.take());
    }

    /// Ends the canary.
    pub(crate) fn roll_back(&self) {
        self.0.send_modify(|now| now.canary = None);
    }
}

/// Requests a minute on each track, and the pods that answer them.
const STABLE: (u32, u32) = (3600, 3);
const CANARY: (u32, u32) = (1200, 1);
/// Seconds of the clock between two bursts of packets.
const TICK: u32 = 3;

/// Sends the traffic of what runs, until it is dropped.
async fn send(
    service: ServiceName,
    statsd: SocketAddr,
    clock: FastClock,
    running: watch::Receiver<Running>,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let client = StatsdClient::from_sink("", UdpMetricSink::from(statsd, UdpSocket::bind("127.0.0.1:0")?)?);
    let mut random = Random(0x6e70_7274);
    loop {
        let now = running.borrow().clone();
        for (track, version, (rate, pods)) in
            [(Track::Stable, now.stable, STABLE), (Track::Canary, now.canary, CANARY)]
        {
            let Some((tag, behaviour)) = version else { continue };
            let labels = Labels { service: &service, track, tag: &tag };
            for request in 0..rate * TICK / 60 {
                labels.request(&client, request % pods, behaviour, &mut random)?;
            }
            for pod in 0..pods {
                labels.utilisation(&client, pod, &mut random)?;
            }
        }
        clock.sleep(Duration::from_secs(TICK.into())).await;
    }
}

/// The tags of every metric: whose it is, and of which version.
struct Labels<'a> {
    service: &'a ServiceName,
    track: Track,
    tag: &'a Tag,
}

impl Labels<'_> {
    fn request(
        &self,
        client: &StatsdClient,
        pod: u32,
        behaviour: Behaviour,
        random: &mut Random,
    ) -> cadence::MetricResult<()> {
        let class = match random.uniform() {
            u if u < 0.00005 => Some("upstream_timeout"),
            u if u < 0.02005 && behaviour == Behaviour::NewError => Some("price_missing"),
            _ => None,
        };
        let slow = behaviour == Behaviour::SlowTail && random.uniform() < 0.1;
        let seconds = 0.040 * (0.5 * random.normal()).exp() + if slow { 0.2 } else { 0.0 };
        let pod = self.pod(pod);
        self.on(client.count_with_tags("request.count", 1), &pod)?;
        match class {
            Some(class) => {
                self.on(client.count_with_tags("request.errors", 1).with_tag("error", class), &pod)
            }
            None => self.on(client.distribution_with_tags("request.latency", seconds), &pod),
        }
    }

    fn utilisation(&self, client: &StatsdClient, pod: u32, random: &mut Random) -> cadence::MetricResult<()> {
        let pod = self.pod(pod);
        self.on(client.gauge_with_tags("process.cpu", 0.2 + 0.02 * random.uniform()), &pod)?;
        self.on(client.gauge_with_tags("process.memory", 150e6 + 5e6 * random.uniform()), &pod)
    }

    fn pod(&self, pod: u32) -> String {
        format!("frontend-{}-{pod}", self.track)
    }

    fn on<'m, M: cadence::Metric + From<String>>(
        &'m self,
        metric: MetricBuilder<'m, '_, M>,
        pod: &'m str,
    ) -> cadence::MetricResult<()> {
        let metric = metric
            .with_tag("service", self.service.as_str())
            .with_tag("track", self.track.as_str())
            .with_tag("version", self.tag.as_str())
            .with_tag("pod", pod);
        metric.try_send().map(drop)
    }
}

/// A small seeded generator (SplitMix64), so that every run sends the same traffic.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    /// In (0, 1).
    fn uniform(&mut self) -> f64 {
        (f64::from(u32::try_from(self.next() >> 32).unwrap_or(0)) + 0.5) / f64::from(u32::MAX)
    }

    /// Standard normal, by Box and Muller.
    fn normal(&mut self) -> f64 {
        (-2.0 * self.uniform().ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos()
    }
}
