//! Classes of errors that stable never had.
//!
//! "Any class never seen before" is no test: where classes have a long tail, as they do, each run shows some
//! that no history did; in 98 to 100 % of comparisons of a version with itself it raises a false alarm. Here
//! a new class counts by its *incidents*, the distinct minutes in which it occurred (a burst in one minute is
//! one), and two questions must both be answered:
//!
//! - **Is it only rare?** Where N_j classes had exactly j incidents in a history of H requests, and the
//!   canary gets n at most, a class with j incidents in all lies on the canary alone with probability ρ^j,
//!   ρ = n / (H + n). So Λ_k = Σ_{j≥k} ρ^j U(N_j) classes are expected to be new and to show k times or more,
//!   U(N) = N + 2√N + 1 being an upper bound of the mean behind N. The least k with Λ_k ≤ α is a *warning*.
//! - **Does it come from outside?** A new class that hits both tracks, as when a dependency fails, has its
//!   first k incidents on the canary with probability θ^k, θ the canary's share. The least k with θ^k ≤ α,
//!   with not one incident on stable, rules that out.
//!
//! The larger of both is a *regression*.
//!
//! # Validity
//! At most about a share α of runs warns by a rare class, and at most α of those in which one new class hits
//! both tracks has a regression by it, whenever one looks: incidents are counted and never forgotten. It
//! assumes that the history is of the same service under the same traffic, that a class keeps its name, and
//! that incidents of one class in different minutes do not cause each other more often on one track.
//! A canary whose errors have another name each time shows each class once: for that, each class counts on
//! the track where it showed first ([`FirstSeen`]), and [`CountsTest`](super::counts::CountsTest) tests these.
//!
//! # Source
//! Good and Toulmin, "The number of new species, and the increase in population coverage, when a sample is
//! increased" (1956), by binomial thinning.

mod thresholds;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use self::thresholds::{COUNTED, Seen};
pub use self::thresholds::{Exposure, Thresholds};
use nprt_core::{Error, Result};

use super::e_process::invalid;

/// The classes of errors so far. Serialisable: written and read back between any two minutes it goes on as
/// if nothing had happened.
///
/// ```
/// use nprt_compare::statistics::new_classes::{Exposure, Level, Minute, NewClasses};
///
/// let mut test = NewClasses::new();
/// for minute in 0..1440 {
///     test.observe_history(minute, ["timeout"])?;
/// }
/// for minute in 1440..1444 {
///     let [stable, canary] = [["timeout"].into(), ["timeout", "null pointer"].into()];
///     test.observe(&Minute { minute, stable, canary })?;
/// }
/// let exposure = Exposure { history_requests: 860_000, canary_requests: 18_000, share: 0.25 };
/// let findings = test.findings(exposure, 0.01)?;
/// assert_eq!(findings.thresholds.regression(), Some(4));
/// assert_eq!((findings.classes[0].class, findings.classes[0].level), ("null pointer", Level::Regression));
/// # Ok::<(), nprt_core::Error>(())
/// ```
///
/// # Memory
/// Of a class on stable it keeps a hash of 64 bits and a count, of a new one on the canary its name; of
/// each at most [`NewClasses::MOST_CLASSES`]. Beyond, it fails closed: [`Findings::complete`] is false, and a
/// pass must not rest on it. Where it is stable's classes that are too many, no class of the canary can be
/// called new any more: none is found.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(try_from = "State")]
pub struct NewClasses {
    /// The last minute of the history and of the run.
    last_history: Option<i64>,
    last: Option<i64>,
    /// What stable ever had, by fingerprint, and its incidents in the history: up to [`COUNTED`], and 0 for
    /// what it had beside the canary alone.
    stable: BTreeMap<u64, u8>,
    /// Incidents of what the canary alone had.
    canary: BTreeMap<String, u32>,
    /// Whether some did not fit.
    stable_full: bool,
    canary_full: bool,
}

/// As it was written, before it is checked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    last_history: Option<i64>,
    last: Option<i64>,
    stable: BTreeMap<u64, u8>,
    canary: BTreeMap<String, u32>,
    stable_full: bool,
    canary_full: bool,
}

/// Which classes of errors occurred in one minute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Minute<'a> {
    /// Since 1970, as [`Block::minute`](nprt_core::model::Block::minute).
    pub minute: i64,
    /// On any pod of stable.
    pub stable: BTreeSet<&'a str>,
    /// On any pod of the canary.
    pub canary: BTreeSet<&'a str>,
}

/// How many classes, new to the history and to the run, one minute showed. A class that showed on both
/// tracks at once counts for stable: chance then puts at most the canary's share of them on the canary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FirstSeen {
    /// On stable, beside the canary or not.
    pub stable: u64,
    /// On the canary alone.
    pub canary: u64,
}

/// What the incidents so far amount to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Findings<'a> {
    /// From how many incidents on.
    pub thresholds: Thresholds,
    /// The new classes with as many as a warning takes, in the order of their names.
    pub classes: Vec<NewClass<'a>>,
    /// Whether every class could be kept; if not, this is no ground for a pass.
    pub complete: bool,
}

/// A class that the canary has and stable never had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct NewClass<'a> {
    /// Its name.
    pub class: &'a str,
    /// The minutes in which it occurred on the canary.
    pub incidents: u32,
    /// What that means.
    pub level: Level,
}

/// How much a new class says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// It is more than a rare class; it may come from outside.
    Warning,
    /// It is the canary's.
    Regression,
}

