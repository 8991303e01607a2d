use std::iter::from_fn;

use super::{Bin, Edge};

/// A bin that holds samples of one of two sketches, or of both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JointBin {
    /// The samples lie at or above this edge.
    pub lower: Edge,
    /// And below this one.
    pub upper: Edge,
    /// How many are of the first sketch.
    pub first: u64,
    /// How many are of the second.
    pub second: u64,
}

/// Walks two ascending sequences of bins as one.
pub(super) fn joint(
    first: impl Iterator<Item = Bin>,
    second: impl Iterator<Item = Bin>,
) -> impl Iterator<Item = JointBin> {
    let (mut first, mut second) = (first.peekable(), second.peekable());
    from_fn(move || {
        let heads = [first.peek(), second.peek()];
        let &Bin { lower, upper, .. } = heads.into_iter().flatten().min_by_key(|bin| bin.lower)?;
        let count = |bin: Option<Bin>| bin.map_or(0, |bin| bin.count);
        Some(JointBin {
            lower,
            upper,
            first: count(first.next_if(|bin| bin.lower == lower)),
            second: count(second.next_if(|bin| bin.lower == lower)),
        })
    })
}
