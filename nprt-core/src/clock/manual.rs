use std::collections::BTreeSet;
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use crate::ports::Clock;

/// How often a sleeper lets all other tasks run before the clock advances by itself. Work in memory takes
/// a few turns between two sleeps; this is far more, and costs microseconds.
const TURNS: usize = 100;

/// A clock that stands still until it is advanced, so that tests are exact and need no waiting.
///
/// Share one (by `Arc`) among all parts. Advance it by hand, once those who are to wake are asleep:
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
/// use nprt_core::{clock::ManualClock, ports::Clock};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let clock = Arc::new(ManualClock::default());
/// let start = clock.now();
/// let sleeper = tokio::spawn({
///     let clock = Arc::clone(&clock);
///     async move { clock.sleep(Duration::from_secs(3600)).await }
/// });
/// clock.wait_for_sleepers(1).await;
/// clock.advance(Duration::from_secs(3600));
/// sleeper.await.unwrap();
/// assert_eq!(clock.now().duration_since(start).as_secs(), 3600);
/// # }
/// ```
///
/// Or let it advance by itself ([`ManualClock::auto_advancing`]): when all tasks wait, it goes to the
/// earliest moment that any of them sleeps until, so that hours of polling run at once, in the order in
/// which they would have happened. "All wait" means that nobody began or ended a sleep while every other
/// task had a hundred turns. Work in memory is done by then; an answer from a socket or a blocking thread
/// may not be, and would see its time-out fire early: use [`FastClock`](crate::clock::FastClock) there.
#[derive(Debug)]
pub struct ManualClock {
    start: Timestamp,
    state: watch::Sender<State>,
    auto_advance: bool,
}

#[derive(Debug)]
struct State {
    now: Timestamp,
    /// Until when each sleeper sleeps, with a number that tells equal ones apart.
    sleepers: BTreeSet<(Timestamp, u64)>,
    /// Counts the changes of the two above.
    changes: u64,
}

impl ManualClock {
    /// A clock that stands at `start` until [`advance`](ManualClock::advance)d.
    #[must_use]
    pub fn new(start: Timestamp) -> Self {
        let state = State { now: start, sleepers: BTreeSet::new(), changes: 0 };
        Self { start, state: watch::Sender::new(state), auto_advance: false }
    }

    /// A clock that stands at `start` and advances by itself whenever all tasks wait.
    #[must_use]
    pub fn auto_advancing(start: Timestamp) -> Self {
        Self { auto_advance: true, ..Self::new(start) }
    }

    /// Advances it and wakes those whose time has come. It stops at the last time that can be told.
    pub fn advance(&self, by: Duration) {
        let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
        self.state.send_modify(|state| {
            state.set(state.now.checked_add(by).unwrap_or(Timestamp::MAX));
        });
    }

    /// How many sleep now.
    #[must_use]
    pub fn sleepers(&self) -> usize {
        self.state.borrow().sleepers.len()
    }

    /// Waits until at least `count` sleep. Cancel-safe.
    pub async fn wait_for_sleepers(&self, count: usize) {
        // It cannot fail: the sender lives as long as `self`.
        let _ = self.state.subscribe().wait_for(|state| state.sleepers.len() >= count).await;
    }

    /// Goes to the earliest wake-up time unless something changed since `changes`.
    fn advance_to_earliest(&self, changes: u64) {
        self.state.send_if_modified(|state| match state.sleepers.first() {
            Some(&(earliest, _)) if state.changes == changes => {
                state.set(earliest);
                true
            }
            _ => false,
        });
    }
}

impl State {
    fn set(&mut self, now: Timestamp) {
        self.now = now;
        self.changes += 1;
        // Also those that nobody polls: the earliest must not hold up the others.
        self.sleepers.retain(|&(until, _)| until > now);
    }
}

/// 2026-01-01T00:00:00Z: an arbitrary whole minute, the same in every run.
impl Default for ManualClock {
    fn default() -> Self {
        Self::new(Timestamp::constant(1_767_225_600, 0))
    }
}

#[async_trait]
impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.state.borrow().now
    }

    fn elapsed(&self) -> Duration {
        self.now().duration_since(self.start).max(SignedDuration::ZERO).unsigned_abs()
    }

    async fn sleep(&self, duration: Duration) {
        let Some(sleeper) = Sleeper::new(&self.state, duration) else {
            // Past the last time that can be told: it never comes.
            return std::future::pending().await;
        };
        let mut state = self.state.subscribe();
        if !self.auto_advance {
            let _ = state.wait_for(|state| state.now >= sleeper.until).await;
            return;
        }
        while self.now() < sleeper.until {
            let changes = self.state.borrow().changes;
            for _ in 0..TURNS {
                tokio::task::yield_now().await;
            }
            self.advance_to_earliest(changes);
        }
    }
}

/// A place among the sleepers, given back when dropped: a cancelled sleep holds nobody up.
struct Sleeper<'a> {
    state: &'a watch::Sender<State>,
    until: Timestamp,
    number: u64,
}

