//! What the aggregator answers with.

use std::ops::Range;

use nprt_core::model::ServiceName;
use nprt_core::ports::Lost;
use nprt_core::{Error, Result};

use super::aggregator::Aggregator;
use super::heard::{Heard, Minute};
use super::key::read_key;
use super::minute::Closed;
use super::packed::Packed;
use super::service::Service;
use super::services::Services;

impl Aggregator {
    /// What was heard of the metric at that place, in those of `minutes` that are kept and were heard in full; `None` if nothing.
    ///
    /// # Errors
    /// `Invalid` for a service that has no room.
    pub(super) fn heard(
        &self,
        index: usize,
        service: &ServiceName,
        minutes: Range<i64>,
    ) -> Result<Option<Heard>> {
        let Some((metric, _)) = self.metrics.get(index) else { return Ok(None) };
        let start = minutes.start.max(self.first_known());
        let (state, _) = self.state_now();
        let Some(service) = known(&state.services, service)? else { return Ok(None) };
        let range = start.max(service.since())..minutes.end;
        let of_minute = |(minute, closed): (i64, &Closed)| {
            let key = |packed: Packed<'_>| read_key(&service.series().get(packed.series)?.key);
            let left_out = closed.left_out.iter().filter(|((of, ..), _)| *of == number(index));
            Minute {
                minute,
                packed: closed.packed(number(index)),
                places: closed.blocks(number(index)).map(key).collect(),
                left_out: left_out.map(|((_, track, reason), lines)| (*track, *reason, *lines)).collect(),
            }
        };
        let minutes = service.minutes(range.clone()).map(of_minute).collect();
        let drops = state.arrivals.with_drops(range).collect();
        Ok(Some(Heard { metric: metric.clone(), minutes, drops }))
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
