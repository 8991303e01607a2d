//! From the points of an instrument to the aggregator.

use super::added::{Added, LONGEST, Unknown};
use super::attributes::Attributes;
use super::message::{KeyValue, Metric};
use super::point::{Meaning, Point, count, points};
use super::receiver::OtlpReceiver;
use super::source::{Role, Source};
use super::streams::{Streams, Told};
use super::tally::Tally;
use super::total::Total;
use super::unit::{is_time, unit_of};
use super::values::Values;
use crate::statsd::{Fate, Place, Reading, Reason};
use crate::{MetricUnit, RequestOutcome};

/// Takes in one instrument.
pub(super) struct Taking<'t, 'a> {
    pub(super) receiver: &'t OtlpReceiver,
    pub(super) streams: &'t mut Streams,
    pub(super) tally: &'t mut Tally,
    pub(super) values: &'t mut Values<'a>,
    /// Those of the resource.
    pub(super) attributes: &'a [KeyValue],
    /// The identity of the resource.
    pub(super) resource: u128,
    /// The identity of the scope, in its resource.
    pub(super) scope: u128,
    pub(super) metric: &'a Metric,
}

impl<'a> Taking<'_, 'a> {
    pub(super) fn take(mut self) {
        let receiver = self.receiver;
        let sources = receiver.sources.get(&self.metric.name).map(Vec::as_slice).unwrap_or_default();
        let meaning = Meaning::of(self.metric);
        if sources.is_empty() || meaning == Meaning::Unusable {
            let (fate, why) = match sources {
                [] => (Fate::Unmapped, None),
                _ => (Fate::WrongType, Some(self.unusable())),
            };
            (0..count(self.metric)).for_each(|_| self.tally.count(&receiver.aggregator, fate, why.clone()));
            return;
        }
        let instrument = receiver.identities.instrument(self.scope, &self.metric.name);
        for point in points(self.metric).filter(Point::measures) {
            self.point(point, (meaning, instrument), sources);
        }
    }

    fn unusable(&self) -> String {
        let name: String = self.metric.name.chars().take(100).collect();
        format!(
            "{name} is a summary, or of a temporality that says nothing: expected a histogram, a sum or a gauge"
        )
    }

    fn point(&mut self, point: Point<'a>, (meaning, instrument): (Meaning, u128), sources: &[Source]) {
        let OtlpReceiver { aggregator, config, .. } = self.receiver;
        let attributes = Attributes { point: point.attributes, resource: self.attributes };
        let names = match attributes.names(&config.attributes) {
            Ok(names) => names,
            Err(why) => return self.tally.count(aggregator, Fate::Unattributed, Some(why)),
        };
        let admitted = match aggregator.admit(&names.place()) {
            Ok(admitted) => admitted,
            Err(fate) => return self.tally.count(aggregator, fate, None),
        };
        let outcome = attributes.outcome(&config.attributes);
        let second = i64::try_from(point.time / 1_000_000_000).unwrap_or(i64::MAX);
        let added = match (aggregator.untimely(second), point.total) {
            (Some(reason), _) | (None, Err(reason)) => Err(Unknown::LeftOut(reason)),
            (None, Ok(total)) => {
                let stream = || self.receiver.identities.stream(instrument, point.attributes);
                let (start, time) = (point.start, point.time);
                match meaning {
                    Meaning::Cumulative => {
                        let told = Told { instrument, stream: stream(), start, time, total };
                        self.streams.told(&names.service, told, admitted.share, admitted.second)
                    }
                    Meaning::Delta => delta(start, time, total).map(Some),
                    Meaning::Level | Meaning::Unusable => Ok(Some(Added { total, seconds: 0.0 })),
                }
            }
        };
        let added = match added {
            Ok(Some(added)) => Ok(added),
            Ok(None) => return self.tally.count(aggregator, Fate::Used, None),
            Err(unknown) => Err(unknown),
        };
        let (mut best, mut parts) = (None, Vec::new());
        for source in sources.iter().filter(|source| source.role.is_of(outcome)) {
            if let Role::Value(unit) = source.role {
                let value = added.as_ref().map_err(|unknown| *unknown);
                parts
                    .push(value.and_then(|added| self.value(added, meaning, unit).map_err(Unknown::LeftOut)));
            } else {
                best = best.max(Some(self.add(&names.place(), *source, (meaning, outcome), &added)));
            }
        }
        match best {
            Some(fate) => self.tally.count(aggregator, fate, None),
            // Such as requests that failed, where only latency is made of the instrument.
            None if parts.is_empty() => self.tally.count(aggregator, Fate::Failed, None),
            None => {}
        }
        if !parts.is_empty() {
            let instrument = (self.resource, self.metric.name.as_str());
            self.values.note(instrument, point.time, names.of_no_request(), &parts, best.is_none());
        }
    }

    /// Adds to a metric of requests.
    fn add(
        &self,
        place: &Place<'_>,
        source: Source,
        (meaning, outcome): (Meaning, Option<RequestOutcome>),
        added: &Result<Added, Unknown>,
    ) -> Fate {
        let aggregator = &self.receiver.aggregator;
        if meaning == Meaning::Level {
            return Fate::WrongType;
        }
        let added = match added {
            Ok(added) => added,
            Err(Unknown::LeftOut(reason)) => {
                return aggregator.add_readings(place, source.metric, Err(*reason));
            }
            Err(Unknown::NoRoom) => return aggregator.refuse(place, source.metric),
        };
        let count = added.total.count();
        if count == 0.0 {
            return Fate::Used;
        }
        let Some(outcome) = outcome else {
            return aggregator.add_readings(place, source.metric, Err(Reason::UnknownStatus));
        };
        let readings = match source.role {
            Role::Samples(unit) => match &added.total {
                Total::Number(_) => return Fate::WrongType,
                total => self
                    .unit(unit)
                    .filter(|unit| is_time(*unit))
                    .ok_or(Reason::Malformed)
                    .and_then(|unit| total.readings(unit)),
            },
            Role::Requests if outcome == RequestOutcome::Failure => {
                Ok(vec![Reading::Requests(count), Reading::Errors(count)])
            }
            Role::Requests => Ok(vec![Reading::Requests(count)]),
            Role::Classes | Role::Value(_) => Ok(vec![Reading::Class(place.class, count)]),
        };
        aggregator.add_readings(place, source.metric, readings.as_deref().map_err(|reason| *reason))
    }

    /// The unit that is configured, else the instrument's own.
    fn unit(&self, configured: Option<MetricUnit>) -> Option<MetricUnit> {
        configured.or_else(|| unit_of(&self.metric.unit))
    }

    /// A level, or how much a counter grew in a second.
    fn value(&self, added: &Added, meaning: Meaning, unit: Option<MetricUnit>) -> Result<f64, Reason> {
        let Total::Number(number) = added.total else { return Err(Reason::Malformed) };
        let number = self.unit(unit).unwrap_or_default().convert(number);
        match meaning {
            Meaning::Level => Ok(number),
            _ if number < 0.0 => Err(Reason::Negative),
            _ if added.seconds > 0.0 => Ok(number / added.seconds),
            _ => Err(Reason::Resolution),
        }
    }
}

/// What a point of delta temporality adds.
fn delta(start: u64, time: u64, total: Total) -> Result<Added, Unknown> {
    let covers = if start == 0 { 0 } else { time.saturating_sub(start) };
    if covers > LONGEST {
        return Err(Unknown::LeftOut(Reason::Resolution));
    }
    Ok(Added { total, seconds: covers as f64 / 1e9 })
}