impl<'a> Sleeper<'a> {
    fn new(state: &'a watch::Sender<State>, duration: Duration) -> Option<Self> {
        let duration = SignedDuration::try_from(duration).ok()?;
        let mut place = None;
        state.send_modify(|state| {
            place = state.now.checked_add(duration).ok().map(|until| (until, state.changes));
            if let Some(place) = place {
                state.changes += 1;
                state.sleepers.insert(place);
            }
        });
        place.map(|(until, number)| Self { state, until, number })
    }
}

impl Drop for Sleeper<'_> {
    fn drop(&mut self) {
        self.state.send_modify(|state| {
            state.changes += 1;
            state.sleepers.remove(&(self.until, self.number));
        });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures_util::future::{join, join_all};

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn minutes(clock: &ManualClock) -> i64 {
        clock.now().duration_since(ManualClock::default().now()).as_mins()
    }

    fn auto() -> Arc<ManualClock> {
        Arc::new(ManualClock::auto_advancing(ManualClock::default().now()))
    }

    #[tokio::test]
    async fn wakes_each_sleeper_in_its_time_and_none_before() {
        let clock = Arc::new(ManualClock::default());
        let sleep = |minutes| {
            let clock = Arc::clone(&clock);
            tokio::spawn(async move { clock.sleep(MINUTE * minutes).await })
        };
        let (first, second) = (sleep(1), sleep(2));
        clock.wait_for_sleepers(2).await;
        clock.advance(MINUTE);
        first.await.unwrap();
        assert_eq!((clock.sleepers(), second.is_finished()), (1, false));
        clock.advance(MINUTE);
        second.await.unwrap();
        assert_eq!(minutes(&clock), 2);
    }

    #[tokio::test]
    async fn a_cancelled_sleep_leaves_nothing_behind() {
        for clock in [Arc::new(ManualClock::default()), auto()] {
            let mut sleep = clock.sleep(MINUTE);
            assert!(futures_util::poll!(&mut sleep).is_pending());
            assert_eq!(clock.sleepers(), 1);
            drop(sleep);
            assert_eq!((clock.sleepers(), minutes(&clock)), (0, 0));
        }
    }

    /// A short loop beside a long sleep must run as often as on a real clock.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn advances_by_itself_in_the_order_of_time() {
        let clock = auto();
        let order = std::sync::Mutex::new(Vec::new());
        let every = async |name, period, times| {
            for _ in 0..times {
                clock.sleep(MINUTE * period).await;
                order.lock().unwrap().push((minutes(&clock), name));
            }
        };
        join(every("often", 2, 30), every("rarely", 25, 2)).await;
        let order = order.into_inner().unwrap();
        let mut expected: Vec<_> = (1..=30).map(|n| (2 * n, "often")).collect();
        expected.extend([(25, "rarely"), (50, "rarely")]);
        expected.sort_by_key(|&(minute, _)| minute);
        let sorted = |mut at: Vec<(i64, &'static str)>| {
            at.sort();
            at
        };
        assert!(order.is_sorted_by_key(|&(minute, _)| minute), "{order:?}");
        assert_eq!(sorted(order), sorted(expected));
    }

    /// What a time-out does: work in memory is done before the time that it is allowed.
    #[tokio::test]
    async fn work_in_memory_is_quicker_than_any_sleep() {
        let clock = auto();
        let (ask, mut asked) = tokio::sync::mpsc::channel::<tokio::sync::oneshot::Sender<u8>>(1);
        tokio::spawn(async move {
            while let Some(answer) = asked.recv().await {
                tokio::task::yield_now().await;
                let _ = answer.send(1);
            }
        });
        let work = async {
            for _ in 0..3 {
                let (answer, answered) = tokio::sync::oneshot::channel();
                ask.send(answer).await.unwrap();
                answered.await.unwrap();
            }
        };
        tokio::select! {
            () = work => {}
            () = clock.sleep(MINUTE) => panic!("timed out"),
        }
        assert_eq!(minutes(&clock), 0);
    }

    /// As in a `select!` loop whose other arm sleeps too.
    #[tokio::test]
    async fn a_sleep_that_nobody_polls_holds_nobody_up() {
        let clock = auto();
        let mut short = clock.sleep(MINUTE);
        assert!(futures_util::poll!(&mut short).is_pending());
        clock.sleep(MINUTE * 5).await;
        short.await;
        assert_eq!(minutes(&clock), 5);
    }

    #[tokio::test]
    async fn many_hours_take_no_time() {
        let clock = auto();
        let day = async |_| {
            for _ in 0..(24 * 60) {
                clock.sleep(MINUTE).await;
            }
        };
        join_all((0..5).map(day)).await;
        assert_eq!(minutes(&clock), 24 * 60);
    }

    #[tokio::test]
    async fn the_end_of_time_never_comes() {
        let clock = auto();
        let mut forever = clock.sleep(Duration::MAX);
        assert!(futures_util::poll!(&mut forever).is_pending());
        clock.sleep(MINUTE).await;
        assert!(futures_util::poll!(&mut forever).is_pending());
        clock.advance(Duration::MAX);
        assert_eq!(clock.now(), Timestamp::MAX);
    }
}
