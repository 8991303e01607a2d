use std::collections::BTreeMap;

/// Requests and failures of one track over some time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tally {
    /// All requests.
    pub(super) requests: u64,
    /// The failed ones, as the requests were counted.
    pub(super) errors: u64,
    /// Failures by class, each at least 1.
    pub(super) classes: BTreeMap<String, u64>,
    /// The failed requests that no class accounts for; see [`unclassified`].
    pub(super) unclassified: u64,
}

/// What the canary's errors are, beside those that stable had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Novelty {
    /// No errors, or only of classes that stable had, every one.
    Known,
    /// Classes that stable never had, with their counts.
    New(BTreeMap<String, u64>),
    /// Errors of no class, where stable had none at all.
    Unclassified(u64),
    /// Errors of no class, where stable had some: nobody can tell.
    Unknown(u64),
}

impl Tally {
    /// All failures: those of the classes, or those of the requests where they are more.
    pub(super) fn failures(&self) -> u64 {
        self.errors.max(self.classes.values().fold(0, |sum, count| sum.saturating_add(*count)))
    }
}

/// Compares the canary's errors with stable's record, its history and what it did beside the canary.
///
/// Where stable has no errors at all, every class is new to it, so that "any error where stable has none"
/// is the same question. Errors that no class accounts for cannot be compared by class, however many others
/// have one: a new kind of failure may be the very one that the service does not name.
pub(super) fn novelty(record: &Tally, canary: &Tally) -> Novelty {
    let new: BTreeMap<_, _> = canary
        .classes
        .iter()
        .filter(|(class, _)| !record.classes.contains_key(*class))
        .map(|(class, count)| (class.clone(), *count))
        .collect();
    if !new.is_empty() {
        Novelty::New(new)
    } else if canary.unclassified == 0 {
        Novelty::Known
    } else if record.failures() == 0 {
        Novelty::Unclassified(canary.unclassified)
    } else {
        Novelty::Unknown(canary.unclassified)
    }
}

/// The failed requests of one minute that no class accounts for. Each item of `classes` is a block's counts.
///
/// The minute is compared as a whole, since requests need not be split (by pod, by route) as classes are.
/// Both may come from different queries that round each count to a whole one. Rounding the parts of a sum
/// and rounding the sum differ by less than half of one for each number rounded, so that up to `k / 2`
/// errors of a block with `k` classes may be missing; with one class, or none, not a single one.
pub(super) fn unclassified<'a>(
    errors: u64,
    classes: impl IntoIterator<Item = &'a BTreeMap<String, u64>>,
) -> u64 {
    let accounted = classes.into_iter().fold(0_u64, |sum, block| {
        let counted = block.values().fold(0, |sum: u64, count| sum.saturating_add(*count));
        sum.saturating_add(counted).saturating_add(block.len() as u64 / 2)
    });
    errors.saturating_sub(accounted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(errors: u64, classes: &[(&str, u64)]) -> Tally {
        let classes = BTreeMap::from_iter(classes.iter().map(|(class, count)| ((*class).to_owned(), *count)));
        Tally { requests: 1000, errors, unclassified: unclassified(errors, [&classes]), classes }
    }

    #[test]
    fn an_error_is_new_unless_stable_had_its_class() {
        let new = |class: &str| Novelty::New([(class.to_owned(), 1)].into());
        for (record, canary, expected) in [
            (tally(0, &[]), tally(0, &[]), Novelty::Known),
            (tally(9, &[("timeout", 9)]), tally(0, &[]), Novelty::Known),
            (tally(9, &[("timeout", 9)]), tally(500, &[("timeout", 500)]), Novelty::Known),
            (tally(0, &[]), tally(1, &[("timeout", 1)]), new("timeout")),
            (tally(9, &[("timeout", 9)]), tally(2, &[("timeout", 1), ("reset", 1)]), new("reset")),
            // Counted by class alone, or by request alone.
            (tally(0, &[]), tally(0, &[("timeout", 1)]), new("timeout")),
            (tally(0, &[]), tally(3, &[]), Novelty::Unclassified(3)),
            (tally(9, &[]), tally(3, &[]), Novelty::Unknown(3)),
            (tally(0, &[("timeout", 9)]), tally(3, &[]), Novelty::Unknown(3)),
            (tally(9, &[]), tally(1, &[("timeout", 1)]), new("timeout")),
            // A known class does not excuse the errors beside it.
            (tally(9, &[("timeout", 9)]), tally(500, &[("timeout", 1)]), Novelty::Unknown(499)),
        ] {
            assert_eq!(novelty(&record, &canary), expected, "{record:?} {canary:?}");
        }
    }

    #[test]
    fn rounding_explains_half_an_error_a_class() {
        let block = |counts: &[u64]| -> BTreeMap<String, u64> {
            counts.iter().enumerate().map(|(class, count)| (class.to_string(), *count)).collect()
        };
        for (errors, blocks, left) in [
            (3, vec![], 3),
            (3, vec![block(&[])], 3),
            (3, vec![block(&[2])], 1),
            // 1.3 and 1.3 are 2.6: the sum rounds up, its parts down.
            (3, vec![block(&[1, 1])], 0),
            (4, vec![block(&[1, 1])], 1),
            (5, vec![block(&[1, 1, 1])], 1),
            (4, vec![block(&[1]), block(&[1]), block(&[1])], 1),
            (2, vec![block(&[9])], 0),
            (u64::MAX, vec![block(&[u64::MAX, 1]), block(&[1])], 0),
        ] {
            assert_eq!(unclassified(errors, &blocks), left, "{errors} {blocks:?}");
        }
    }
}
