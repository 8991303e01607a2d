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
}

/// What the canary's errors are, beside those that stable had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Novelty {
    /// No errors, or only of classes that stable had.
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
/// is the same question. Errors that were counted while no class was reported cannot be compared by class.
pub(super) fn novelty(record: &Tally, canary: &Tally) -> Novelty {
    let new: BTreeMap<_, _> = canary
        .classes
        .iter()
        .filter(|(class, _)| !record.classes.contains_key(*class))
        .map(|(class, count)| (class.clone(), *count))
        .collect();
    if !new.is_empty() {
        Novelty::New(new)
    } else if canary.errors == 0 || !canary.classes.is_empty() {
        Novelty::Known
    } else if record.failures() == 0 {
        Novelty::Unclassified(canary.errors)
    } else {
        Novelty::Unknown(canary.errors)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(errors: u64, classes: &[(&str, u64)]) -> Tally {
        let classes = classes.iter().map(|(class, count)| ((*class).to_owned(), *count)).collect();
        Tally { requests: 1000, errors, classes }
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
        ] {
            assert_eq!(novelty(&record, &canary), expected, "{record:?} {canary:?}");
        }
    }
}
