use std::collections::BTreeMap;

use nprt_core::model::{Block, BlockData, MetricName, Track};
use nprt_core::ports::{LeftOut, LeftOutReason};
use nprt_core::verdict::MetricLeftOut;
use serde::{Deserialize, Serialize};

/// How much of each metric was used and left out, of both tracks.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Tally(BTreeMap<MetricName, OfMetric>);

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct OfMetric {
    /// Of stable and of the canary.
    used: [u64; 2],
    /// For stable, for the canary, and without a known track.
    left_out: [u64; 3],
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    reasons: BTreeMap<LeftOutReason, OfReason>,
}

#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OfReason {
    points: u64,
    minutes: u64,
    /// The last minute that was counted.
    newest: Option<i64>,
}

/// So many reasons stand in a sentence.
const MOST_NAMED: usize = 4;

impl Tally {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Counts what is used: samples one by one, of every other form one a block.
    pub(super) fn add_used(&mut self, block: &Block) {
        let points = match &block.data {
            BlockData::Samples(samples) => samples.len() as u64,
            _ => 1,
        };
        let of = match self.0.get_mut(&block.metric) {
            Some(of) => of,
            None => self.0.entry(block.metric.clone()).or_default(),
        };
        let used = &mut of.used[usize::from(block.track == Track::Canary)];
        *used = used.saturating_add(points);
    }

    /// Counts points that were left out. Call it in the order of the minutes, once for each.
    pub(super) fn add_left_out(&mut self, metric: &MetricName, left_out: &LeftOut) {
        let of = self.0.entry(metric.clone()).or_default();
        let side = match left_out.track {
            Some(Track::Stable) => 0,
            Some(Track::Canary) => 1,
            None => 2,
        };
        of.left_out[side] = of.left_out[side].saturating_add(left_out.points);
        let reason = of.reasons.entry(left_out.reason).or_default();
        reason.points = reason.points.saturating_add(left_out.points);
        if left_out.minute > reason.newest {
            reason.newest = left_out.minute;
            reason.minutes = reason.minutes.saturating_add(1);
        }
    }

    /// The share of a metric's points that is left out.
    pub(super) fn share(&self, metric: &MetricName) -> f64 {
        self.0.get(metric).map_or(0.0, OfMetric::share)
    }

    /// All that is left out, by metric and reason.
    pub(super) fn all(&self, of_minutes: u64) -> Vec<MetricLeftOut> {
        let of_metric = |(metric, of): (&MetricName, &OfMetric)| {
            let (metric, share) = (metric.clone(), of.share());
            of.reasons
                .iter()
                .map(move |(&reason, &OfReason { points, minutes, .. })| MetricLeftOut {
                    metric: metric.clone(),
                    reason,
                    points,
                    minutes,
                    of_minutes,
                    share,
                })
                .collect::<Vec<_>>()
        };
        self.0.iter().flat_map(of_metric).collect()
    }

    /// As the end of a sentence; nothing where nothing is left out.
    pub(super) fn describe(&self, of_minutes: u64) -> String {
        let all = self.all(of_minutes);
        let mut text = String::new();
        for left_out in all.iter().take(MOST_NAMED) {
            let whole = self.0.get(&left_out.metric).is_some_and(|of| of.has_one_a_minute(of_minutes));
            text.push_str("; ");
            text.push_str(&describe(left_out, whole));
        }
        match all.len().saturating_sub(MOST_NAMED) {
            0 => text,
            more => text + &format!("; and for {more} more reasons"),
        }
    }
}

impl OfMetric {
    fn share(&self) -> f64 {
        let share = |left_out: u64, used: u64| {
            if left_out == 0 { 0.0 } else { left_out as f64 / (left_out as f64 + used as f64) }
        };
        let [stable, canary, unknown] = self.left_out;
        let all = stable.saturating_add(canary).saturating_add(unknown);
        // What may be of either track counts against both together: against one alone, one stray series outweighs the
        // single pod of a canary.
        let of_both = share(all, self.used[0].saturating_add(self.used[1]));
        share(stable, self.used[0]).max(share(canary, self.used[1])).max(of_both)
    }

    /// Whether a track has at most one block a minute, so that what is left out is the minute.
    fn has_one_a_minute(&self, minutes: u64) -> bool {
        self.used.iter().all(|used| *used <= minutes)
    }
}

/// `3 of 360 minutes of `requests` left out: NaN`
fn describe(left_out: &MetricLeftOut, whole_minutes: bool) -> String {
    let MetricLeftOut { metric, reason, points, minutes, of_minutes, .. } = left_out;
    let of_minutes = of_minutes.max(minutes);
    let points = match (whole_minutes, points) {
        (true, _) => String::new(),
        (false, 1) => "1 point in ".to_owned(),
        (false, points) => format!("{points} points in "),
    };
    let unit = if *of_minutes == 1 { "minute" } else { "minutes" };
    format!("{points}{minutes} of {of_minutes} {unit} of `{metric}` left out: {reason}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metric(name: &str) -> MetricName {
        MetricName::new(name).unwrap()
    }

    fn used(tally: &mut Tally, name: &str, track: Track, data: &BlockData) {
        let block = |minute| Block {
            minute,
            track,
            version: None,
            pod: None,
            route: None,
            metric: metric(name),
            data: data.clone(),
        };
        (0..90).for_each(|minute| tally.add_used(&block(minute)));
    }

    fn left_out(tally: &mut Tally, name: &str, track: Option<Track>, minute: i64, points: u64) {
        let reason = LeftOutReason::NotANumber;
        tally.add_left_out(&metric(name), &LeftOut { reason, minute: Some(minute), track, points });
    }

    #[test]
    fn the_share_is_that_of_the_worse_track() {
        let mut tally = Tally::default();
        assert!(tally.describe(360).is_empty() && tally.share(&metric("cpu")) == 0.0);
        used(&mut tally, "cpu", Track::Stable, &BlockData::Value(1.0));
        used(&mut tally, "cpu", Track::Canary, &BlockData::Value(1.0));
        (0..10).for_each(|minute| left_out(&mut tally, "cpu", Some(Track::Canary), minute, 1));
        assert!((tally.share(&metric("cpu")) - 0.1).abs() < 1e-12);
        // A minute of both tracks, and two points of one, are one minute.
        left_out(&mut tally, "cpu", Some(Track::Stable), 9, 1);
        assert_eq!(tally.describe(100), "; 10 of 100 minutes of `cpu` left out: NaN");
        // A stray series counts against both tracks together.
        left_out(&mut tally, "cpu", None, 10, 180);
        assert!((tally.share(&metric("cpu")) - 191.0 / 371.0).abs() < 1e-12);
    }

    #[test]
    fn a_sample_is_no_minute() {
        let mut tally = Tally::default();
        used(&mut tally, "latency", Track::Canary, &BlockData::Samples(vec![0.1; 500]));
        left_out(&mut tally, "latency", Some(Track::Canary), 3, 1);
        assert!(tally.share(&metric("latency")) < 1e-4);
        assert_eq!(tally.describe(90), "; 1 point in 1 of 90 minutes of `latency` left out: NaN");
        let written = serde_json::to_string(&tally).unwrap();
        assert_eq!(serde_json::from_str::<Tally>(&written).unwrap(), tally);
    }

    #[test]
    fn where_nothing_is_used_all_is_left_out() {
        let mut tally = Tally::default();
        left_out(&mut tally, "cpu", Some(Track::Canary), 0, 1);
        assert!((tally.share(&metric("cpu")) - 1.0).abs() < 1e-12);
    }
}
