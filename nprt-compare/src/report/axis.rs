use serde::{Deserialize, Serialize};

/// A week: what a canary runs at most.
const LONGEST: i64 = 7 * 24 * 60;

/// The minutes that the points of all series of a report stand for: point `i` is for `step` minutes from
/// `first + i * step` on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Axis {
    /// The first minute, since 1970.
    pub first: i64,
    /// How many minutes a point stands for, at least 1.
    pub step: u32,
    /// How many points there are.
    pub points: u32,
}

impl Axis {
    /// From one minute up to another, without it, in at most so many points; not more than a week of it.
    pub(super) fn new(first: i64, end: i64, most: u32) -> Self {
        let minutes = end.saturating_sub(first).clamp(0, LONGEST);
        let most = i64::from(most.max(1));
        let step = minutes.saturating_add(most - 1).div_euclid(most).max(1);
        let points = minutes.saturating_add(step - 1).div_euclid(step);
        let short = |number: i64| u32::try_from(number).unwrap_or(1);
        Self { first, step: short(step), points: short(points) }
    }

    /// The point that a minute belongs to, if any.
    #[must_use]
    pub fn point_of(&self, minute: i64) -> Option<usize> {
        let at = minute.checked_sub(self.first)?.checked_div(i64::from(self.step))?;
        let before = minute < self.first;
        usize::try_from(at).ok().filter(|at| !before && *at < self.len())
    }

    /// The minute that a point begins with, since 1970.
    #[must_use]
    pub fn minute_of(&self, point: usize) -> i64 {
        let point = i64::try_from(point).unwrap_or(i64::MAX);
        self.first.saturating_add(point.saturating_mul(i64::from(self.step)))
    }

    /// How many points there are.
    #[must_use]
    pub fn len(&self) -> usize {
        usize::try_from(self.points).unwrap_or(usize::MAX)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.points == 0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::any;
    use proptest::{prop_assert, prop_assert_eq, proptest};

    use super::*;

    #[test]
    fn as_many_minutes_as_points_stay_minutes() {
        assert_eq!(Axis::new(10, 130, 120), Axis { first: 10, step: 1, points: 120 });
        assert_eq!(Axis::new(10, 131, 120), Axis { first: 10, step: 2, points: 61 });
        assert_eq!(Axis::new(10, 10, 120).len(), 0);
        assert_eq!(Axis::new(0, i64::MAX, 240).step, 42);
    }

    proptest! {
        #[test]
        fn each_minute_has_its_point(first in any::<i64>(), end in any::<i64>(), minute in any::<i64>(), most in 0_u32..500) {
            let axis = Axis::new(first, end, most);
            prop_assert!(axis.points <= most.max(1));
            if let Some(point) = axis.point_of(minute) {
                prop_assert!(axis.minute_of(point) <= minute && minute - axis.minute_of(point) < i64::from(axis.step));
            }
        }

        #[test]
        fn each_point_begins_with_its_own_minute(first in any::<i32>(), minutes in 0_i64..20_000, most in 1_u32..500) {
            let axis = Axis::new(i64::from(first), i64::from(first) + minutes, most);
            for point in 0..axis.len() {
                prop_assert_eq!(axis.point_of(axis.minute_of(point)), Some(point));
            }
        }
    }
}
