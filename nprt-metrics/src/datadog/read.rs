use std::collections::BTreeSet;
use std::ops::Range;

use nprt_core::model::Track;
use nprt_core::ports::{LeftOutReason, Measured, MetricQuery};

use super::client::Series;
use crate::Labels;
use crate::assemble::{Line, Place};
use crate::deployed::NoPlace;

/// What Datadog says where a series does not have a tag.
const NO_TAG: &str = "N/A";

/// Fewer moments do not tell the interval.
const ENOUGH: usize = 5;

/// Reads the series of an answer, and leaves out what cannot be used.
pub(super) struct Reader<'a> {
    pub(super) labels: &'a Labels,
    pub(super) measured: &'a mut Measured,
    query: &'a MetricQuery,
    minutes: &'a Range<i64>,
    /// What is left out: a place once in a minute, however many series it has. Its track may be wrong.
    strays: BTreeSet<(LeftOutReason, i64, Place)>,
    /// Points of versions that do not run.
    of_others: u64,
}

impl<'a> Reader<'a> {
    pub(super) fn new(
        labels: &'a Labels,
        query: &'a MetricQuery,
        minutes: &'a Range<i64>,
        measured: &'a mut Measured,
    ) -> Self {
        Self { labels, measured, query, minutes, strays: BTreeSet::new(), of_others: 0 }
    }

    /// The lines of series; each must have the part that `part` finds.
    pub(super) fn lines<'s, P>(
        &mut self,
        series: impl IntoIterator<Item = &'s Series>,
        part: impl Fn(&Series) -> Option<P>,
    ) -> Vec<Line<P>> {
        let mut lines = Vec::new();
        for series in series {
            let points = self.points(series);
            let Some(part) = part(series) else {
                self.leave_out(LeftOutReason::Malformed, series, &points);
                continue;
            };
            if let Some(place) = self.place(series, &points) {
                lines.push(Line { place, part, points });
            }
        }
        lines
    }

    /// Counts what was left out, and tells how much was of versions that do not run.
    pub(super) fn finish(self) {
        for (reason, minute, _) in &self.strays {
            self.measured.leave_out(*reason, *minute, None, 1);
        }
        if self.of_others > 0 {
            self.measured
                .note(&format!("points of versions that do not run were ignored: {}", self.of_others));
        }
    }

    /// Where a series was measured; without that, its points are left out.
    fn place(&mut self, series: &Series, points: &[(i64, f64)]) -> Option<Place> {
        match self.labels.place_of(|name| series.tag(name), &self.query.versions) {
            Ok(place) => Some(place),
            Err(NoPlace::OtherVersion) => {
                self.of_others = self.of_others.saturating_add(points.len() as u64);
                None
            }
            Err(NoPlace::NoTrack(message)) => {
                let tags: String = format!("{:?}", series.tags).chars().take(150).collect();
                self.measured.note(&format!("{message}; series {tags}"));
                self.leave_out(LeftOutReason::NoTrack, series, points);
                None
            }
        }
    }

    /// The points of the minutes that were asked for. One that is not a minute's is left out.
    fn points(&mut self, series: &Series) -> Vec<(i64, f64)> {
        let is_coarse = series.interval.is_some_and(|seconds| seconds != 60);
        let asked = series.points.iter().map(|(time, value)| (*time, (time.div_euclid(60_000), *value)));
        let asked = asked.filter(|(_, (minute, _))| self.minutes.contains(minute));
        let (points, coarse): (Vec<_>, Vec<_>) =
            asked.partition(|(time, _)| !is_coarse && time.rem_euclid(60_000) == 0);
        let [points, coarse]: [Vec<(i64, f64)>; 2] =
            [points, coarse].map(|all| all.into_iter().map(|(_, point)| point).collect());
        if let Some(seconds) = series.interval.filter(|_| is_coarse) {
            self.measured.note(&format!(
                "Datadog answered with a point every {}, not every minute: see that no query has a rollup of its own, and \
                 that the metric is kept by the minute",
                if seconds % 60 == 0 { format!("{} minutes", seconds / 60) } else { format!("{seconds} seconds") }
            ));
        }
        self.leave_out(LeftOutReason::Resolution, series, &coarse);
        points
    }

    fn leave_out(&mut self, reason: LeftOutReason, series: &Series, points: &[(i64, f64)]) {
        if points.is_empty() {
            return;
        }
        let place = self.labels.rest(Track::Stable, |name| series.tag(name));
        self.strays.extend(points.iter().map(|(minute, _)| (reason, *minute, place.clone())));
    }
}

impl Series {
    pub(super) fn tag(&self, name: &str) -> Option<&str> {
        let tags = self.tags.iter().filter_map(|tag| tag.split_once(':'));
        tags.filter(|(_, value)| *value != NO_TAG).find(|(tag, _)| *tag == name).map(|(_, value)| value)
    }
}

/// Says the interval of series that do not say it (those of version 2 of the API), where it is longer than a minute. The
/// moments tell, for Datadog aligns them: there are enough of them, and all lie at multiples of it.
pub(super) fn note_interval(series: &mut [Series]) {
    let silent = series.iter().filter(|series| series.interval.is_none());
    let moments = silent.flat_map(|series| &series.points);
    let minutes: BTreeSet<i64> = moments.map(|(time, _)| time.div_euclid(60_000)).collect();
    let interval = minutes.iter().copied().fold(0, divisor);
    if minutes.len() < ENOUGH || interval < 2 {
        return;
    }
    for series in series.iter_mut().filter(|series| series.interval.is_none()) {
        series.interval = Some(interval.saturating_mul(60));
    }
}

/// The greatest common divisor.
fn divisor(a: i64, b: i64) -> i64 {
    if b == 0 {
        a.checked_abs().unwrap_or_default()
    } else {
        divisor(b, a.checked_rem(b).unwrap_or_default())
    }
}
