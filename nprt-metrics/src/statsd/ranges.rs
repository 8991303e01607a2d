use nprt_compare::sketch::Sketch;

use super::varint::{read, read_f64, take, write};

/// Counts of samples of which only the buckets are known: those of histograms of whatever edges. Each stands for
/// itself, so that histograms with other edges, of another pod or after a restart, add up too.
#[derive(Debug, Default)]
pub(super) struct Ranges(Vec<Range>);

#[derive(Debug, Clone, Copy)]
struct Range {
    low: f64,
    high: f64,
    count: u64,
}

/// What packed ranges say.
#[derive(Debug, PartialEq)]
pub(super) struct Spread {
    pub(super) samples: Sketch,
    /// The greatest relative error of a sample: half the width of its bucket against its middle.
    pub(super) error: Option<f64>,
}

/// Buckets that hold something, at the most: an exponential histogram has 160 by default, and may have another scale with
/// each point.
const MOST: usize = 2_000;

impl Ranges {
    /// Adds samples above `low` and at or below `high`, and says how many bytes more that takes; `None` where there are
    /// too many buckets.
    pub(super) fn add(&mut self, low: f64, high: f64, count: u64) -> Option<usize> {
        let order = |range: &Range| range.low.total_cmp(&low).then(range.high.total_cmp(&high));
        let before = self.bytes();
        match self.0.binary_search_by(order) {
            Ok(at) => {
                if let Some(range) = self.0.get_mut(at) {
                    range.count = range.count.saturating_add(count);
                }
            }
            Err(_) if self.0.len() >= MOST => return None,
            Err(at) => self.0.insert(at, Range { low, high, count }),
        }
        Some(self.bytes() - before)
    }

    /// Bytes outside of itself.
    pub(super) fn bytes(&self) -> usize {
        self.0.capacity() * size_of::<Range>()
    }

    pub(super) fn pack(&self, to: &mut Vec<u8>) {
        let (mut packed, mut before) = (Vec::new(), 0.0_f64);
        for Range { low, high, count } in &self.0 {
            // Most begin where another ends.
            let is_next = low.to_bits() == before.to_bits();
            write(&mut packed, u64::from(!is_next));
            if !is_next {
                packed.extend_from_slice(&low.to_le_bytes());
            }
            packed.extend_from_slice(&high.to_le_bytes());
            write(&mut packed, *count);
            before = *high;
        }
        write(to, packed.len() as u64);
        to.extend_from_slice(&packed);
    }
}

/// Takes packed ranges off the front.
pub(super) fn skip<'a>(from: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = read(from)?;
    take(from, length)
}

fn unpack(mut packed: &[u8]) -> impl Iterator<Item = Range> + '_ {
    let mut before = 0.0;
    std::iter::from_fn(move || {
        let low = if read(&mut packed)? == 0 { before } else { read_f64(&mut packed)? };
        let high = read_f64(&mut packed)?;
        before = high;
        Some(Range { low, high, count: read(&mut packed)? })
    })
}

/// Spreads the samples over their buckets.
pub(super) fn spread(packed: &[u8]) -> Spread {
    let (mut samples, mut error) = (Sketch::new(), None);
    for Range { low, high, count } in unpack(packed) {
        // They were checked when they came.
        let _ = samples.add_between(low, high, count);
        let of = if high > low { (high - low) / (high + low) } else { 0.0 };
        // What has no end has no width.
        error = error.into_iter().chain(Some(of).filter(|of| of.is_finite())).reduce(f64::max);
    }
    Spread { samples, error }
}

/// The samples above the last edge of their histogram, and the highest such edge.
pub(super) fn above(packed: &[u8]) -> Option<(u64, f64)> {
    let open = unpack(packed).filter(|range| range.high.is_infinite());
    open.map(|range| (range.count, range.low)).reduce(|a, b| (a.0.saturating_add(b.0), a.1.max(b.1)))
}

#[cfg(test)]
mod tests {
    use nprt_compare::sketch::Edge;

    use super::*;

    #[test]
    fn what_is_packed_is_spread_over_the_buckets() {
        let mut ranges = Ranges::default();
        for (low, high, count) in [(0.25, 0.5, 100), (0.0, 0.25, 7), (0.25, 0.5, 28), (4.0, f64::INFINITY, 3)]
        {
            ranges.add(low, high, count).unwrap();
        }
        let mut packed = Vec::new();
        ranges.pack(&mut packed);
        packed.push(9);
        let mut rest = packed.as_slice();
        let body = skip(&mut rest).unwrap();
        assert_eq!(rest, [9]);
        let Spread { samples, error } = spread(body);
        assert_eq!((samples.count(), error), (138, Some(1.0)));
        let at_or_above = |value| samples.count_at_or_above(Edge::at_or_below(value).unwrap());
        assert_eq!([0.25, 0.375, 0.5, 4.0, 4.2].map(at_or_above), [131, 67, 3, 3, 0]);
        assert_eq!(above(body), Some((3, 4.0)));
        // A half of the bytes that the edges would take.
        assert!(body.len() < 40, "{}", body.len());
    }

    #[test]
    fn buckets_are_bounded() {
        let mut ranges = Ranges::default();
        let added = (0..2 * MOST).filter(|i| ranges.add(*i as f64, *i as f64 + 1.0, 1).is_some());
        assert_eq!(added.count(), MOST);
        assert!(ranges.add(0.0, 1.0, 1).is_some());
    }
}
