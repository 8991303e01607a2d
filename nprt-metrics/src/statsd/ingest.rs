use nprt_core::model::Track;

use super::aggregator::{Aggregator, Now, State};
use super::gathered::Stop;
use super::key::write_key;
use super::line::{Line, Metric, outline, parse};
use super::memo::Found;
use super::pattern::{Pattern, Place};
use super::service::Service;
use super::services::Services;
use super::source::Source;
use super::stats::Fate;
use super::{Malformed, Reason};

/// A timestamp may differ from the time of arrival by so many seconds; what is within counts when it arrives.
const TOLERANCE: i64 = 120;
/// So much of a line is logged.
const SHOWN: usize = 200;

impl Aggregator {
    /// Takes in the lines of one datagram.
    pub(super) fn lines(&self, state: &mut State, now: Now, packet: &[u8]) {
        let mut rest = packet;
        while !rest.is_empty() {
            let (line, after) = match memchr::memchr(b'\n', rest) {
                Some(at) => (rest.get(..at), rest.get(at + 1..)),
                None => (Some(rest), None),
            };
            rest = after.unwrap_or_default();
            let line = line.unwrap_or_default();
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if !line.is_empty() {
                self.line(state, now, line);
            }
        }
    }

    fn line(&self, state: &mut State, now: Now, line: &[u8]) {
        state.stats.lines += 1;
        let metric = match parse(line) {
            Ok(Line::Metric(metric)) => metric,
            Ok(Line::Event) => {
                state.stats.events += 1;
                return;
            }
            Ok(Line::ServiceCheck) => {
                state.stats.service_checks += 1;
                return;
            }
            Err(why) => {
                *state.stats.malformed.entry(why).or_default() += 1;
                self.malformed(state, now, line, why);
                return;
            }
        };
        let fate = match self.add_named(state, now, &metric) {
            Some(fate) => fate,
            None => self.add_matching(state, now, &metric),
        };
        state.stats.count(fate);
        if let Fate::LeftOut(reason) = fate {
            let service = Place::by_tags(metric.tags, &self.tags).service;
            log(state, now, line, service, reason.as_str());
        }
    }

    /// Adds a line whose name alone is known to say all.
    #[inline]
    fn add_named(&self, state: &mut State, now: Now, metric: &Metric<'_>) -> Option<Fate> {
        if metric.tags.alone() != Some("") {
            return None;
        }
        let found = state.names.find(metric.name).1.filter(|found| state.services.still_has(found))?;
        let source = self.sources.get(found.source)?;
        Some(self.add(state, now, metric, source, "", (found.service, found.track, (found.series, 0))))
    }

    /// Adds a line to each metric that it is part of; the best that became of it.
    fn add_matching(&self, state: &mut State, now: Now, metric: &Metric<'_>) -> Fate {
        let known = metric.tags.alone().map(|tags| (tags, state.memo.find(tags)));
        let found = known.and_then(|(_, (_, found))| found);
        let (mut best, mut by_tags, mut places) = (Fate::Unmapped, None, 0);
        let mut last = None;
        for (index, source) in self.sources.iter().enumerate() {
            let fate = match (&source.pattern, &found) {
                (Pattern::Text(text), _) if text != metric.name => continue,
                // What was added for another source may have made it go.
                (Pattern::Text(_), Some(found)) if state.services.still_has(found) => {
                    let at = (found.service, found.track, (found.series, 0));
                    self.add(state, now, metric, source, "", at)
                }
                (pattern, _) => {
                    if pattern.matches(metric.name, Place::default()).is_none() {
                        continue;
                    }
                    let by_tags = *by_tags.get_or_insert_with(|| Place::by_tags(metric.tags, &self.tags));
                    let Some(place) = pattern.matches(metric.name, by_tags) else { continue };
                    last = Some((index, place));
                    self.add_place(state, now, metric, source, &place)
                }
            };
            places += 1;
            best = best.max(fate);
        }
        if best == Fate::Used
            && let (Some((tags, (slot, _))), Some(place)) = (known, by_tags)
        {
            if let Some(found) = series_of(state, &place) {
                state.memo.note(slot, tags, found);
            } else if let ("", 1, Some((source, place))) = (tags, places, last)
                && let Some(found) = series_of(state, &place)
            {
                let (slot, _) = state.names.find(metric.name);
                state.names.note(slot, metric.name, Found { source, ..found });
            }
        }
        best
    }

