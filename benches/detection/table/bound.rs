//! The figures to beat, and when they are not: only what chance does not explain breaks a bound.

use crate::outcome::{Outcomes, Share};

/// What is demanded of the runs of a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Bound {
    /// At most this share of the runs of all cells together ends in a regression.
    Pooled(f64),
    /// At most this share in each cell.
    Alarms(f64),
    /// At least this share in each cell, half of them by this minute.
    Found { share: f64, minutes: usize },
    /// At most this share of each cell's runs passes before a regression is found.
    Passes(f64),
    /// Nothing: the regressions are only shown.
    Shown,
    /// Nothing: the passes are only shown.
    PassesShown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Standing {
    Kept,
    /// On the wrong side, by no more than chance explains.
    Unclear,
    Broken,
}

impl Bound {
    /// What it looks at in these outcomes: regressions, or passes.
    pub(crate) fn share(self, outcomes: &Outcomes) -> Share {
        if self.is_on_passes() { outcomes.passes() } else { outcomes.regressions() }
    }

    /// What of several cells goes into the table: all together, or the worst of them.
    pub(crate) fn representative(self, cells: &[&Outcomes]) -> Outcomes {
        let value = |outcomes: &Outcomes| self.share(outcomes).value();
        let slowest = |a: &Outcomes, b: &Outcomes| b.regression_minute(0.5).cmp(&a.regression_minute(0.5));
        let worst = match self {
            Self::Pooled(_) => {
                return Outcomes(cells.iter().flat_map(|outcomes| outcomes.0.clone()).collect());
            }
            Self::Alarms(_) | Self::Passes(_) => cells.iter().max_by(|a, b| value(a).total_cmp(&value(b))),
            _ => cells.iter().min_by(|a, b| value(a).total_cmp(&value(b)).then_with(|| slowest(a, b))),
        };
        worst.map(|outcomes| (*outcomes).clone()).unwrap_or_default()
    }

    /// The worst of the cells decides.
    pub(crate) fn standing(self, cells: &[&Outcomes]) -> Standing {
        if matches!(self, Self::Pooled(_)) {
            return self.of_one(&self.representative(cells));
        }
        cells.iter().map(|outcomes| self.of_one(outcomes)).max().unwrap_or(Standing::Kept)
    }

    fn of_one(self, outcomes: &Outcomes) -> Standing {
        let share = self.share(outcomes);
        match self {
            Self::Pooled(most) | Self::Alarms(most) | Self::Passes(most) => at_most(share, most),
            Self::Found { share: least, minutes } => {
                at_least(share, least).max(at_least(outcomes.by(minutes), 0.5))
            }
            Self::Shown | Self::PassesShown => Standing::Kept,
        }
    }

    pub(crate) fn is_on_passes(self) -> bool {
        matches!(self, Self::Passes(_) | Self::PassesShown)
    }

    /// By when half of the runs must be found.
    pub(crate) fn minutes(self) -> Option<usize> {
        if let Self::Found { minutes, .. } = self { Some(minutes) } else { None }
    }
}

fn at_most(share: Share, most: f64) -> Standing {
    standing(share.value() <= most, share.interval().0 <= most)
}

fn at_least(share: Share, least: f64) -> Standing {
    standing(share.value() >= least, share.interval().1 >= least)
}

fn standing(kept: bool, possible: bool) -> Standing {
    match (kept, possible) {
        (true, _) => Standing::Kept,
        (false, true) => Standing::Unclear,
        (false, false) => Standing::Broken,
    }
}
