use nprt_core::model::{Block, BlockData};

use super::Percentile;
use super::estimate::{Estimate, Histogram, Samples};
use super::sizing::{QuantileEffect, RankEffect, Sizing};
use super::statistics::Overdispersion;

/// With fewer nothing is said: of samples, of minutes and pods that have a figure.
const FEWEST: u64 = 200;
const FEWEST_VALUES: usize = 20;
/// Of more values, so many spread over them are compared: each with each.
const MOST_VALUES: usize = 500;

/// What a track measured of one metric: how much a minute, and how it is distributed. By it a [`Sizing`] becomes a time
/// that one has to wait.
///
/// ```
/// use nprt_compare::{Traffic, sizing::Sizing};
/// use nprt_core::model::{Block, BlockData, MetricName, Track};
///
/// let block = |minute| Block {
///     minute,
///     track: Track::Stable,
///     version: None,
///     pod: None,
///     route: None,
///     metric: MetricName::new(MetricName::LATENCY).unwrap(),
///     data: BlockData::Histogram { edges: vec![0.1, 0.2, 0.4], counts: vec![500, 400, 98, 2] },
/// };
/// let blocks: Vec<Block> = (0..15).map(block).collect();
/// let traffic = Traffic::of(&blocks).unwrap();
/// // The 950th of a thousand lies 50 samples into the 98 of the third bucket.
/// assert!((traffic.level() - 0.302).abs() < 0.001);
/// // A fifth of that more, and four times the samples on stable.
/// let minutes = traffic.minutes(&Sizing::new(0.01, 0.8)?, 0.2 * traffic.level(), 4.0).unwrap();
/// assert!((4.5..5.5).contains(&minutes), "{minutes}");
/// # Ok::<(), nprt_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Traffic {
    shape: Shape,
    level: f64,
    per_minute: f64,
}

#[derive(Debug, Clone, PartialEq)]
enum Shape {
    /// Single measurements, or counts: the density at p95.
    Density(f64),
    /// A figure a pod and minute.
    Values(Vec<f64>),
}

impl Traffic {
    /// What `blocks`, all of one metric and one track, say. `None` where that is too little, what is measured differs from
    /// block to block, a value is not finite, or p95 lies above the last edge of a histogram.
    #[must_use]
    pub fn of(blocks: &[Block]) -> Option<Self> {
        let each = || blocks.iter();
        let (first, last) =
            (each().map(|block| block.minute).min()?, each().map(|block| block.minute).max()?);
        let minutes = (last - first + 1) as f64;
        let per_minute = |count: u64| count as f64 / minutes;
        match &each().next()?.data {
            BlockData::Samples(_) => {
                let mut samples = Samples::default();
                for block in each() {
                    let BlockData::Samples(measured) = &block.data else { return None };
                    samples.add(all_finite(measured)?);
                }
                let count = samples.count();
                dense(count, |percentile| samples.percentile(percentile), per_minute(count))
            }
            BlockData::Histogram { edges, .. } => {
                let mut histogram = Histogram::new(all_finite(edges)?);
                for block in each() {
                    let BlockData::Histogram { edges, counts } = &block.data else { return None };
                    histogram.merge(edges, counts).then_some(())?;
                }
                let at = |percentile| match histogram.percentile(percentile)? {
                    Estimate::At(figure) => Some(figure),
                    Estimate::Above(_) => None,
                };
                dense(histogram.count(), at, per_minute(histogram.count()))
            }
            BlockData::Value(_) => {
                let value = |block: &Block| match block.data {
                    BlockData::Value(value) => Some(value),
                    _ => None,
                };
                let mut values: Vec<f64> = each().map(value).collect::<Option<_>>()?;
                all_finite(&values)?;
                if values.len() < FEWEST_VALUES {
                    return None;
                }
                values.sort_by(f64::total_cmp);
                let (level, per_minute) = (*values.get(values.len() / 2)?, per_minute(values.len() as u64));
                Some(Self { shape: Shape::Values(values), level, per_minute })
            }
            BlockData::Requests { .. } | BlockData::Classes(_) => None,
        }
    }

    /// The figure that an effect is part of: p95 of what is measured one by one or counted, the median of values.
    #[must_use]
    pub fn level(&self) -> f64 {
        self.level
    }

    /// Minutes until `effect`, which lies **beyond the margin** and is in units of the metric, is found on a canary that has
    /// a sample for each `stable_per_canary` of this track; a floor, as all of [`sizing`](super::sizing). `None` where it
    /// is not above 0.
    #[must_use]
    pub fn minutes(&self, sizing: &Sizing, effect: f64, stable_per_canary: f64) -> Option<f64> {
        let overdispersion = Overdispersion::NONE;
        let samples = match &self.shape {
            Shape::Density(density) => sizing.quantile_samples(QuantileEffect {
                percentile: Percentile::P95,
                density: *density,
                effect,
                stable_per_canary,
                overdispersion,
            }),
            Shape::Values(values) => {
                let superiority = superiority(values, effect);
                sizing.rank_samples(RankEffect { superiority, stable_per_canary, overdispersion })
            }
        };
        Some(samples.ok()? * stable_per_canary / self.per_minute)
    }
}

