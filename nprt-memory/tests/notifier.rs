//! The notifier in memory, wrapped and behind pointers, against the contract.
#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

use std::sync::Arc;
use std::time::Duration;

use nprt_core::conformance::notifier::{all, failure};
use nprt_core::ports::{Clock, Notifier, NotifierCapabilities, Severity};
use nprt_core::wrap::{Backoff, Retry, Timeout};
use nprt_core::{Error, ErrorKind};
use nprt_memory::{ManualClock, MemoryNotifier};

fn clock() -> Arc<dyn Clock> {
    Arc::new(ManualClock::auto_advancing(ManualClock::default().now()))
}

/// The whole suite over what `wrap` makes of a notifier in memory.
async fn check<N: Notifier>(wrap: impl Fn(Arc<MemoryNotifier>) -> N) {
    let memory = Arc::new(MemoryNotifier::new());
    let received = async || -> Vec<String> {
        memory.told().iter().map(|told| serde_json::to_string(told).unwrap()).collect()
    };
    let notifier = wrap(Arc::clone(&memory));
    all(&notifier, &received).await;
    assert_eq!(
        notifier.capabilities(),
        NotifierCapabilities { least_severity: Severity::Info, details: true, verdict: true }
    );
}

#[tokio::test]
async fn keeps_the_contract_in_memory_wrapped_and_behind_pointers() {
    check(|memory| memory).await;
    check(|memory| memory as Arc<dyn Notifier>).await;
    check(|memory| Box::new(memory) as Box<dyn Notifier>).await;
    check(|memory| Retry::new(memory, Backoff::default(), clock())).await;
    check(|memory| Timeout::new(memory, Duration::from_secs(1), clock())).await;
}

#[tokio::test]
async fn tells_again_only_what_the_server_did_not_take() {
    let memory = Arc::new(MemoryNotifier::new());
    let retry = Retry::new(Arc::clone(&memory), Backoff::default(), clock());
    memory.fail_next(4, ErrorKind::RateLimited);
    retry.notify(&failure("at last")).await.unwrap();

    memory.fail_next(5, ErrorKind::RateLimited);
    let error: Error = retry.notify(&failure("never")).await.unwrap_err();
    assert_eq!(error.retry(), nprt_core::Retry::Exhausted);
    assert!(error.to_string().contains("tries: 5"), "{error}");

    for kind in [ErrorKind::Unavailable, ErrorKind::Timeout, ErrorKind::Forbidden] {
        memory.fail_next(1, kind);
        assert_eq!(retry.notify(&failure("once")).await.unwrap_err().kind(), kind);
    }
    assert_eq!(memory.told(), [failure("at last")]);
}
