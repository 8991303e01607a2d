use super::Estimate;
use crate::Percentile;

/// Counts between ascending edges, merged by exact addition.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Histogram {
    edges: Vec<f64>,
    counts: Vec<u64>,
}

impl Histogram {
    /// No counts yet, between finite ascending edges from 0 on, as `series` has validated them.
    pub(crate) fn new(edges: &[f64]) -> Self {
        Self { edges: edges.to_vec(), counts: vec![0; edges.len() + 1] }
    }

    /// Adds the counts of a histogram with the same edges; `false`, and nothing is added, with others.
    #[must_use]
    pub(crate) fn merge(&mut self, edges: &[f64], counts: &[u64]) -> bool {
        let same = self.edges == edges && self.counts.len() == counts.len();
        if same {
            for (sum, count) in self.counts.iter_mut().zip(counts) {
                *sum = sum.saturating_add(*count);
            }
        }
        same
    }

    /// Whether both have the same edges.
    pub(crate) fn matches(&self, other: &Self) -> bool {
        self.edges == other.edges
    }

    /// How many measurements it counts.
    pub(crate) fn count(&self) -> u64 {
        self.counts.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// The percentile, `None` without counts: the bucket that holds the nearest rank is exact; inside it the
    /// samples are taken as spread evenly, up to and including its upper edge, so that the error is less
    /// than the bucket is wide (what Prometheus' `histogram_quantile` does, except that the rank is a whole
    /// number). The first bucket begins at 0. The last one has no end, so that nothing is
    /// made up: the figure is only known to be [`Estimate::Above`] the last edge.
    pub(crate) fn percentile(&self, percentile: Percentile) -> Option<Estimate> {
        let rank = percentile.rank(self.count()).checked_sub(1)? + 1;
        let mut before = 0_u64;
        for (bucket, &count) in self.counts.iter().enumerate() {
            if before.saturating_add(count) < rank {
                before = before.saturating_add(count);
                continue;
            }
            let lower = if bucket == 0 { 0.0 } else { self.edges[bucket - 1] };
            return Some(match self.edges.get(bucket) {
                Some(upper) => {
                    let share = (rank - before) as f64 / count as f64;
                    Estimate::At(lower + (upper - lower) * share)
                }
                None => Estimate::Above(lower),
            });
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram(edges: &[f64], counts: &[u64]) -> Histogram {
        let mut histogram = Histogram::new(edges);
        assert!(histogram.merge(edges, counts));
        histogram
    }

    #[test]
    fn interpolates_inside_and_never_beyond_the_last_edge() {
        let spread = histogram(&[0.1, 0.2, 0.4], &[50, 40, 9, 1]);
        let at = |percent| spread.percentile(Percentile::new(percent).unwrap());
        assert_eq!(at(50.0), Some(Estimate::At(0.1)));
        assert_eq!(at(25.0), Some(Estimate::At(0.05)));
        assert_eq!(at(90.0), Some(Estimate::At(0.2)));
        assert_eq!(at(99.0), Some(Estimate::At(0.4)));
        assert_eq!(at(99.5), Some(Estimate::Above(0.4)));
        assert_eq!(Histogram::new(&[0.1]).percentile(Percentile::P50), None);
    }

    #[test]
    fn merges_by_addition_and_refuses_other_edges() {
        let mut sum = histogram(&[1.0, 2.0], &[1, 2, 3]);
        assert!(sum.merge(&[1.0, 2.0], &[10, 20, u64::MAX]));
        assert_eq!(sum, histogram(&[1.0, 2.0], &[11, 22, u64::MAX]));
        assert_eq!(sum.count(), u64::MAX);
        assert_eq!(sum.percentile(Percentile::P99), Some(Estimate::Above(2.0)));
        assert!(!sum.merge(&[1.0, 3.0], &[1, 1, 1]));
        assert_eq!(sum, histogram(&[1.0, 2.0], &[11, 22, u64::MAX]));
    }
}
