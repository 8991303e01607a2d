//! What the aggregator answers with.

use std::ops::Range;
use std::time::Duration;

use nprt_core::model::{Block, BlockData, ServiceName};
use nprt_core::ports::{LeftOutReason, Lost, Measured};
use nprt_core::{Error, Result};

use super::aggregator::Aggregator;
use super::arrivals::Arrivals;
use super::key::read_key;
use super::minute::Closed;
use super::service::Service;
use super::services::Services;

impl Aggregator {
    /// The blocks of the metric at that place, of those of `minutes` that are kept and were heard in full, and what is not
    /// in them.
    ///
    /// # Errors
    /// `Invalid` for a service that has no room.
    pub(super) fn collect(
        &self,
        index: usize,
        service: &ServiceName,
        minutes: Range<i64>,
    ) -> Result<Measured> {
        let mut measured = Measured::default();
        measured.evidence.resolution = Duration::from_secs(60);
        let Some((metric, _)) = self.metrics.get(index) else { return Ok(measured) };
        let start = minutes.start.max(self.first_known());
        let (state, _) = self.state_now();
        let Some(heard) = known(&state.services, service)? else { return Ok(measured) };
        let range = start.max(heard.since())..minutes.end;
        let mut above = None;
        for (minute, closed) in heard.minutes(range.clone()) {
            for packed in closed.blocks(number(index)) {
                let series = heard.series().get(packed.series);
                let Some((track, [version, pod, route])) = series.and_then(|series| read_key(&series.key))
                else {
                    continue;
                };
                let Some((data, error)) = packed.data(self.limits.samples_per_block) else { continue };
                above = above.into_iter().chain(packed.above()).reduce(add_above);
                let points = if let BlockData::Samples(samples) = &data { samples.len() as u64 } else { 1 };
                measured.evidence.points = measured.evidence.points.saturating_add(points);
                let before = measured.evidence.quantile_error;
                measured.evidence.quantile_error = before.into_iter().chain(error).reduce(f64::max);
                measured.blocks.push(Block {
                    minute,
                    track,
                    version,
                    pod,
                    route,
                    metric: metric.clone(),
                    data,
                });
            }
            for ((of, track, reason), lines) in &closed.left_out {
                if *of == number(index) {
                    measured.leave_out(LeftOutReason::from(*reason), minute, *track, *lines);
                    measured.evidence.points = measured.evidence.points.saturating_add(*lines);
                }
            }
        }
        if let Some((samples, edge)) = above {
            measured.note(&format!(
                "{samples} measurements lie above the last edge of their histograms, {edge}: how far is not known, and they are taken to lie just above it"
            ));
        }
        missing(&state.arrivals, range, &mut measured);
        drop(state);
        measured.blocks.sort_by(|a, b| a.order().cmp(&b.order()));
        Ok(measured)
    }

    /// What of `minutes` was measured of the service, and is not in its blocks: first what is lost altogether, then the
    /// minutes in which a metric was refused, with the number of lines.
    ///
    /// # Errors
    /// `Invalid` for a service that has no room.
    pub(super) fn what_is_lost(&self, service: &ServiceName, minutes: Range<i64>) -> Result<Vec<Lost>> {
        let start = minutes.start.max(self.first_known());
        let (state, _) = self.state_now();
        let since = match known(&state.services, service)? {
            Some(heard) => heard.since(),
            None if state.services.turned_away() => i64::MAX,
            None => i64::MIN,
        };
        let mut all = Vec::new();
        let lost = start..since.min(minutes.end);
        if !lost.is_empty() {
            all.push(Lost { minutes: lost, metric: None, lines: 0 });
        }
        let heard = state.services.get(service.as_str());
        let heard = heard.into_iter().flat_map(|heard| heard.minutes(start.max(since)..minutes.end));
        for (minute, closed) in heard {
            all.extend(self.refused(minute, closed));
        }
        Ok(all)
    }

    fn refused(&self, minute: i64, closed: &Closed) -> impl Iterator<Item = Lost> {
        closed.refused().map(move |(metric, lines)| Lost {
            minutes: minute..minute.saturating_add(1),
            metric: self.metrics.get(metric).map(|(name, _)| name.clone()),
            lines,
        })
    }
}

fn add_above(a: (u64, f64), b: (u64, f64)) -> (u64, f64) {
    (a.0.saturating_add(b.0), a.1.max(b.1))
}

/// Says what the kernel dropped: nobody knows whose datagrams they were, so that each service misses the same part.
fn missing(arrivals: &Arrivals, minutes: Range<i64>, measured: &mut Measured) {
    let (mut dropped, mut received) = (0_u64, 0_u64);
    for (minute, arrived) in arrivals.with_drops(minutes) {
        dropped = dropped.saturating_add(arrived.dropped);
        received = received.saturating_add(arrived.received);
        let first = measured.blocks.partition_point(|block| block.minute < minute);
        let of_minute = measured.blocks.iter().skip(first).take_while(|block| block.minute == minute);
        let points = |block: &Block| match &block.data {
            BlockData::Samples(samples) => samples.len() as u64,
            _ => 1,
        };
        let points = of_minute.map(points).sum();
        measured.leave_out(LeftOutReason::NoRoom, minute, None, arrived.missing(points));
    }
    if dropped > 0 {
        let share = 100.0 * dropped as f64 / dropped.saturating_add(received) as f64;
        measured.note(&format!(
            "the kernel dropped {dropped} statsd datagrams ({share:.2}%) in these minutes, because the server was too slow to take them"
        ));
    }
}

/// A metric's place, as it is kept; there are 1,000 at the most.
fn number(metric: usize) -> u16 {
    u16::try_from(metric).unwrap_or(u16::MAX)
}

/// A service; `None` where it may have room and nothing was heard of it.
fn known<'a>(services: &'a Services, name: &ServiceName) -> Result<Option<&'a Service>> {
    match (services.get(name.as_str()), services.named()) {
        (None, Some(named)) => {
            let message = "this statsd server keeps nothing of the service: name it among its services";
            Err(Error::invalid("statsd.blocks", message).with("service", name).with_available(named))
        }
        (heard, _) => Ok(heard),
    }
}
