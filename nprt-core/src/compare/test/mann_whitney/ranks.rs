/// The pooled measurements, as far as their order goes.
#[derive(Debug)]
pub(super) struct Ranks {
    /// Measurements on the canary and on both tracks.
    pub(super) canary: usize,
    pub(super) all: usize,
    /// Pairs in which the canary's measurement is the larger; a tie is half a pair.
    pub(super) u: f64,
    /// Each distinct value in ascending order.
    pub(super) groups: Vec<Group>,
}

/// Measurements of one value.
#[derive(Debug)]
pub(super) struct Group {
    /// Twice their mid-rank, so that it is whole.
    pub(super) doubled_rank: usize,
    pub(super) stable: usize,
    pub(super) canary: usize,
}

impl Ranks {
    /// Of measurements in ascending order.
    pub(super) fn of(stable: &[f64], canary: &[f64]) -> Self {
        let (mut stable_left, mut canary_left) = (stable, canary);
        let mut groups = Vec::new();
        let mut u = 0.0;
        let (mut stable_below, mut all_below) = (0, 0);
        while let Some(value) = least(stable_left.first(), canary_left.first()) {
            let of_stable = skip(&mut stable_left, value);
            let of_canary = skip(&mut canary_left, value);
            u += of_canary as f64 * (stable_below as f64 + of_stable as f64 / 2.0);
            let doubled_rank = 2 * all_below + of_stable + of_canary + 1;
            groups.push(Group { doubled_rank, stable: of_stable, canary: of_canary });
            stable_below += of_stable;
            all_below += of_stable + of_canary;
        }
        Self { canary: canary.len(), all: stable.len() + canary.len(), u, groups }
    }

    /// The mean of U where the versions do not differ.
    pub(super) fn mean_of_u(&self) -> f64 {
        self.canary as f64 * (self.all - self.canary) as f64 / 2.0
    }

    /// The variance of U where the versions do not differ, given the ties.
    pub(super) fn variance_of_u(&self) -> f64 {
        let cubed_less_self = |count: usize| {
            let count = count as f64;
            count * (count - 1.0) * (count + 1.0)
        };
        let all = self.all as f64;
        let ties: f64 = self.groups.iter().map(|group| cubed_less_self(group.stable + group.canary)).sum();
        // One measurement has no pairs, and the quotient would be 0/0.
        let tied = if self.all > 1 { ties / (all * (all - 1.0)) } else { 0.0 };
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
