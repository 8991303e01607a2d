//! The contract of [`Clock`].

use std::time::Duration;

use futures_util::future::{Either, join_all, select};
use jiff::SignedDuration;

use crate::ports::Clock;

/// Every function below. `unit` is a time that passes on this clock within some milliseconds; a clock that
/// is advanced by hand must be advanced meanwhile.
///
/// # Panics
/// Where the clock breaks its contract.
pub async fn all(clock: &dyn Clock, unit: Duration) {
    now_never_goes_back(clock).await;
    sleep_lasts_as_long_as_told(clock, unit).await;
    sleepers_do_not_wait_for_each_other(clock, unit).await;
    dropped_sleep_breaks_nothing(clock, unit).await;
}

/// `now` and `elapsed` stay or advance, also between tasks that take turns.
///
/// # Panics
/// Where one goes back.
pub async fn now_never_goes_back(clock: &dyn Clock) {
    let mut last = (clock.now(), clock.elapsed());
    for _ in 0..1000 {
        let now = (clock.now(), clock.elapsed());
        assert!(now.0 >= last.0 && now.1 >= last.1, "{now:?} came after {last:?}");
        last = now;
        tokio::task::yield_now().await;
    }
}

/// After a sleep, `now` and `elapsed` have advanced by the duration at least; a sleep of no time returns.
///
/// # Panics
/// Where it has not.
pub async fn sleep_lasts_as_long_as_told(clock: &dyn Clock, unit: Duration) {
    clock.sleep(Duration::ZERO).await;
    for duration in [unit / 1000, unit / 3, unit, unit * 3] {
        let (before, began) = (clock.now(), clock.elapsed());
        clock.sleep(duration).await;
        let passed = clock.now().duration_since(before);
        assert!(passed >= signed(duration), "slept {passed:#} instead of {duration:?}");
        let elapsed = clock.elapsed().saturating_sub(began);
        assert!(elapsed >= duration, "{elapsed:?} have passed in a sleep of {duration:?}");
    }
}

/// Many sleep at once, and a short sleep ends before a long one.
///
/// # Panics
/// Where it does not, or a sleep is too short.
pub async fn sleepers_do_not_wait_for_each_other(clock: &dyn Clock, unit: Duration) {
    let before = clock.now();
    join_all((0..100).map(|n| async move {
        clock.sleep(unit * n / 50).await;
        let passed = clock.now().duration_since(before);
        assert!(passed >= signed(unit * n / 50), "one of many slept {passed:#}");
    }))
    .await;
    let first = select(clock.sleep(unit * 50), clock.sleep(unit)).await;
    assert!(matches!(first, Either::Right(_)), "a sleep of {:?} ended before one of {unit:?}", unit * 50);
}

/// A sleep that was dropped half-way changes nothing for the next.
///
/// # Panics
/// Where it does.
pub async fn dropped_sleep_breaks_nothing(clock: &dyn Clock, unit: Duration) {
    let before = clock.now();
    drop(select(clock.sleep(unit * 50), clock.sleep(unit)).await);
    clock.sleep(unit).await;
    let passed = clock.now().duration_since(before);
    assert!(passed >= signed(unit * 2), "slept {passed:#} after a dropped sleep");
}

fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}
