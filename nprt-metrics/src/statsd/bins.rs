use super::varint::{read, write};

/// Counts of samples in the bins of [`nprt_compare::sketch`], in two bytes a bin: what the bin adds to the number of
/// the one before, and its count. A sample in the middle of a bin is in the same bin of the sketch that judges.
///
/// Where more than [`MOST`] bins hold samples, each two neighbours become one, and the error doubles.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Bins {
    packed: Vec<u8>,
    shift: u32,
}

/// What is written over again and again, so that counting allocates nothing.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    counts: Vec<(u32, u64)>,
    packed: Vec<u8>,
}

/// Bins that hold samples, at the most. An ordinary latency has some 300.
const MOST: usize = 2048;
/// Bits of a float below those of the sketch's grid.
const SHIFT: u32 = 45;
/// The first bin of normal numbers: what is less counts as zero.
const NORMAL: u32 = 1 << (52 - SHIFT);

/// The bin of a number that is finite and not below zero.
pub(super) fn bin_of(sample: f64, shift: u32) -> u32 {
    let bin = (sample.to_bits() >> SHIFT) as u32;
    if bin < NORMAL { 0 } else { bin >> shift }
}

/// What stands for the samples of a bin: its middle.
pub(super) fn middle(bin: u32, shift: u32) -> f64 {
    let edge = |bin: u32| f64::from_bits((u64::from(bin) << shift) << SHIFT);
    if bin << shift < NORMAL { 0.0 } else { f64::midpoint(edge(bin), edge(bin + 1)) }
}

/// The greatest relative error of [`middle`]: half of a bin's width against its middle.
pub(super) fn error(shift: u32) -> f64 {
    let width = f64::from(1_u32 << shift) / 128.0;
    width / (2.0 + width)
}

impl Scratch {
    pub(super) fn counts(&mut self) -> &mut Vec<(u32, u64)> {
        self.counts.clear();
        &mut self.counts
    }
}

impl Bins {
    pub(super) fn shift(&self) -> u32 {
        self.shift
    }

    pub(super) fn is_empty(&self) -> bool {
        self.packed.is_empty()
    }

    pub(super) fn capacity(&self) -> usize {
        self.packed.capacity()
    }

    pub(super) fn packed(&self) -> &[u8] {
        &self.packed
    }

    /// Adds counts by bin, ascending; those of the same shift.
    pub(super) fn add(&mut self, scratch: &mut Scratch) {
        let Scratch { counts, packed } = scratch;
        packed.clear();
        let mut bins = merge(&self.packed, counts, packed);
        while bins > MOST {
            counts.clear();
            for (bin, count) in unpack(packed) {
                match counts.last_mut() {
                    Some((last, sum)) if *last == bin >> 1 => *sum = sum.saturating_add(count),
                    _ => counts.push((bin >> 1, count)),
                }
            }
            packed.clear();
            self.shift += 1;
            bins = merge(&[], counts, packed);
        }
        if packed.len() > self.packed.capacity() {
            // Some room, so that a long minute is seldom moved.
            self.packed = Vec::with_capacity(packed.len() + packed.len() / 8);
        }
        self.packed.clear();
        self.packed.extend_from_slice(packed);
    }
}

/// Writes the sums of both, and says how many bins they are.
fn merge(old: &[u8], new: &[(u32, u64)], to: &mut Vec<u8>) -> usize {
    let (mut old, mut new) = (unpack(old).peekable(), new.iter().copied().peekable());
    let (mut before, mut bins) = (0, 0);
    loop {
        let bin = match (old.peek(), new.peek()) {
            (Some((a, _)), Some((b, _))) => *a.min(b),
            (Some((bin, _)), None) | (None, Some((bin, _))) => *bin,
            (None, None) => return bins,
        };
        let of = |head: Option<(u32, u64)>| head.map_or(0, |(_, count)| count);
        let count =
            of(old.next_if(|head| head.0 == bin)).saturating_add(of(new.next_if(|head| head.0 == bin)));
        if count > 0 {
            write(to, u64::from(bin - before));
            write(to, count);
            (before, bins) = (bin, bins + 1);
        }
    }
}

/// The bins that were packed, ascending, each with its count.
pub(super) fn unpack(mut packed: &[u8]) -> impl Iterator<Item = (u32, u64)> + '_ {
    let mut bin = 0_u32;
    std::iter::from_fn(move || {
        bin = bin.saturating_add(u32::try_from(read(&mut packed)?).ok()?);
        Some((bin, read(&mut packed)?))
    })
}

#[cfg(test)]
mod tests {
    use nprt_compare::sketch::{Edge, Sketch};
    use proptest::prelude::*;

    use super::super::timings::Timings;
    use super::*;

    fn bins(samples: &[f64], weight: f64) -> Bins {
        let (mut timings, mut scratch) = (Timings::default(), Scratch::default());
        samples.iter().for_each(|&sample| timings.add(sample, weight, &mut scratch));
        timings.bins(&mut scratch).clone()
    }

    proptest! {
        /// In whatever order they come, they are counted as the judge's own sketch counts them.
        #[test]
        fn are_those_of_the_sketch(samples in proptest::collection::vec(0.0001_f64..10.0, 0..400)) {
            let expected: Sketch = samples.iter().copied().collect();
            let ours = bins(&samples, 1.0);
            prop_assert_eq!(ours.shift, 0);
            let again: Sketch = unpack(&ours.packed)
                .flat_map(|(bin, count)| std::iter::repeat_n(middle(bin, 0), usize::try_from(count).unwrap()))
                .collect();
            prop_assert_eq!(again, expected);
            for sample in samples {
                let middle = middle(bin_of(sample, 0), 0);
                prop_assert!((middle - sample).abs() <= middle * error(0) * 1.000_001);
            }
        }

        #[test]
        fn each_sample_counts_as_often_as_it_stands_for(rates in proptest::collection::vec(0.01_f64..=1.0, 1..5), n in 1_usize..300) {
            let (mut timings, mut scratch) = (Timings::default(), Scratch::default());
            let mut all = 0.0;
            for i in 0..n {
                let weight = 1.0 / rates[i % rates.len()];
                all += weight;
                timings.add(i as f64, weight, &mut scratch);
            }
            let counted: u64 = unpack(timings.bins(&mut scratch).packed()).map(|(_, count)| count).sum();
            prop_assert!((counted as f64 - all).abs() < 1.000_001, "{} of {}", counted, all);
        }
    }

    #[test]
    fn many_bins_become_wider_ones() {
        let samples: Vec<f64> = (0..20_000).map(|n| 1e-9 * 1.002_f64.powi(n)).collect();
        let wide = bins(&samples, 1.0);
        assert!(wide.shift > 0 && unpack(&wide.packed).count() <= MOST, "{}", wide.shift);
        assert_eq!(unpack(&wide.packed).map(|(_, count)| count).sum::<u64>(), 20_000);
        for sample in samples {
            let middle = middle(bin_of(sample, wide.shift), wide.shift);
            assert!((middle - sample).abs() <= middle * error(wide.shift) * 1.000_001, "{sample} {middle}");
        }
        assert_eq!(bins(&[0.0, 1e-310], 10.0).packed, [0, 20]);
        assert!(Edge::at_or_below(middle(bin_of(0.3, 0), 0)).unwrap() == Edge::at_or_below(0.3).unwrap());
    }
}
