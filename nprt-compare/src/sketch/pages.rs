use std::iter::repeat_with;

use super::edge::{END, NORMAL};

/// Bins a page, half an octave. Zero's bin and those of rejected values fall into pages of their own, which
/// are never made: a value whose page is there needs no other check.
const BINS: usize = 64;
const _: () = assert!(NORMAL.is_multiple_of(64) && END.is_multiple_of(64), "pages of samples alone");

type Page = [u64; BINS];

/// Counts by bin, in pages that are made when they are first needed. What was counted decides alone how it
/// is laid out: from the first page with a count to the last one, and none without, so that equal counts
/// compare equal.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Pages {
    /// The number of the first page; 0 while there is none.
    first: usize,
    pages: Vec<Option<Box<Page>>>,
}

impl Pages {
    /// The count of a bin whose page is there.
    #[inline]
    pub(super) fn get_mut(&mut self, bin: u32) -> Option<&mut u64> {
        let bin = bin as usize;
        let page = self.pages.get_mut((bin / BINS).wrapping_sub(self.first))?.as_mut()?;
        Some(&mut page[bin % BINS])
    }

    /// Adds to the count of a bin of normal numbers, and makes its page when there is none. Adding nothing
    /// would make an empty page: callers have something to add.
    pub(super) fn add(&mut self, bin: u32, count: u64) {
        let bin = bin as usize;
        self.cover(bin / BINS);
        let page = self.pages[bin / BINS - self.first].get_or_insert_with(|| Box::new([0; BINS]));
        page[bin % BINS] = page[bin % BINS].saturating_add(count);
    }

    /// Adds the counts of another, page by page.
    pub(super) fn merge(&mut self, other: &Self) {
        let Some(last) = other.pages.len().checked_sub(1) else { return };
        self.cover(other.first);
        self.cover(other.first + last);
        for (ours, theirs) in self.pages[other.first - self.first..].iter_mut().zip(&other.pages) {
            match (ours, theirs) {
                (Some(ours), Some(theirs)) => add(ours, theirs),
                (none, Some(_)) => none.clone_from(theirs),
                (_, None) => {}
            }
        }
    }

    /// The counts that are not zero with their bins, ascending.
    pub(super) fn counts(&self) -> impl Iterator<Item = (u32, u64)> + '_ {
        self.numbered().flat_map(|(number, page)| {
            let counted = page.iter().enumerate().filter(|&(_, &count)| count > 0);
            counted.map(move |(at, &count)| {
                #[expect(clippy::cast_possible_truncation, reason = "below END")]
                let bin = (number * BINS + at) as u32;
                (bin, count)
            })
        })
    }

    /// The sum of the counts of this bin and all above.
    pub(super) fn sum_from(&self, bin: u32) -> u64 {
        let bin = bin as usize;
        let parts = self.numbered().map(|(number, page)| {
            let skipped = bin.saturating_sub(number * BINS).min(BINS);
            page[skipped..].iter().fold(0, |sum: u64, &count| sum.saturating_add(count))
        });
        parts.fold(0, u64::saturating_add)
    }

    fn numbered(&self) -> impl Iterator<Item = (usize, &Page)> {
        let pages = (self.first..).zip(&self.pages);
        pages.filter_map(|(number, page)| Some((number, page.as_deref()?)))
    }

    /// Grows the range to a page.
    fn cover(&mut self, number: usize) {
        if self.pages.is_empty() {
            self.first = number;
        }
        if number < self.first {
            self.pages.splice(..0, repeat_with(|| None).take(self.first - number));
            self.first = number;
        }
        let length = self.pages.len().max(number - self.first + 1);
        self.pages.resize_with(length, || None);
    }
}

/// Adds two pages. Nothing wraps where neither count has its highest bit, which is always; this keeps the
/// loop free of branches.
fn add(ours: &mut Page, theirs: &Page) {
    let mut bits = 0;
    for (our, their) in ours.iter_mut().zip(theirs) {
        bits |= *our | *their;
        *our = our.wrapping_add(*their);
    }
    if bits >> 63 == 1 {
        // It wrapped exactly where the sum is less than what was added.
        for (our, _) in ours.iter_mut().zip(theirs).filter(|(our, their)| **our < **their) {
            *our = u64::MAX;
        }
    }
}