    /// Adds to the series that a line names.
    fn add_place(
        &self,
        state: &mut State,
        now: Now,
        metric: &Metric<'_>,
        source: &Source,
        place: &Place<'_>,
    ) -> Fate {
        let Some(track) = place.track() else { return Fate::Unattributed };
        if !source.role.takes(metric.kind) {
            return Fate::WrongType;
        }
        if source.role.is_samples() && !place.class.is_empty() {
            return Fate::Failed;
        }
        let State { services, key, .. } = state;
        let at = match services.at(place.service) {
            Some(at) => at,
            None if !place.has_service() => return Fate::Unattributed,
            None => match services.let_in(place.service, now.minute) {
                Some(at) => at,
                None => return Fate::Unnamed,
            },
        };
        let Some(service) = services.get_mut(at) else { return Fate::Unnamed };
        // Nothing more to do for it: least of all the search below, which a flood could make a load of.
        if service.refuses(now.minute, source.metric, self.metrics.len()) {
            return Fate::Refused;
        }
        if let Some(reason) = metric.time.and_then(|time| untimely(time, now)) {
            service.leave_out((now.minute, source.metric), Some(track), reason, self.metrics.len());
            return Fate::LeftOut(reason);
        }
        write_key(key, track, place.version, place.pod, place.route);
        let series = service.find(key);
        self.add(state, now, metric, source, place.class, (at, track, series))
    }

    /// Adds to a series of the service at that place.
    fn add(
        &self,
        state: &mut State,
        now: Now,
        metric: &Metric<'_>,
        source: &Source,
        class: &str,
        (at, track, series): (usize, Track, (u32, usize)),
    ) -> Fate {
        if !source.role.takes(metric.kind) {
            return Fate::WrongType;
        }
        let State { services, scratch, .. } = state;
        let Some(service) = services.get_mut(at) else { return Fate::Unnamed };
        if service.refuses(now.minute, source.metric, self.metrics.len()) {
            return Fate::Refused;
        }
        let values = metric.numbers().zip(metric.values());
        let values = values.map(|(number, text)| source.role.value(metric, number, text, class));
        let added = match metric.time.and_then(|time| untimely(time, now)) {
            Some(reason) => Err(Stop::Bad(reason)),
            None => service.add(series, source.metric, values, self.limits.classes_per_block, scratch),
        };
        self.settle(services, now, (at, track, source.metric), added)
    }

    /// What becomes of something that was added to a metric of a service, or was not.
    #[inline]
    pub(super) fn settle(
        &self,
        services: &mut Services,
        now: Now,
        (at, track, metric): (usize, Track, u16),
        added: Result<bool, Stop>,
    ) -> Fate {
        if added == Ok(false) {
            return Fate::Used;
        }
        let Some(service) = services.get_mut(at) else { return Fate::Unnamed };
        match added {
            Ok(_) => services.took(at),
            Err(Stop::Bad(reason)) => {
                service.leave_out((now.minute, metric), Some(track), reason, self.metrics.len());
                return Fate::LeftOut(reason);
            }
            Err(Stop::Limit) => {
                service.refuse(metric);
                services.took(at);
            }
        }
        // What was added may have been refused for lack of room.
        let refuses = |service: &mut Service| service.refuses(now.minute, metric, self.metrics.len());
        if services.get_mut(at).is_none_or(refuses) { Fate::Refused } else { Fate::Used }
    }

    /// Counts a malformed line for its service, where that can be read and has room.
    #[cold]
    fn malformed(&self, state: &mut State, now: Now, line: &[u8], why: Malformed) {
        let outline = outline(line);
        let by_tags = outline.map(|(_, tags)| Place::by_tags(tags, &self.tags)).unwrap_or_default();
        for source in &self.sources {
            let place = outline.and_then(|(name, _)| source.pattern.matches(name, by_tags));
            let Some(place) = place else { continue };
            let at = state.services.at(place.service);
            if let Some(service) = at.and_then(|at| state.services.get_mut(at)) {
                let reason = Reason::from(why);
                service.leave_out((now.minute, source.metric), place.track(), reason, self.metrics.len());
            }
        }
        log(state, now, line, by_tags.service, why.as_str());
    }
}

/// The series that a place stands for, where it says no more than that.
fn series_of(state: &mut State, place: &Place<'_>) -> Option<Found> {
    let State { services, key, .. } = state;
    let track = place.track().filter(|_| place.class.is_empty())?;
    write_key(key, track, place.version, place.pod, place.route);
    services.place_of(place.service, key, track)
}

/// Why what was measured at this second counts for no minute that runs, if so.
pub(super) fn untimely(time: i64, now: Now) -> Option<Reason> {
    if time < now.second.saturating_sub(TOLERANCE) {
        return Some(Reason::Late);
    }
    (time > now.second.saturating_add(TOLERANCE)).then_some(Reason::Early)
}

/// Says that a line was left out, once a second.
#[cold]
fn log(state: &mut State, now: Now, line: &[u8], service: &str, reason: &str) {
    if let Some(others) = state.seldom.now(now.second) {
        let line = line.get(..SHOWN).unwrap_or(line).escape_ascii();
        tracing::warn!(%line, reason, service, others, "a statsd line was left out");
    }
}
