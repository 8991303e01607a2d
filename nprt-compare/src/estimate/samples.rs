use std::collections::BTreeSet;

use crate::Percentile;

/// Measurements one by one. Percentiles are selected, never sorted for; what one selection has put in its
/// place narrows the next, so that several percentiles cost little more than the first.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Samples {
    /// The bits of the measurements: without a sign they have the same order, and whole numbers are faster compared.
    bits: Vec<u64>,
    /// Indices whose value stands where it would stand in ascending order: before it none is larger, after
    /// it none smaller.
    settled: BTreeSet<usize>,
}

impl Samples {
    /// Adds measurements that are finite and not negative.
    pub(crate) fn add(&mut self, values: &[f64]) {
        // Of zero, which may have a sign, too.
        self.bits.extend(values.iter().map(|value| value.abs().to_bits()));
        self.settled.clear();
    }

    pub(crate) fn count(&self) -> u64 {
        self.bits.len() as u64
    }

    /// The percentile by nearest rank, `None` of none; the same as [`Percentile::of_samples`].
    pub(crate) fn percentile(&mut self, percentile: Percentile) -> Option<f64> {
        let index = percentile.index(self.bits.len())?;
        if self.settled.insert(index) {
            let from = self.settled.range(..index).next_back().map_or(0, |before| before + 1);
            let to = self.settled.range(index + 1..).next().copied().unwrap_or(self.bits.len());
            self.bits.get_mut(from..to)?.select_nth_unstable(index - from);
        }
        self.bits.get(index).copied().map(f64::from_bits)
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::{prop_assert_eq, proptest};

    use super::*;

    proptest! {
        #[test]
        fn any_order_of_percentiles_gives_the_same(
            values in vec(0.0_f64..9.0, 0..99), more in vec(0.0_f64..9.0, 0..9), percents in vec(1_u8..100, 0..9),
        ) {
            let mut samples = Samples::default();
            let mut all = vec![];
            for part in [&values, &more] {
                samples.add(part);
                all.extend_from_slice(part);
                for &percent in &percents {
                    let percentile = Percentile::new(f64::from(percent)).unwrap();
                    prop_assert_eq!(samples.percentile(percentile), percentile.of_samples(&mut all.clone()));
                }
            }
        }
    }
}
