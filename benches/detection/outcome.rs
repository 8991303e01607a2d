//! What came of runs.

use std::collections::BTreeMap;

use statrs::distribution::{Beta, ContinuousCDF};

/// What a judge said of one run: the first minute of each, counted from 1.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outcome {
    pub(crate) regression: Option<usize>,
    pub(crate) pass: Option<usize>,
    /// Of the regression.
    pub(crate) reason: String,
}

impl Outcome {
    /// A canary that passes is promoted: what is found afterwards comes too late.
    pub(crate) fn passed(&self) -> bool {
        self.pass.is_some_and(|pass| self.regression.is_none_or(|regression| pass < regression))
    }
}

/// A share of runs, with what is known of the true one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Share {
    pub(crate) of: usize,
    pub(crate) hits: usize,
}

impl Share {
    pub(crate) fn value(self) -> f64 {
        self.hits as f64 / self.of.max(1) as f64
    }

    /// Clopper and Pearson's interval: each end is wrong with at most 2.5 %.
    pub(crate) fn interval(self) -> (f64, f64) {
        let (hits, misses) = (self.hits as f64, (self.of - self.hits) as f64);
        let bound = |a: f64, b: f64, p: f64| Beta::new(a, b).map(|beta| beta.inverse_cdf(p)).ok();
        (bound(hits, misses + 1.0, 0.025).unwrap_or(0.0), bound(hits + 1.0, misses, 0.975).unwrap_or(1.0))
    }
}

/// The outcomes of a cell.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outcomes(pub(crate) Vec<Outcome>);

impl Outcomes {
    /// Regressions, whether before or after a pass.
    pub(crate) fn regressions(&self) -> Share {
        self.by(usize::MAX)
    }

    /// Regressions up to and with this minute.
    pub(crate) fn by(&self, minute: usize) -> Share {
        self.share(|outcome| outcome.regression.is_some_and(|found| found <= minute))
    }

    pub(crate) fn passes(&self) -> Share {
        self.share(Outcome::passed)
    }

    fn share(&self, hit: impl Fn(&Outcome) -> bool) -> Share {
        Share { of: self.0.len(), hits: self.0.iter().filter(|outcome| hit(outcome)).count() }
    }

    /// The minute by which this share of the runs that were found was found.
    pub(crate) fn regression_minute(&self, share: f64) -> Option<usize> {
        nth(self.0.iter().filter_map(|outcome| outcome.regression), share)
    }

    pub(crate) fn pass_minute(&self, share: f64) -> Option<usize> {
        nth(self.0.iter().filter(|outcome| outcome.passed()).filter_map(|outcome| outcome.pass), share)
    }

    /// Reasons with their figures left out, the most frequent first.
    pub(crate) fn reasons(&self) -> Vec<(usize, String)> {
        let mut counts = BTreeMap::<String, usize>::new();
        for outcome in self.0.iter().filter(|outcome| outcome.regression.is_some()) {
            let words = outcome.reason.split_whitespace();
            let words =
                words.map(|word| if word.contains(|c: char| c.is_ascii_digit()) { "#" } else { word });
            *counts.entry(words.collect::<Vec<_>>().join(" ")).or_default() += 1;
        }
        let mut reasons: Vec<_> = counts.into_iter().map(|(reason, count)| (count, reason)).collect();
        reasons.sort_by(|a, b| b.cmp(a));
        reasons
    }
}

fn nth(minutes: impl Iterator<Item = usize>, share: f64) -> Option<usize> {
    let mut minutes: Vec<_> = minutes.collect();
    minutes.sort_unstable();
    let index = crate::random::whole((share * minutes.len() as f64).ceil()).saturating_sub(1);
    minutes.get(usize::try_from(index).ok()?).copied()
}
