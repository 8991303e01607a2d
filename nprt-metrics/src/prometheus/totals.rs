//! What counters grew by, from their totals at the end of each minute.

use std::collections::{BTreeMap, BTreeSet};

use nprt_core::ports::{LeftOutReason, Measured};

use super::series::{Samples, Series};
use crate::Labels;

/// The seconds of a minute.
const MINUTE: i64 = 60;

/// Which counters a query reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counters {
    /// Those of all requests: a target has them from its first request on.
    Steady,
    /// Those of errors: a target has them only after its first error, which must count.
    Sparse,
}

/// Replaces the totals of counters by what they grew by in each minute; `None` where that cannot be told, because a
/// series names no pod or is no counter. The first totals, at the second `base`, are only what the next are compared with.
///
/// The counters of a target come and go together, by one scrape. Totals of many counters say less than each alone, so this
/// is strict with each target and minute:
/// - without totals a minute before, nothing is counted: the target is new, or was not scraped for a while;
/// - a total that shrank spoils the target's minute, and is left out: its process was started anew, or lost a series;
/// - a total that the target did not have a minute before counts from zero.
///
/// Of [`Counters::Sparse`], the first two cannot be told either: a target without errors was perhaps scraped all the same.
///
/// What comes of several targets of a pod is added: series differ in the labels `by` alone.
pub(super) fn increases(
    (labels, by): (&Labels, &str),
    (counters, totals): (Counters, Vec<Series>),
    base: i64,
    left: &mut Measured,
) -> Option<Vec<Series>> {
    let targets = by_target(labels, totals)?;
    if counters == Counters::Sparse && !targets.iter().all(|target| is_steady(target, base)) {
        return None;
    }
    let grown = targets.into_iter().flat_map(|target| of_target(labels, target, base, left));
    Some(together(by, grown))
}

/// One series for those that are alike in the labels `by`.
fn together(by: &str, all: impl Iterator<Item = Series>) -> Vec<Series> {
    let mut alike: BTreeMap<Vec<String>, Vec<Series>> = BTreeMap::new();
    for series in all {
        let value = |name: &str| series.metric.get(name.trim()).unwrap_or_default().to_owned();
        alike.entry(by.split(',').map(value).collect()).or_default().push(series);
    }
    alike.into_values().filter_map(sum).collect()
}

fn sum(mut alike: Vec<Series>) -> Option<Series> {
    let last = alike.pop()?;
    if alike.is_empty() {
        return Some(last);
    }
    let mut points: BTreeMap<i64, f64> = last.values.points().collect();
    for (second, value) in alike.iter().flat_map(|series| series.values.points()) {
        *points.entry(second).or_default() += value;
    }
    Some(Series { values: points.into_iter().collect(), ..last })
}

/// The totals of each target; `None` where one is of no pod or no number.
fn by_target(labels: &Labels, totals: Vec<Series>) -> Option<Vec<Vec<Series>>> {
    let mut targets: BTreeMap<[String; 4], Vec<Series>> = BTreeMap::new();
    for series in totals {
        let value =
            |label: &str| series.metric.get(label).filter(|value| !value.is_empty()).map(str::to_owned);
        let pod = labels.pod.as_deref().and_then(value)?;
        let [job, instance] = ["job", "instance"].map(|label| value(label).unwrap_or_default());
        if !series.histograms.is_empty() || !series.values.are_numbers() {
            return None;
        }
        let track = value(labels.track.label()).unwrap_or_default();
        targets.entry([track, pod, job, instance]).or_default().push(series);
    }
    Some(targets.into_values().collect())
}

/// Whether the target has totals a minute before each, and none shrank or was away for a while.
fn is_steady(totals: &[Series], base: i64) -> bool {
    let scraped = scraped(totals);
    scraped.iter().all(|second| *second <= base || scraped.contains(&(second - MINUTE)))
        && totals.iter().all(|series| has_no_gap(&series.values) && shrunk(&series.values).next().is_none())
}

fn has_no_gap(totals: &Samples) -> bool {
    totals.seconds().zip(totals.seconds().skip(1)).all(|(then, now)| now - then == MINUTE)
}

/// When the target was scraped.
fn scraped(totals: &[Series]) -> BTreeSet<i64> {
    totals.iter().flat_map(|series| series.values.seconds()).collect()
}

fn of_target(labels: &Labels, totals: Vec<Series>, base: i64, left: &mut Measured) -> Vec<Series> {
    let scraped = scraped(&totals);
    let shrank: BTreeSet<i64> = totals.iter().flat_map(|series| shrunk(&series.values)).collect();
    let track = totals.first().and_then(|series| labels.place(|name| series.metric.get(name)).ok());
    for second in &shrank {
        left.leave_out(
            LeftOutReason::NoBase,
            second / MINUTE - 1,
            track.as_ref().map(|place| place.track),
            1,
        );
    }
    let counts =
        |second: i64| second > base && scraped.contains(&(second - MINUTE)) && !shrank.contains(&second);
    totals.into_iter().map(|series| Series { values: grown(&series.values, counts), ..series }).collect()
}

/// The seconds at which a total is less than a minute before.
fn shrunk(totals: &Samples) -> impl Iterator<Item = i64> {
    let pairs = totals.points().zip(totals.points().skip(1));
    pairs
        .filter(|((then, before), (now, total))| now - then == MINUTE && total < before)
        .map(|(_, (now, _))| now)
}

