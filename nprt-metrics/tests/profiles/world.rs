//! What a producer exposes, scraped and measured as the page says.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use jiff::Timestamp;
use nprt_core::clock::ManualClock;
use nprt_core::model::{BlockData, ServiceName, TimeRange, Track};
use nprt_core::ports::{MetricQuery, MetricsBackend, Versions};
use nprt_metrics::prometheus::Prometheus;

use crate::page::{blocks, config};
use crate::support::name;
use crate::support::scraped::{Exposition, Scraped, log_in, scraped};

/// The labels that Kubernetes' discovery finds of a pod of the service `web` that nprt deployed.
pub(crate) fn discovered(track: Option<Track>, more: &[(&str, &str)]) -> String {
    let (pod, version) = (pod(track), "main-3f2a91c");
    let mut labels = format!("__meta_kubernetes_pod_name: {pod}, __meta_kubernetes_namespace: shop");
    if let Some(track) = track {
        write!(
            labels,
            ", __meta_kubernetes_pod_label_nprt_dev_service: web, __meta_kubernetes_pod_label_nprt_dev_track: {track}, \
             __meta_kubernetes_pod_label_app_kubernetes_io_version: {version}"
        )
        .unwrap();
    }
    for (label, value) in more {
        write!(labels, ", {label}: '{value}'").unwrap();
    }
    labels
}

pub(crate) fn pod(track: Option<Track>) -> &'static str {
    match track {
        Some(Track::Canary) => "web-canary-6d4cf56db6-x7k2p",
        Some(Track::Stable) => "web-7c9df48b5b-x7k2p",
        None => "backup-7c9df48b5b-x7k2p",
    }
}

/// A job's discovery as labels of targets, by what they expose.
pub(crate) type Discovery = Vec<(String, String)>;

/// A backend as the page sets it up, the first minute that is measured, and the server that measured.
pub(crate) struct World {
    pub(crate) backend: Prometheus,
    pub(crate) minute: i64,
    _server: nprt_testkit::Prometheus,
}

/// The world of a section; `targets` makes what is discovered out of the exposition that is kept of its producer.
pub(crate) async fn world(section: &str, targets: impl Fn(&str) -> Discovery) -> Option<World> {
    let path = format!("{}/tests/exposition/{section}.prom", env!("CARGO_MANIFEST_DIR"));
    discovering(section, targets(&std::fs::read_to_string(&path).unwrap())).await
}

/// The world of a section, in which these are the targets.
pub(crate) async fn discovering(section: &str, targets: Discovery) -> Option<World> {
    let page = blocks(section);
    let [settings, scrape] = page.as_slice() else { panic!("{section} has {} blocks", page.len()) };
    let targets = targets.into_iter().map(|(labels, text)| (labels, Exposition::Text(text))).collect();
    let Scraped { server, minute } = scraped(scrape, targets, &[]).await?;
    let mut config = config(settings);
    log_in(&mut config, &server);
    let clock = ManualClock::new(Timestamp::from_second((minute + 4) * 60 + 1).unwrap());
    let backend = config.build(Arc::new(clock)).unwrap();
    Some(World { backend, minute, _server: server })
}

/// What a metric did in each of the four minutes, which must be the same, by track.
pub(crate) async fn measured(world: &World, metric: &str) -> BTreeMap<Track, BlockData> {
    let at = |minute: i64| Timestamp::from_second(minute * 60).unwrap();
    let query = MetricQuery {
        service: ServiceName::new("web").unwrap(),
        metric: name(metric),
        range: TimeRange::new(at(world.minute), at(world.minute + 4)).unwrap(),
        versions: Versions::default(),
    };
    let measured = world.backend.blocks(&query).await.unwrap_or_else(|error| panic!("{metric}: {error}"));
    assert_eq!(measured.left_out, [], "{metric}");
    let blocks = measured.blocks;
    let mut found: BTreeMap<Track, BlockData> = BTreeMap::new();
    for block in &blocks {
        let first = found.entry(block.track).or_insert_with(|| block.data.clone());
        let minute = block.minute - world.minute;
        assert!(is_like(first, &block.data), "{metric} of {} in minute {minute}: {blocks:?}", block.track);
    }
    assert_eq!(blocks.len(), 8, "{metric}: {blocks:?}");
    found
}

/// Whether both are the same; values that the server computed may differ by what it rounds.
fn is_like(first: &BlockData, second: &BlockData) -> bool {
    match (first, second) {
        (BlockData::Value(first), BlockData::Value(second)) => {
            (first - second).abs() <= 1e-9 * first.abs().max(1.0)
        }
        _ => first == second,
    }
}

/// The same on both tracks.
fn both(data: &BlockData) -> BTreeMap<Track, BlockData> {
    [Track::Stable, Track::Canary].into_iter().map(|track| (track, data.clone())).collect()
}

fn classes(of: &[(&str, u64)]) -> BlockData {
    BlockData::Classes(of.iter().map(|(class, count)| ((*class).to_owned(), *count)).collect())
}

pub(crate) const TRACKS: [Track; 2] = [Track::Stable, Track::Canary];

/// What each minute had on both tracks: four scrapes, each of which adds what the exposition says.
pub(crate) struct Expected<'a> {
    pub(crate) latency: &'a BlockData,
    pub(crate) requests: (u64, u64),
    pub(crate) errors: &'a [(&'a str, u64)],
}

impl Expected<'_> {
    pub(crate) async fn is_measured(&self, world: &World) {
        assert_eq!(measured(world, "latency").await, both(self.latency));
        let (requests, errors) = self.requests;
        let requests = BlockData::Requests { requests, errors };
        assert_eq!(measured(world, "requests").await, both(&requests));
        assert_eq!(measured(world, "errors").await, both(&classes(self.errors)));
    }
}

/// 60 answers in a scrape and some failures; all that is another's has 900.
pub(crate) async fn has_requests(world: &World, requests: (u64, u64), errors: &[(&str, u64)]) {
    let latency = &BlockData::Histogram { edges: vec![0.1, 0.5, 1.0], counts: vec![160, 48, 32, 0] };
    Expected { latency, requests, errors }.is_measured(world).await;
}
