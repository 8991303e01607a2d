use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// At most one line a second in the log, of what others could make happen as often as they like.
#[derive(Debug, Default)]
pub(crate) struct Seldom(Mutex<(Option<Instant>, u64)>);

impl Seldom {
    /// It happened: if there is to be a line, how many there were not since the last one.
    pub(crate) fn now(&self) -> Option<u64> {
        self.at(Instant::now())
    }

    fn at(&self, now: Instant) -> Option<u64> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (last, left_out) = &mut *state;
        if last.is_some_and(|last| now.duration_since(last) < Duration::from_secs(1)) {
            *left_out += 1;
            return None;
        }
        *last = Some(now);
        Some(std::mem::take(left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_a_second_says_how_many_were_left_out() {
        let (seldom, start) = (Seldom::default(), Instant::now());
        let at = |millis| seldom.at(start + Duration::from_millis(millis));
        assert_eq!(
            [0, 1, 999, 1000, 1500, 2600, 5000].map(at),
            [Some(0), None, None, Some(2), None, Some(1), Some(0)]
        );
    }
}