fn all_finite(values: &[f64]) -> Option<&[f64]> {
    values.iter().all(|value| value.is_finite()).then_some(values)
}

/// The density at p95 is that between p94 and p96.
fn dense(count: u64, mut at: impl FnMut(Percentile) -> Option<f64>, per_minute: f64) -> Option<Traffic> {
    if count < FEWEST {
        return None;
    }
    let mut of = |percent| at(Percentile::new(percent).ok()?);
    let (below, level, above) = (of(94.0)?, of(95.0)?, of(96.0)?);
    let density = 0.02 / (above - below);
    density.is_finite().then_some(Traffic { shape: Shape::Density(density), level, per_minute })
}

/// The probability that one of `values` and `effect` is larger than another one; what is equal counts half.
fn superiority(values: &[f64], effect: f64) -> f64 {
    let step = values.len().div_ceil(MOST_VALUES).max(1);
    let some: Vec<f64> = values.iter().copied().step_by(step).collect();
    let larger = |value: f64| {
        let moved = value + effect;
        let below = some.partition_point(|other| *other < moved);
        let up_to = some.partition_point(|other| *other <= moved);
        (below + up_to) as f64 / 2.0
    };
    let pairs = (some.len() * some.len()) as f64;
    some.iter().map(|value| larger(*value)).sum::<f64>() / pairs
}

#[cfg(test)]
mod tests {
    use nprt_core::model::{MetricName, Track};

    use super::*;

    fn blocks(data: impl Fn(i64) -> BlockData) -> Vec<Block> {
        let block = |minute| Block {
            minute,
            track: Track::Stable,
            version: None,
            pod: None,
            route: None,
            metric: MetricName::new(MetricName::LATENCY).unwrap(),
            data: data(minute),
        };
        (0..30).map(block).collect()
    }

    #[test]
    fn samples_and_their_counts_say_the_same() {
        let samples: Vec<f64> = (1..=1000).map(f64::from).collect();
        let edges: Vec<f64> = (1..=100).map(|edge| f64::from(edge) * 10.0).collect();
        let counts: Vec<u64> = std::iter::repeat_n(10, 100).chain([0]).collect();
        let one = Traffic::of(&blocks(|_| BlockData::Samples(samples.clone()))).unwrap();
        let other = blocks(|_| BlockData::Histogram { edges: edges.clone(), counts: counts.clone() });
        let other = Traffic::of(&other).unwrap();
        let minutes = |traffic: &Traffic| {
            let sizing = Sizing::new(0.01, 0.8).unwrap();
            traffic.minutes(&sizing, 0.1 * traffic.level(), 3.0).unwrap()
        };
        assert!((one.level() - other.level()).abs() < 2.0, "{one:?} {other:?}");
        assert!((minutes(&one) / minutes(&other) - 1.0).abs() < 0.05, "{one:?} {other:?}");
    }

    #[test]
    fn values_take_longer_the_smaller_the_effect() {
        let values = blocks(|minute| BlockData::Value(1.0 + (minute % 7) as f64 / 100.0));
        let traffic = Traffic::of(&values).unwrap();
        let sizing = Sizing::new(0.01, 0.8).unwrap();
        let minutes = |effect| traffic.minutes(&sizing, effect, 1.0);
        assert!(minutes(0.02) > minutes(0.05) && minutes(0.05).unwrap() > 1.0);
        assert_eq!((minutes(0.0), minutes(-0.1)), (None, None));
    }

    #[test]
    fn too_little_and_what_is_not_known_say_nothing() {
        let edge = vec![0.1];
        for data in [
            BlockData::Samples(vec![1.0]),
            BlockData::Samples(vec![f64::NAN; 100]),
            BlockData::Histogram { edges: edge.clone(), counts: vec![0, 0] },
            BlockData::Histogram { edges: edge, counts: vec![100, 100] },
            BlockData::Value(f64::INFINITY),
            BlockData::Requests { requests: 9, errors: 1 },
        ] {
            assert_eq!(Traffic::of(&blocks(|_| data.clone())), None, "{data:?}");
        }
        assert_eq!(Traffic::of(&[]), None);
        let mixed = blocks(|minute| match minute {
            0 => BlockData::Value(1.0),
            _ => BlockData::Samples(vec![1.0]),
        });
        assert_eq!(Traffic::of(&mixed), None);
    }
}
