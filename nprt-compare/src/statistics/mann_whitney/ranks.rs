/// The pooled measurements, as far as their order goes.
#[derive(Debug)]
pub(super) struct Ranks<'a> {
    /// Both ascend.
    stable: &'a [f64],
    canary: &'a [f64],
    /// Pairs in which the canary's measurement is the larger; a tie is half a pair.
    pub(super) u: f64,
    /// The sum of t³ − t over the sizes t of all groups.
    ties: f64,
}

/// Measurements of one value.
#[derive(Debug)]
pub(super) struct Group {
    /// Twice their mid-rank, so that it is whole.
    pub(super) doubled_rank: usize,
    pub(super) stable: usize,
    pub(super) canary: usize,
}

impl<'a> Ranks<'a> {
    /// Of measurements in ascending order.
    pub(super) fn of(stable: &'a [f64], canary: &'a [f64]) -> Self {
        let mut ranks = Self { stable, canary, u: 0.0, ties: 0.0 };
        let mut doubled_sum = 0;
        for group in ranks.groups() {
            doubled_sum += group.canary * group.doubled_rank;
            let size = (group.stable + group.canary) as f64;
            ranks.ties += size * (size - 1.0) * (size + 1.0);
        }
        ranks.u = (doubled_sum - canary.len() * (canary.len() + 1)) as f64 / 2.0;
        ranks
    }

    /// Measurements on the canary.
    pub(super) fn canary(&self) -> usize {
        self.canary.len()
    }

    /// Measurements on both tracks.
    pub(super) fn all(&self) -> usize {
        self.stable.len() + self.canary.len()
    }

    /// Each distinct value in ascending order.
    pub(super) fn groups(&self) -> impl Iterator<Item = Group> + use<'a> {
        let (mut stable, mut canary) = (self.stable, self.canary);
        let mut below = 0;
        std::iter::from_fn(move || {
            let value = least(stable.first(), canary.first())?;
            let [of_stable, of_canary] = [&mut stable, &mut canary].map(|values| skip(values, value));
            let doubled_rank = 2 * below + of_stable + of_canary + 1;
            below += of_stable + of_canary;
            Some(Group { doubled_rank, stable: of_stable, canary: of_canary })
        })
    }

    /// The mean of U where the versions do not differ.
    pub(super) fn mean_of_u(&self) -> f64 {
        self.canary.len() as f64 * self.stable.len() as f64 / 2.0
    }

    /// The variance of U where the versions do not differ, given the ties.
    pub(super) fn variance_of_u(&self) -> f64 {
        let all = self.all() as f64;
        // One measurement has no pairs, and the quotient would be 0/0.
        let tied = if self.all() > 1 { self.ties / (all * (all - 1.0)) } else { 0.0 };
        self.mean_of_u() / 6.0 * (all + 1.0 - tied).max(0.0)
    }
}

fn least(a: Option<&f64>, b: Option<&f64>) -> Option<f64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(*b)),
        (one, other) => one.or(other).copied(),
    }
}

/// Drops the leading measurements up to `value`, and says how many they were.
fn skip(values: &mut &[f64], value: f64) -> usize {
    let count = values.iter().take_while(|other| **other <= value).count();
    *values = values.get(count..).unwrap_or_default();
    count
}
