//! What a stream counted, up to a moment or since another.

use super::message::{Buckets, ExponentialPoint, HistogramPoint, NumberPoint};
use crate::MetricUnit;
use crate::statsd::{Reading, Reason};

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Total {
    Number(f64),
    /// Between ascending bounds, the first and the last bucket open.
    Explicit {
        bounds: Vec<f64>,
        counts: Vec<u64>,
    },
    Exponential(Exponential),
}

/// Bucket `i` lies above `base^i` and at or below `base^(i+1)`, where `base` is 2 to the power of `2^-scale`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Exponential {
    scale: i32,
    zeros: u64,
    zero_threshold: f64,
    /// The first bucket of `counts`.
    offset: i64,
    counts: Vec<u64>,
}

/// Buckets of a point; SDKs have 160 at the most by default.
const MOST_BUCKETS: usize = 1_000;

impl Total {
    pub(super) fn of_number(point: &NumberPoint) -> Result<Self, Reason> {
        let number = match (point.as_double, point.as_int) {
            (Some(number), None) => number,
            (None, Some(number)) => number as f64,
            _ => return Err(Reason::Malformed),
        };
        match number {
            _ if number.is_nan() => Err(Reason::NotANumber),
            _ if number.is_infinite() => Err(Reason::Infinite),
            _ => Ok(Self::Number(number)),
        }
    }

    pub(super) fn of_histogram(point: &HistogramPoint) -> Result<Self, Reason> {
        let HistogramPoint { count, bucket_counts, explicit_bounds: bounds, .. } = point;
        if bounds.len() > MOST_BUCKETS || !bounds.iter().all(|bound| bound.is_finite()) {
            return Err(Reason::Malformed);
        }
        if bounds.windows(2).any(|pair| matches!(pair, [a, b] if a >= b)) {
            return Err(Reason::Malformed);
        }
        // One without buckets counts all the same.
        let counts =
            if bucket_counts.is_empty() && bounds.is_empty() { vec![*count] } else { bucket_counts.clone() };
        if counts.len() != bounds.len() + 1 || sum(&counts) != Some(*count) {
            return Err(Reason::Malformed);
        }
        Ok(Self::Explicit { bounds: bounds.clone(), counts })
    }

    pub(super) fn of_exponential(point: &ExponentialPoint) -> Result<Self, Reason> {
        let ExponentialPoint { count, scale, zero_count, positive, negative, zero_threshold, .. } = point;
        if negative.as_ref().is_some_and(|negative| negative.bucket_counts.iter().any(|count| *count > 0)) {
            return Err(Reason::Negative);
        }
        let none = Buckets::default();
        let Buckets { offset, bucket_counts } = positive.as_ref().unwrap_or(&none);
        // What the specification allows is less.
        let is_scale = (-20..=20).contains(scale);
        if !is_scale
            || bucket_counts.len() > MOST_BUCKETS
            || !zero_threshold.is_finite()
            || *zero_threshold < 0.0
        {
            return Err(Reason::Malformed);
        }
        if sum(bucket_counts).and_then(|sum| sum.checked_add(*zero_count)) != Some(*count) {
            return Err(Reason::Malformed);
        }
        Ok(Self::Exponential(Exponential {
            scale: *scale,
            zeros: *zero_count,
            zero_threshold: *zero_threshold,
            offset: i64::from(*offset),
            counts: bucket_counts.clone(),
        }))
    }

    /// What was added since an earlier total.
    ///
    /// # Errors
    /// `Contradictory` where something became less, or the buckets are others.
    pub(super) fn since(&self, earlier: &Self) -> Result<Self, Reason> {
        let less = |counts: &[u64], earlier: &[u64]| -> Option<Vec<u64>> {
            counts.iter().zip(earlier).map(|(count, earlier)| count.checked_sub(*earlier)).collect()
        };
        let since = match (self, earlier) {
            (Self::Number(number), Self::Number(earlier)) if number >= earlier => {
                Some(Self::Number(number - earlier))
            }
            (Self::Explicit { bounds, counts }, Self::Explicit { bounds: same, counts: earlier })
                if bounds == same =>
            {
                less(counts, earlier).map(|counts| Self::Explicit { bounds: bounds.clone(), counts })
            }
            (Self::Exponential(now), Self::Exponential(earlier)) => now.since(earlier).map(Self::Exponential),
            _ => None,
        };
        since.ok_or(Reason::Contradictory)
    }

    /// How much it counts: measurements, or the number itself.
    pub(super) fn count(&self) -> f64 {
        match self {
            Self::Number(number) => *number,
            Self::Explicit { counts, .. } => sum(counts).unwrap_or(u64::MAX) as f64,
            Self::Exponential(Exponential { zeros, counts, .. }) => {
                sum(counts).unwrap_or(u64::MAX).saturating_add(*zeros) as f64
            }
        }
    }