/// The differences to a minute before, where they count.
fn grown(totals: &Samples, counts: impl Fn(i64) -> bool) -> Samples {
    let mut before = None;
    let grown = totals.points().filter_map(|(now, total)| {
        let last = before.replace((now, total)).filter(|(then, _)| now - then == MINUTE);
        counts(now).then(|| (now, total - last.map_or(0.0, |(_, total)| total)))
    });
    grown.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prometheus::Profile;

    /// Minutes and what a counter grew by in them, of each series.
    type Grown = Vec<Vec<(i64, f64)>>;

    /// What comes of the totals of series, by their pod, and how many points are left out. Minutes begin at 0, which is the base.
    fn of(counters: Counters, all: &[(&str, &[Option<f64>])]) -> (Option<Grown>, u64) {
        let series = (0..).zip(all).map(|(number, (pod, totals))| {
            let points = (0..).zip(*totals).filter_map(|(minute, total)| Some((minute * MINUTE, (*total)?)));
            // Without a port, each series is a route of its own.
            let (pod, port) = pod.split_once(':').unwrap_or((pod, ""));
            let route = if port.is_empty() { number } else { 0 };
            let metric = serde_json::json!(
                {"track": "stable", "pod": pod, "instance": port, "route": route.to_string()});
            Series {
                metric: serde_json::from_value(metric).unwrap(),
                values: points.collect(),
                histograms: Vec::new(),
            }
        });
        let (labels, mut left) = (Profile::PrometheusClient.source().labels, Measured::default());
        let grown = increases((&labels, "track,pod,route"), (counters, series.collect()), 0, &mut left);
        let minutes =
            |series: Series| series.values.points().map(|(at, value)| (at / MINUTE, value)).collect();
        (grown.map(|all| all.into_iter().map(minutes).collect()), crate::assemble::total(&left))
    }

    #[test]
    fn totals_become_what_they_grew_by() {
        let (s, of) = (Some::<f64>, |all: &[(&str, &[Option<f64>])]| of(Counters::Steady, all));
        assert_eq!(of(&[("a", &[s(5.0), s(7.0), s(7.0)])]), (Some(vec![vec![(1, 2.0), (2, 0.0)]]), 0));
        // A pod that is new or was not scraped: nobody knows since when it counts.
        assert_eq!(of(&[("a", &[None, s(7.0), s(9.0)])]), (Some(vec![vec![(2, 2.0)]]), 0));
        assert_eq!(
            of(&[("a", &[s(1.0), s(2.0), None, None, s(99.0), s(100.0)])]).0,
            Some(vec![vec![(1, 1.0), (5, 1.0)]])
        );
        // A total that is new to a pod that is not.
        let new = of(&[("a", &[s(5.0), s(5.0), s(6.0)]), ("a", &[None, s(2.0), s(3.0)])]);
        assert_eq!(new, (Some(vec![vec![(1, 0.0), (2, 1.0)], vec![(1, 2.0), (2, 1.0)]]), 0));
        // A restart spoils the minute of its target, and of no other.
        let restart = of(&[
            ("a", &[s(9.0), s(1.0), s(4.0)]),
            ("a", &[s(0.0), s(0.0), s(1.0)]),
            ("b", &[s(1.0), s(3.0)]),
        ]);
        assert_eq!(restart, (Some(vec![vec![(2, 3.0)], vec![(2, 1.0)], vec![(1, 2.0)]]), 1));
        assert_eq!(of(&[("", &[s(1.0), s(2.0)])]).0, None);
        // A pod with two targets is one place.
        let two = of(&[("a:80", &[s(1.0), s(2.0), s(4.0)]), ("a:81", &[s(1.0), s(11.0)])]);
        assert_eq!(two, (Some(vec![vec![(1, 11.0), (2, 2.0)]]), 0));
    }

    #[test]
    fn what_sparse_totals_do_not_tell_is_asked_in_another_way() {
        let (s, of) = (Some::<f64>, |all: &[(&str, &[Option<f64>])]| of(Counters::Sparse, all));
        let steady = of(&[("a", &[s(5.0), s(7.0)]), ("a", &[None, s(1.0)])]);
        assert_eq!(steady, (Some(vec![vec![(1, 2.0)], vec![(1, 1.0)]]), 0));
        assert_eq!(of(&[("a", &[s(5.0), s(7.0)]), ("b", &[None, s(1.0)])]), (None, 0), "a pod's first error");
        assert_eq!(of(&[("a", &[s(5.0), None, s(7.0)])]), (None, 0), "a gap");
        let one = [("a", &[s(5.0), None, s(7.0)][..]), ("a", &[s(1.0), s(1.0), s(1.0)])];
        assert_eq!(of(&one), (None, 0), "a gap of one series");
        let two = of(&[("a:80", &[s(1.0), s(2.0)]), ("a:81", &[s(1.0), s(1.0)])]);
        assert_eq!(two, (Some(vec![vec![(1, 1.0)]]), 0));
        assert_eq!(of(&[("a", &[s(5.0), s(1.0)]), ("b", &[s(1.0), s(2.0)])]), (None, 0), "a restart");
    }
}
