//! Histograms of whatever edges, as counts in the sketch's bins.

use nprt_core::{Error, Result};

use super::Sketch;
use super::edge::{END, NORMAL, bin_of};
use super::sparse::{Sparse, lower, number_of};

impl Sparse {
    /// Of counts between ascending edges; see [`BlockData::Histogram`](nprt_core::model::BlockData::Histogram). Inside a
    /// bucket samples are taken to lie evenly, as Prometheus's `histogram_quantile` does; above the last edge they
    /// are taken to lie just above it.
    pub(crate) fn of_histogram(edges: &[f64], counts: &[u64]) -> Self {
        let mut sparse = Self::default();
        let mut lower = 0.0;
        for (&upper, &count) in edges.iter().zip(counts) {
            let spread = spread(lower, upper, count);
            sparse.merge(&spread);
            lower = upper;
        }
        if let (Some(&last), Some(&count)) = (edges.last(), counts.get(edges.len())) {
            sparse.merge(&Self::above(last, count));
        }
        sparse
    }

    /// Samples of which only that is known.
    fn above(edge: f64, count: u64) -> Self {
        Self::one((bin_of(edge.abs()).max(NORMAL - 1) + 1).min(END - 1), count)
    }

    fn one(bin: u32, count: u64) -> Self {
        let mut sparse = Self::default();
        sparse.push(bin, count);
        sparse
    }
}

impl Sketch {
    /// Adds samples of which only the bucket is known, above `low` and at or below `high`, as the judge takes those of a
    /// [histogram](nprt_core::model::BlockData::Histogram): evenly between both, or just above `low` where `high` is
    /// infinite.
    ///
    /// ```
    /// use nprt_compare::sketch::{Edge, Sketch};
    /// let mut sketch = Sketch::new();
    /// sketch.add_between(1.0, 2.0, 100)?;
    /// assert_eq!(sketch.count_at_or_above(Edge::at_or_above(1.5)?), 50);
    /// # Ok::<(), nprt_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Invalid` unless `low` is finite, not below zero and not above `high`.
    pub fn add_between(&mut self, low: f64, high: f64, count: u64) -> Result<()> {
        if !low.is_finite() || low < 0.0 || high.is_nan() || low > high {
            let expected = "expected the edges of a bucket, from 0 on";
            return Err(Error::invalid("sketch.bucket", expected).with("low", low).with("high", high));
        }
        let spread =
            if high.is_finite() { spread(low.abs(), high, count) } else { Sparse::above(low, count) };
        spread.iter().for_each(|(bin, count)| self.add_to_bin(bin, count));
        Ok(())
    }
}

/// Spreads a bucket's samples evenly between its edges: of each bin the difference of two rounded shares, so that
/// none is lost.
fn spread(low: f64, high: f64, count: u64) -> Sparse {
    // The last bin that holds something below the upper edge.
    let mut bin = number_of(high);
    if lower(bin) >= high && bin > 0 {
        bin = if bin == NORMAL { 0 } else { bin - 1 };
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "0 to the count; it saturates"
    )]
    let below = |value: f64| ((((value - low) / (high - low)).clamp(0.0, 1.0)) * count as f64).round() as u64;
    let (mut left, mut found) = (count, Vec::new());
    while left > 0 {
        let begin = lower(bin);
        let rest = if begin <= low || bin < NORMAL { 0 } else { below(begin).min(left) };
        if left > rest {
            found.push((bin, left - rest));
        }
        left = rest;
        bin = if bin <= NORMAL { 0 } else { bin - 1 };
    }
    let mut sparse = Sparse::default();
    for (bin, count) in found.into_iter().rev() {
        sparse.push(bin, count);
    }
    sparse
}

#[cfg(test)]
mod tests {
    use proptest::{prop_assert, prop_assert_eq, proptest};

    use super::super::upper;
    use super::*;

    proptest! {
        #[test]
        fn a_bucket_loses_no_sample_and_keeps_them_between_its_edges(
            low in 0.0_f64..10.0, width in 1e-6_f64..10.0, count in 0_u64..100_000,
        ) {
            let spread = spread(low, low + width, count);
            prop_assert_eq!(spread.count(), count);
            for (bin, _) in spread.iter() {
                prop_assert!(upper(bin) > low && lower(bin) < low + width);
            }
        }
    }

    #[test]
    fn a_histogram_is_spread_evenly_and_its_open_end_lies_just_above_the_last_edge() {
        let sparse = Sparse::of_histogram(&[1.0, 2.0], &[0, 128_000, 7]);
        assert_eq!(sparse.count(), 128_007);
        let counts: Vec<_> = sparse.iter().collect();
        assert_eq!(counts.len(), 129);
        assert!(counts[..128].iter().all(|&(_, count)| count == 1000));
        assert!((lower(counts[128].0) - 2.015_625).abs() < 1e-12 && counts[128].1 == 7);
    }
}
