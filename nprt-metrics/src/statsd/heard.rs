//! What was heard of a metric, copied so that nobody waits while it becomes an answer.

use std::sync::Arc;
use std::time::Duration;

use nprt_core::model::{Block, BlockData, MetricName, Track};
use nprt_core::ports::{LeftOutReason, Measured};

use super::Reason;
use super::arrivals::Arrived;
use super::packed;

/// The minutes of a metric of a service.
#[derive(Debug)]
pub(super) struct Heard {
    pub(super) metric: MetricName,
    pub(super) minutes: Vec<Minute>,
    /// Minutes in which the kernel dropped datagrams.
    pub(super) drops: Vec<(i64, Arrived)>,
}

#[derive(Debug)]
pub(super) struct Minute {
    pub(super) minute: i64,
    /// All blocks, packed.
    pub(super) packed: Arc<[u8]>,
    /// Where each block was measured, in the same order; `None` where nobody knows.
    pub(super) places: Vec<Option<Measurer>>,
    pub(super) left_out: Vec<(Option<Track>, Reason, u64)>,
}

/// Track, version, pod and route.
pub(super) type Measurer = (Track, [Option<String>; 3]);

impl Heard {
    /// The blocks, each of at most so many samples. Of long histograms it takes a while: call it where that blocks nobody.
    pub(super) fn measured(self, most_samples: usize) -> Measured {
        let Self { metric, minutes, drops } = self;
        let mut measured = Measured::default();
        measured.evidence.resolution = Duration::from_secs(60);
        let mut above = None;
        for Minute { minute, packed, places, left_out } in minutes {
            let mut rest = &packed[..];
            let blocks = std::iter::from_fn(|| packed::next(&mut rest));
            for (packed, place) in blocks.zip(places) {
                let Some((track, [version, pod, route])) = place else { continue };
                let Some((data, error)) = packed.data(most_samples) else { continue };
                above = above.into_iter().chain(packed.above()).reduce(add_above);
                measured.evidence.points = measured.evidence.points.saturating_add(points(&data));
                let before = measured.evidence.quantile_error;
                measured.evidence.quantile_error = before.into_iter().chain(error).reduce(f64::max);
                let metric = metric.clone();
                measured.blocks.push(Block { minute, track, version, pod, route, metric, data });
            }
            for (track, reason, lines) in left_out {
                measured.leave_out(LeftOutReason::from(reason), minute, track, lines);
                measured.evidence.points = measured.evidence.points.saturating_add(lines);
            }
        }
        if let Some((samples, edge)) = above {
            measured.note(&format!(
                "{samples} measurements lie above the last edge of their histograms, {edge}: how far is not known, and they are taken to lie just above it"
            ));
        }
        missing(&drops, &mut measured);
        measured.blocks.sort_by(|a, b| a.order().cmp(&b.order()));
        measured
    }
}

fn points(data: &BlockData) -> u64 {
    match data {
        BlockData::Samples(samples) => samples.len() as u64,
        _ => 1,
    }
}

fn add_above(a: (u64, f64), b: (u64, f64)) -> (u64, f64) {
    (a.0.saturating_add(b.0), a.1.max(b.1))
}

/// Says what the kernel dropped: nobody knows whose datagrams they were, so that each service misses the same part.
fn missing(drops: &[(i64, Arrived)], measured: &mut Measured) {
    let (mut dropped, mut received) = (0_u64, 0_u64);
    for &(minute, arrived) in drops {
        dropped = dropped.saturating_add(arrived.dropped);
        received = received.saturating_add(arrived.received);
        let first = measured.blocks.partition_point(|block| block.minute < minute);
        let of_minute = measured.blocks.iter().skip(first).take_while(|block| block.minute == minute);
        let points = of_minute.map(|block| points(&block.data)).sum();
        measured.leave_out(LeftOutReason::NoRoom, minute, None, arrived.missing(points));
    }
    if dropped > 0 {
        let share = 100.0 * dropped as f64 / dropped.saturating_add(received) as f64;
        measured.note(&format!(
            "the kernel dropped {dropped} statsd datagrams ({share:.2}%) in these minutes, because the server was too slow to take them"
        ));
    }
}
