/// Lets one through in a second, and counts the rest: for what a sender could write into the log without end.
#[derive(Debug, Default)]
pub(super) struct Seldom {
    last: Option<i64>,
    left_out: u64,
}

impl Seldom {
    /// Whether it is time; if so, how many were not let through since. `second` is now, since 1970.
    pub(super) fn now(&mut self, second: i64) -> Option<u64> {
        if self.last == Some(second) {
            self.left_out = self.left_out.saturating_add(1);
            return None;
        }
        self.last = Some(second);
        Some(std::mem::take(&mut self.left_out))
    }
}
