use std::collections::BTreeMap;

use nprt_core::model::{PerTrack, Track};

use super::super::minute::{Slot, SlotBlock, SlotData};
use super::super::past::Routes;
use crate::sketch::Sparse;

/// The samples of one route: what is counted of each block adds up, so that none is merged.
pub(super) type Sides<'a> = PerTrack<Vec<&'a Sparse>>;

/// Whether a track has no samples.
pub(super) fn is_one_sided(sides: &Sides<'_>) -> bool {
    let is_empty = |side: &[&Sparse]| side.iter().all(|bins| bins.is_empty());
    is_empty(&sides.stable) || is_empty(&sides.canary)
}

/// The samples by route; blocks without one have the empty name.
pub(super) fn by_route<'a>(blocks: impl Iterator<Item = &'a SlotBlock>) -> BTreeMap<&'a str, Sides<'a>> {
    let mut routes = BTreeMap::<&str, Sides<'_>>::new();
    for (key, data) in blocks {
        let SlotData::Bins(bins) = data else { continue };
        let sides = routes.entry(key.route.as_deref().unwrap_or_default()).or_default();
        sides[key.track].push(bins);
    }
    routes
}

/// Stable's bins of a minute by route, for its past.
pub(super) fn stable_routes(slot: &Slot) -> Routes {
    let merged = |sides: Sides<'_>| {
        sides.stable.into_iter().fold(Sparse::default(), |mut sum, bins| {
            sum.merge(bins);
            sum
        })
    };
    let routes = by_route(slot.of(Track::Stable)).into_iter();
    routes.map(|(route, sides)| (route.to_owned(), merged(sides))).collect()
}

/// Distinct pods of a track; 1 where none has a name.
pub(super) fn pods<'a>(blocks: impl Iterator<Item = &'a SlotBlock>, track: Track) -> u64 {
    let mut names: Vec<_> =
        blocks.filter(|(key, _)| key.track == track).map(|(key, _)| key.pod.as_deref()).collect();
    names.sort_unstable();
    names.dedup();
    names.len().max(1) as u64
}

/// The mean of the pods' values on each track.
pub(super) fn means<'a>(blocks: impl Iterator<Item = &'a SlotBlock>) -> PerTrack<Option<f64>> {
    let mut sums = PerTrack::<(f64, u64)>::default();
    for (key, data) in blocks {
        let SlotData::Value(value) = data else { continue };
        let (sum, count) = &mut sums[key.track];
        *sum += value;
        *count += 1;
    }
    sums.map(|(sum, count)| (count > 0 && sum.is_finite()).then(|| sum / count as f64))
}
