//! Levels and rates, whose parts may come in several messages of a request.

use std::collections::BTreeMap;

use super::added::Unknown;
use super::attributes::Names;
use super::receiver::OtlpReceiver;
use super::source::Role;
use super::tally::Tally;
use crate::statsd::{Fate, Reading};

/// Numbers of the same resource, instrument, moment and place, which add up: those of a request, since a collector may split
/// what an instrument said.
#[derive(Debug, Default)]
pub(super) struct Values<'a>(BTreeMap<Key<'a>, Sum>);

/// The identity of the resource, the instrument, the moment and the place.
type Key<'a> = (u128, &'a str, u64, Names<'a>);

#[derive(Debug)]
struct Sum {
    /// By metric that is a value of the instrument; or why a part is missing.
    of_metrics: Vec<Result<f64, Unknown>>,
    /// Points that are still to be counted by what became of them.
    points: u64,
}

impl<'a> Values<'a> {
    /// Adds what a point says to each of the metrics.
    pub(super) fn note(
        &mut self,
        (resource, instrument): (u128, &'a str),
        time: u64,
        names: Names<'a>,
        parts: &[Result<f64, Unknown>],
        is_to_be_counted: bool,
    ) {
        let none = || Sum { of_metrics: vec![Ok(0.0); parts.len()], points: 0 };
        let sum = self.0.entry((resource, instrument, time, names)).or_insert_with(none);
        sum.points += u64::from(is_to_be_counted);
        for (sum, part) in sum.of_metrics.iter_mut().zip(parts) {
            *sum = match (*sum, *part) {
                (Ok(sum), Ok(part)) => Ok(sum + part),
                (Err(unknown), _) | (Ok(_), Err(unknown)) => Err(unknown),
            };
        }
    }

    /// Adds all of them to their metrics.
    pub(super) fn add_to(self, receiver: &OtlpReceiver, tally: &mut Tally) {
        let aggregator = &receiver.aggregator;
        for ((_, instrument, _, names), Sum { of_metrics, points }) in self.0 {
            let place = names.place();
            let sources = receiver.sources.get(instrument).into_iter().flatten();
            let sources = sources.filter(|source| matches!(source.role, Role::Value(_)));
            let mut best = Fate::Unmapped;
            for (source, value) in sources.zip(of_metrics) {
                best = best.max(match value {
                    Ok(value) => aggregator.add_readings(&place, source.metric, Ok(&[Reading::Gauge(value)])),
                    Err(Unknown::LeftOut(reason)) => {
                        aggregator.add_readings(&place, source.metric, Err(reason))
                    }
                    Err(Unknown::NoRoom) => aggregator.refuse(&place, source.metric),
                });
            }
            (0..points).for_each(|_| tally.count(aggregator, best, None));
        }
    }
}
