//! What other protocols add: what is there for the lines of statsd holds for them as well.

use nprt_core::model::{BlockShape, MetricName};

use super::Reason;
use super::aggregator::{Aggregator, State};
use super::gathered::{Reading, Stop};
use super::ingest::untimely;
use super::key::write_key;
use super::pattern::Place;
use super::service::Value;
use super::stats::Fate;

/// Of a service that may be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Admitted {
    /// Bytes that it has for certain.
    pub(crate) share: usize,
    /// Now, in seconds since 1970.
    pub(crate) second: i64,
}

impl Aggregator {
    /// The number of a metric, and the form of its blocks.
    pub(crate) fn number_of(&self, metric: &MetricName) -> Option<(u16, BlockShape)> {
        let at = self.metrics.iter().position(|(name, _)| name == metric)?;
        Some((u16::try_from(at).ok()?, self.metrics.get(at)?.1))
    }

    /// Whether something that was measured there has room at all.
    pub(crate) fn admit(&self, place: &Place<'_>) -> Result<Admitted, Fate> {
        if place.track().is_none() || !place.has_service() {
            return Err(Fate::Unattributed);
        }
        let (mut state, now) = self.state_now();
        let services = &mut state.services;
        let at = services.at(place.service).or_else(|| services.let_in(place.service, now.minute));
        at.map(|_| Admitted { share: services.share(), second: now.second }).ok_or(Fate::Unnamed)
    }

    /// Why what was measured at that second, since 1970, counts for no minute that runs, if so.
    pub(crate) fn untimely(&self, second: i64) -> Option<Reason> {
        untimely(second, self.state_now().1)
    }

    /// Adds readings to a metric, all or none, or leaves something out there.
    pub(crate) fn add_readings(
        &self,
        place: &Place<'_>,
        metric: u16,
        readings: Result<&[Reading<'_>], Reason>,
    ) -> Fate {
        let Some(track) = place.track() else { return Fate::Unattributed };
        let (mut state, now) = self.state_now();
        let State { services, key, scratch, .. } = &mut *state;
        let Some(at) = services.at(place.service) else { return Fate::Unnamed };
        let Some(service) = services.get_mut(at) else { return Fate::Unnamed };
        if service.refuses(now.minute, metric, self.metrics.len()) {
            return Fate::Refused;
        }
        let added = match readings {
            Err(reason) => Err(Stop::Bad(reason)),
            Ok(readings) => {
                write_key(key, track, place.version, place.pod, place.route);
                let series = service.find(key);
                let values = readings.iter().map(|reading| Value::Is(*reading));
                service.add(series, metric, values, self.limits.classes_per_block, scratch)
            }
        };
        self.settle(services, now, (at, track, metric), added)
    }

    /// Notes that there was no room for part of a metric: it has no blocks of this minute.
    pub(crate) fn refuse(&self, place: &Place<'_>, metric: u16) -> Fate {
        let Some(track) = place.track() else { return Fate::Unattributed };
        let (mut state, now) = self.state_now();
        let services = &mut state.services;
        let Some(at) = services.at(place.service) else { return Fate::Unnamed };
        let Some(service) = services.get_mut(at) else { return Fate::Unnamed };
        if service.refuses(now.minute, metric, self.metrics.len()) {
            return Fate::Refused;
        }
        self.settle(services, now, (at, track, metric), Err(Stop::Limit))
    }

    /// Counts what became of a point.
    pub(crate) fn count_point(&self, fate: Fate) {
        let (mut state, _) = self.state_now();
        state.stats.lines = state.stats.lines.saturating_add(1);
        state.stats.count(fate);
    }

    /// Takes so many bytes of the room of a service for what is known of it elsewhere; `false` where it has none.
    pub(crate) fn charge(&self, service: &str, bytes: usize) -> bool {
        let (mut state, _) = self.state_now();
        let Some(at) = state.services.at(service) else { return false };
        if let Some(service) = state.services.get_mut(at) {
            service.elsewhere = bytes;
        }
        state.services.took(at);
        true
    }
}
