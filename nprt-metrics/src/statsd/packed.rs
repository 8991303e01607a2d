//! A block of a minute that is over, in few bytes.

use std::collections::BTreeMap;

use nprt_compare::sketch::{Bin, Edge};
use nprt_core::model::BlockData;

use super::bins::{Scratch, error, middle, unpack};
use super::gathered::Gathered;
use super::ranges;
use super::varint::{read, read_f64, take, write};

const EXACT: u8 = 0;
const BINS: u8 = 1;
const VALUE: u8 = 2;
const REQUESTS: u8 = 3;
const CLASSES: u8 = 4;
const RANGES: u8 = 5;

/// Writes the block of a series.
pub(super) fn pack(to: &mut Vec<u8>, series: u32, gathered: &mut Gathered, scratch: &mut Scratch) {
    write(to, u64::from(series));
    match gathered {
        Gathered::Samples(timings) => {
            if let Some(samples) = timings.exact() {
                to.push(EXACT);
                write(to, samples.len() as u64);
                samples.iter().for_each(|sample| to.extend_from_slice(&sample.to_le_bytes()));
                return;
            }
            let bins = timings.bins(scratch);
            to.push(BINS);
            write(to, u64::from(bins.shift()));
            write(to, bins.packed().len() as u64);
            to.extend_from_slice(bins.packed());
        }
        Gathered::Ranges(ranges) => {
            to.push(RANGES);
            ranges.pack(to);
        }
        Gathered::Value { sum, count } => {
            to.push(VALUE);
            to.extend_from_slice(&(*sum / f64::from(*count)).to_le_bytes());
        }
        Gathered::Requests { requests, errors } => {
            to.push(REQUESTS);
            write(to, whole(requests.max(*errors)));
            write(to, whole(*errors));
        }
        Gathered::Classes(classes) => {
            to.push(CLASSES);
            write(to, classes.len() as u64);
            for (class, count) in classes {
                write(to, class.len() as u64);
                to.extend_from_slice(class.as_bytes());
                write(to, whole(*count));
            }
        }
    }
}

/// A block that was packed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Packed<'a> {
    pub(super) series: u32,
    form: u8,
    /// The shift of bins; else how many there are of what follows.
    number: u64,
    body: &'a [u8],
}

/// Takes a block off the front; `None` at the end.
pub(super) fn next<'a>(from: &mut &'a [u8]) -> Option<Packed<'a>> {
    let series = u32::try_from(read(from)?).ok()?;
    let (&form, rest) = from.split_first()?;
    *from = rest;
    let number = if matches!(form, EXACT | BINS | CLASSES) { read(from)? } else { 0 };
    let start = *from;
    match form {
        EXACT => {
            take(from, number.checked_mul(8)?)?;
        }
        BINS => {
            let length = read(from)?;
            return Some(Packed { series, form, number, body: take(from, length)? });
        }
        RANGES => {
            return Some(Packed { series, form, number, body: ranges::skip(from)? });
        }
        VALUE => {
            take(from, 8)?;
        }
        REQUESTS => {
            read(from)?;
            read(from)?;
        }
        _ => {
            for _ in 0..number {
                let length = read(from)?;
                take(from, length)?;
                read(from)?;
            }
        }
    }
    let body = start.get(..start.len() - from.len())?;
    Some(Packed { series, form, number, body })
}

impl Packed<'_> {
    /// Samples of which only a lower bound is known, and the highest bound.
    pub(super) fn above(&self) -> Option<(u64, f64)> {
        if self.form == RANGES { ranges::above(self.body) } else { None }
    }

    /// The measurements, and the greatest relative error of theirs. Of more than `most` samples so many are answered, spread
    /// evenly over their ranks.
    pub(super) fn data(mut self, most: usize) -> Option<(BlockData, Option<f64>)> {
        let body = &mut self.body;
        let data = match self.form {
            EXACT => BlockData::Samples((0..self.number).filter_map(|_| read_f64(body)).collect()),
            BINS => {
                let shift = u32::try_from(self.number).ok()?;
                let bins = || unpack(body).map(|(bin, count)| (middle(bin, shift), count));
                return Some((BlockData::Samples(samples(bins, most)), Some(error(shift))));
            }
            RANGES => {
                let spread = ranges::spread(body);
                let middle = |bin: Bin| f64::midpoint(bin.lower.value(), bin.upper.value());
                let middle = |bin: Bin| if bin.lower == Edge::ZERO { 0.0 } else { middle(bin) };
                let bins = || spread.samples.bins().map(|bin| (middle(bin), bin.count));
                return Some((BlockData::Samples(samples(bins, most)), spread.error));
            }
            VALUE => BlockData::Value(read_f64(body)?),
            REQUESTS => BlockData::Requests { requests: read(body)?, errors: read(body)? },
            _ => {
                let mut classes = BTreeMap::new();
                for _ in 0..self.number {
                    let length = read(body)?;
                    let class = String::from_utf8(take(body, length)?.to_vec()).ok()?;
                    classes.insert(class, read(body)?);
                }
                BlockData::Classes(classes)
            }
        };
        Some((data, None))
    }
}

/// The samples of ascending bins, each with what stands for its samples and their count.
fn samples<I: Iterator<Item = (f64, u64)>>(bins: impl Fn() -> I, most: usize) -> Vec<f64> {
    let all = bins().fold(0_u64, |sum, (_, count)| sum.saturating_add(count));
    let most = (most as u64).min(all);
    let mut samples = Vec::with_capacity(usize::try_from(most).unwrap_or_default());
    // How many of `most` samples have a rank at or below that of `below` ones.
    let share = |below: u64| u128::from(below) * u128::from(most) / u128::from(all.max(1));
    let mut below = 0_u64;
    for (middle, count) in bins() {
        let before = share(below);
        below = below.saturating_add(count);
        let more = usize::try_from(share(below) - before).unwrap_or_default();
        samples.extend(std::iter::repeat_n(middle, more));
    }
    samples
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 2^53, as counted")]
fn whole(count: f64) -> u64 {
    count.round() as u64
}
