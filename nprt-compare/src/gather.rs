use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use nprt_core::model::{BlockData, TimeRange, Track};

use super::Percentile;
use super::error_class::{Tally, unclassified};
use super::estimate::{Estimate, Histogram, Samples};
use super::series::Series;

/// What counts as late in the window, at least; else it is the last quarter.
const LATE: Duration = Duration::from_secs(5 * 60);

/// The measurements of one track in the window.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Measurements {
    /// None; a track without blocks, or with empty ones.
    Empty,
    /// One by one.
    Samples(Samples),
    /// As counts.
    Histogram(Histogram),
}

/// The measurements of a metric on both tracks.
#[derive(Debug)]
pub(super) struct Distributions {
    pub(super) stable: Measurements,
    pub(super) canary: Measurements,
    /// Why nothing can be concluded from them, if so.
    pub(super) flaw: Option<String>,
    /// Why they are no ground for a pass, if so.
    pub(super) doubt: Option<String>,
}

impl Measurements {
    pub(super) fn count(&self) -> u64 {
        match self {
            Self::Empty => 0,
            Self::Samples(samples) => samples.count(),
            Self::Histogram(histogram) => histogram.count(),
        }
    }

    /// The percentile, `None` without measurements. It may reorder samples.
    pub(super) fn percentile(&mut self, percentile: Percentile) -> Option<Estimate> {
        match self {
            Self::Empty => None,
            Self::Samples(samples) => samples.percentile(percentile).map(Estimate::At),
            Self::Histogram(histogram) => histogram.percentile(percentile),
        }
    }

    /// Adds a block; `false` when it is of another form, or has other edges.
    fn add(&mut self, data: &BlockData) -> bool {
        if matches!(self, Self::Empty) {
            *self = match data {
                BlockData::Histogram { edges, .. } => Self::Histogram(Histogram::new(edges)),
                _ => Self::Samples(Samples::default()),
            };
        }
        match (self, data) {
            (Self::Samples(all), BlockData::Samples(samples)) => all.add(samples),
            (Self::Samples(all), BlockData::Value(value)) => all.add(&[*value]),
            (Self::Histogram(sum), BlockData::Histogram { edges, counts }) => {
                return sum.merge(edges, counts);
            }
            _ => return false,
        }
        true
    }
}

impl Distributions {
    /// Gathers the blocks of the range.
    pub(super) fn gather(series: &Series, range: TimeRange) -> Self {
        let (mut stable, mut canary) = (Measurements::Empty, Measurements::Empty);
        let mut shapes = BTreeSet::new();
        let mut same_edges = true;
        for (key, data) in series.blocks(range) {
            shapes.insert(data.shape());
            let track = if key.track == Track::Stable { &mut stable } else { &mut canary };
            same_edges &= track.add(data);
        }
        if let (Measurements::Histogram(stable), Measurements::Histogram(canary)) = (&stable, &canary) {
            same_edges &= stable.matches(canary);
        }
        let flaw = if shapes.len() > 1 {
            Some(format!("its blocks mix forms ({shapes:?}) that cannot be compared"))
        } else if !same_edges {
            Some("its histograms have different edges, which cannot be compared".to_owned())
        } else {
            mixed_versions(series, range)
        };
        let doubt = unreadable(series, range).or_else(|| silent(series, range));
        Self { stable, canary, flaw, doubt }
    }
}

/// Says so when blocks in the range could not be read.
pub(super) fn unreadable(series: &Series, range: TimeRange) -> Option<String> {
    let rejected = series.rejected(range);
    (rejected > 0).then(|| format!("{rejected} blocks could not be read"))
}

/// Says so when a track sent nothing of late: what it did before it fell silent is no ground for a pass.
pub(super) fn silent(series: &Series, range: TimeRange) -> Option<String> {
    let late = TimeRange::before(range.end(), LATE.max(range.length() / 4));
    let speaks = |track| series.blocks(late).any(|(key, data)| key.track == track && measures(data));
    let silent = [Track::Stable, Track::Canary].into_iter().find(|&track| !speaks(track))?;
    Some(format!("nothing came from the {silent} track in the last {} min", late.length().as_secs() / 60))
}

fn measures(data: &BlockData) -> bool {
    match data {
        BlockData::Samples(samples) => !samples.is_empty(),
        BlockData::Histogram { counts, .. } => counts.iter().any(|&count| count > 0),
        BlockData::Value(_) => true,
        BlockData::Requests { requests, .. } => *requests > 0,
        BlockData::Classes(classes) => !classes.is_empty(),
    }
}

/// Says so when blocks of more than one version are on the canary's track: whose figures are they?
pub(super) fn mixed_versions(series: &Series, range: TimeRange) -> Option<String> {
    let canary = series.blocks(range).filter(|(key, _)| key.track == Track::Canary);
    let versions: BTreeSet<_> = canary.filter_map(|(key, _)| key.version.as_deref()).collect();
    (versions.len() > 1).then(|| {
        let versions = Vec::from_iter(versions).join(" and ");
        format!("the canary's track has blocks of several versions, {versions}")
    })
}

/// Adds up the requests and failures of one track.
pub(super) fn tally(classes: &Series, requests: &Series, track: Track, range: TimeRange) -> Tally {
    let mut tally = Tally { requests: 0, errors: 0, classes: BTreeMap::new(), unclassified: 0 };
    let mut minutes = BTreeMap::<i64, (u64, Vec<&BTreeMap<String, u64>>)>::new();
    for (minute, _, data) in requests.by_minute(range).filter(|(_, key, _)| key.track == track) {
        if let BlockData::Requests { requests, errors } = data {
            tally.requests = tally.requests.saturating_add(*requests);
            tally.errors = tally.errors.saturating_add(*errors);
            let (sum, _) = minutes.entry(minute).or_default();
            *sum = sum.saturating_add(*errors);
        }
    }
    for (minute, _, data) in classes.by_minute(range).filter(|(_, key, _)| key.track == track) {
        let BlockData::Classes(counts) = data else { continue };
        minutes.entry(minute).or_default().1.push(counts);
        for (class, &count) in counts.iter().filter(|(_, count)| **count > 0) {
            let sum = tally.classes.entry(class.clone()).or_insert(0);
            *sum = sum.saturating_add(count);
        }
    }
    for (errors, classes) in minutes.into_values() {
        tally.unclassified = tally.unclassified.saturating_add(unclassified(errors, classes));
    }
    tally
}