impl NewClasses {
    /// The most classes to keep per track.
    pub const MOST_CLASSES: usize = 10_000;

    /// Without history.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the classes that stable had in a minute before the run, each minute once and as a whole.
    ///
    /// # Errors
    /// `Invalid` for a minute that is not later than the last, or after the run began; nothing is then taken.
    pub fn observe_history<'a>(
        &mut self,
        minute: i64,
        classes: impl IntoIterator<Item = &'a str>,
    ) -> Result<()> {
        if let Some(last) = self.last {
            return Err(invalid("the history comes before the run").with("minute", minute).with("run", last));
        }
        ascends(self.last_history, minute)?;
        self.last_history = Some(minute);
        let classes: BTreeSet<_> = classes.into_iter().map(fingerprint).collect();
        for class in classes {
            if let Some(incidents) = self.stable_had(class) {
                *incidents = (*incidents + 1).min(COUNTED);
            }
        }
        Ok(())
    }

    /// Takes the classes of a minute of the run, each minute once and as a whole.
    ///
    /// # Errors
    /// `Invalid` for a minute that is not later than the last; nothing is then taken.
    pub fn observe(&mut self, minute: &Minute<'_>) -> Result<FirstSeen> {
        ascends(self.last.or(self.last_history), minute.minute)?;
        self.last = Some(minute.minute);
        let mut first = FirstSeen::default();
        for &class in &minute.stable {
            let fingerprint = fingerprint(class);
            let known = self.stable.contains_key(&fingerprint) || self.canary.remove(class).is_some();
            if self.stable_had(fingerprint).is_some() && !known {
                first.stable += 1;
            }
        }
        for &class in &minute.canary {
            if let Some(incidents) = self.canary.get_mut(class) {
                *incidents = incidents.saturating_add(1);
            } else if !self.stable.contains_key(&fingerprint(class)) {
                self.canary_full |= self.canary.len() >= Self::MOST_CLASSES;
                if !self.canary_full {
                    self.canary.insert(class.to_owned(), 1);
                    first.canary += 1;
                }
            }
        }
        Ok(first)
    }

    /// What the incidents so far amount to, at the error level `alpha`.
    ///
    /// # Errors
    /// `Invalid`, naming it, for a share outside 0 to 1 or an `alpha` that is not between 0 and 1.
    pub fn findings(&self, exposure: Exposure, alpha: f64) -> Result<Findings<'_>> {
        let thresholds = Thresholds::new(&self.seen(), exposure, alpha)?;
        let level = |incidents: u32| {
            let reached = |threshold: Option<u32>| threshold.is_some_and(|least| incidents >= least);
            match (reached(thresholds.history), reached(thresholds.beside)) {
                (true, true) => Some(Level::Regression),
                (true, false) => Some(Level::Warning),
                (false, _) => None,
            }
        };
        let new = self.canary.iter().filter(|_| !self.stable_full);
        let classes = new.filter_map(|(class, &incidents)| {
            level(incidents).map(|level| NewClass { class, incidents, level })
        });
        Ok(Findings {
            thresholds,
            classes: classes.collect(),
            complete: !(self.stable_full || self.canary_full),
        })
    }

    /// N_j for j from 1.
    fn seen(&self) -> Seen {
        let mut seen = [0; COUNTED as usize];
        for &incidents in self.stable.values() {
            if let Some(classes) = usize::from(incidents).checked_sub(1).and_then(|j| seen.get_mut(j)) {
                *classes += 1;
            }
        }
        seen
    }

    /// Where the history's incidents of this class of stable's are counted; `None` where it does not fit.
    fn stable_had(&mut self, class: u64) -> Option<&mut u8> {
        if self.stable.len() >= Self::MOST_CLASSES && !self.stable.contains_key(&class) {
            self.stable_full = true;
            return None;
        }
        Some(self.stable.entry(class).or_default())
    }
}

impl TryFrom<State> for NewClasses {
    type Error = Error;

    fn try_from(state: State) -> Result<Self> {
        let State { last_history, last, stable, canary, stable_full, canary_full } = state;
        if stable.len().max(canary.len()) > Self::MOST_CLASSES {
            return Err(invalid("expected at most 10,000 classes of a track")
                .with("stable", stable.len())
                .with("canary", canary.len()));
        }
        if let Some(incidents) = stable.values().find(|incidents| **incidents > COUNTED) {
            return Err(invalid("expected incidents of stable up to 64").with("incidents", incidents));
        }
        if let Some((class, _)) =
            canary.iter().find(|(class, n)| **n == 0 || stable.contains_key(&fingerprint(class)))
        {
            return Err(invalid("expected incidents of a class that stable never had").with("class", class));
        }
        Ok(Self { last_history, last, stable, canary, stable_full, canary_full })
    }
}

/// The first 64 bits of its SHA-256, the same on each machine: among 20,000 classes two share them once in
/// 10^11 services.
fn fingerprint(class: &str) -> u64 {
    let digest = Sha256::digest(class.as_bytes());
    digest.iter().take(8).fold(0, |bits, byte| bits << 8 | u64::from(*byte))
}

fn ascends(last: Option<i64>, minute: i64) -> Result<()> {
    match last.filter(|last| *last >= minute) {
        Some(last) => Err(invalid("expected each minute once, in ascending order")
            .with("minute", minute)
            .with("last", last)),
        None => Ok(()),
    }
}
