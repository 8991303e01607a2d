//! The clocks against their contract.

use std::sync::Arc;
use std::time::Duration;

use nprt_core::clock::ManualClock;
use nprt_core::clock::{FastClock, SystemClock};
use nprt_core::conformance::clock;
use nprt_core::ports::Clock;

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn system() {
    clock::all(&SystemClock, Duration::from_millis(20)).await;
    clock::all(&Arc::new(SystemClock), Duration::from_millis(20)).await;
}

#[tokio::test]
async fn fast() {
    clock::all(&FastClock::new(60), Duration::from_millis(1200)).await;
    let boxed: Box<dyn Clock> = Box::new(FastClock::new(3));
    clock::all(&boxed, Duration::from_millis(60)).await;
}

#[tokio::test]
async fn manual_advancing_by_itself() {
    let manual = Arc::new(ManualClock::auto_advancing(SystemClock.now()));
    clock::all(&*manual, HOUR).await;
    clock::all(&(manual as Arc<dyn Clock>), HOUR).await;
}

#[tokio::test]
async fn manual_advanced_by_hand() {
    let manual = ManualClock::default();
    let advance = async {
        loop {
            manual.wait_for_sleepers(1).await;
            manual.advance(HOUR / 10);
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        () = clock::all(&manual, HOUR) => {}
        () = advance => {}
    }
    assert_eq!(manual.sleepers(), 0);
}