    /// The buckets that hold something, their edges converted from `unit`.
    ///
    /// # Errors
    /// `Malformed` where there is only one bucket, which says nothing; `Negative` where some lies below zero.
    pub(super) fn readings(&self, unit: MetricUnit) -> Result<Vec<Reading<'static>>, Reason> {
        match self {
            Self::Number(_) => Err(Reason::Malformed),
            Self::Explicit { bounds, .. } if bounds.is_empty() => Err(Reason::Malformed),
            Self::Explicit { bounds, counts } => {
                let edges = [0.0].into_iter().chain(bounds.iter().map(|bound| unit.convert(*bound)));
                let upper = bounds.iter().map(|bound| unit.convert(*bound)).chain([f64::INFINITY]);
                let buckets = edges.zip(upper).zip(counts).filter(|(_, count)| **count > 0);
                let reading = |((low, high), count): ((f64, f64), &u64)| {
                    if high < 0.0 || low < 0.0 {
                        return Err(Reason::Negative);
                    }
                    Ok(Reading::Between(low, high, *count))
                };
                buckets.map(reading).collect()
            }
            Self::Exponential(exponential) => Ok(exponential.readings(unit)),
        }
    }

    /// Bytes outside of itself.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Number(_) => 0,
            Self::Explicit { bounds, counts } => (bounds.capacity() + counts.capacity()) * 8,
            Self::Exponential(Exponential { counts, .. }) => counts.capacity() * 8,
        }
    }
}

impl Exponential {
    /// An earlier one may have had narrower buckets: SDKs make them wider where they need to, and never narrower.
    fn since(&self, earlier: &Self) -> Option<Self> {
        let wider = u32::try_from(earlier.scale.checked_sub(self.scale)?).ok()?;
        if self.zero_threshold.to_bits() != earlier.zero_threshold.to_bits() {
            return None;
        }
        let mut counts = self.counts.clone();
        for (at, count) in (earlier.offset..).zip(&earlier.counts).filter(|(_, count)| **count > 0) {
            let at = usize::try_from((at >> wider) - self.offset).ok()?;
            let now = counts.get_mut(at)?;
            *now = now.checked_sub(*count)?;
        }
        Some(Self { zeros: self.zeros.checked_sub(earlier.zeros)?, counts, ..self.clone() })
    }

    fn readings(&self, unit: MetricUnit) -> Vec<Reading<'static>> {
        let edge = |i: i64| unit.convert((i as f64 * f64::from(-self.scale).exp2()).exp2());
        let zeros = Reading::Between(0.0, unit.convert(self.zero_threshold), self.zeros);
        let zeros = (self.zeros > 0).then_some(zeros);
        let buckets = (self.offset..).zip(&self.counts).filter(|(_, count)| **count > 0);
        zeros
            .into_iter()
            .chain(buckets.map(|(i, count)| Reading::Between(edge(i), edge(i + 1), *count)))
            .collect()
    }
}

fn sum(counts: &[u64]) -> Option<u64> {
    counts.iter().try_fold(0_u64, |sum, count| sum.checked_add(*count))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exponential(scale: i32, offset: i32, counts: &[u64]) -> Result<Total, Reason> {
        let positive = Some(Buckets { offset, bucket_counts: counts.to_vec() });
        let count = counts.iter().sum();
        Total::of_exponential(&ExponentialPoint { count, scale, positive, ..ExponentialPoint::default() })
    }

    #[test]
    fn what_was_added_is_found_over_wider_buckets() {
        let now = exponential(0, -2, &[5, 4]).unwrap();
        // Buckets -4 to -2 of half the width: -4 and -3 are -2 now, -2 is -1.
        let earlier = exponential(1, -4, &[1, 2, 3]).unwrap();
        assert_eq!(now.since(&earlier), Ok(exponential(0, -2, &[2, 1]).unwrap()));
        assert_eq!(earlier.since(&now), Err(Reason::Contradictory));
        let readings = now.readings(MetricUnit::Milliseconds).unwrap();
        assert!(matches!(
            readings[..],
            [Reading::Between(0.000_25, 0.000_5, 5), Reading::Between(0.000_5, 0.001, 4)]
        ));
        assert_eq!(exponential(21, 0, &[1]), Err(Reason::Malformed));
    }

    #[test]
    fn buckets_that_do_not_fit_are_malformed() {
        let of = |bounds: &[f64], counts: &[u64], count| {
            let (explicit_bounds, bucket_counts) = (bounds.to_vec(), counts.to_vec());
            Total::of_histogram(&HistogramPoint {
                count,
                bucket_counts,
                explicit_bounds,
                ..HistogramPoint::default()
            })
        };
        let good = of(&[-1.0, 0.0, 2.0], &[0, 1, 2, 3], 6).unwrap();
        assert!((good.count() - 6.0).abs() < 1e-9);
        assert_eq!(good.readings(MetricUnit::None).map(|all| all.len()), Err(Reason::Negative));
        for (bounds, counts, count) in [
            (&[1.0][..], &[1][..], 1),
            (&[1.0], &[1, 2, 3], 6),
            (&[1.0], &[1, 2], 4),
            (&[2.0, 1.0], &[1, 2, 3], 6),
            (&[1.0, 1.0], &[1, 2, 3], 6),
            (&[f64::NAN], &[1, 2], 3),
            (&[f64::INFINITY], &[1, 2], 3),
            (&[1.0], &[u64::MAX, 1], 0),
        ] {
            assert_eq!(of(bounds, counts, count), Err(Reason::Malformed), "{bounds:?} {counts:?}");
        }
        let none = of(&[], &[], 7).unwrap();
        assert!((none.count() - 7.0).abs() < 1e-9 && none.readings(MetricUnit::None).is_err());
    }
}
