//! The fan-out to several notifiers.
#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use nprt_core::conformance::notifier::{all, failure};
use nprt_core::ports::{Clock, Notification, Notifier, NotifierCapabilities, Severity};
use nprt_core::wrap::Timeout;
use nprt_core::{ErrorKind, Result, Retry};
use nprt_memory::{ManualClock, MemoryNotifier};
use nprt_notify::FanOut;

fn three() -> ([Arc<MemoryNotifier>; 3], FanOut) {
    let members = [(); 3].map(|()| Arc::new(MemoryNotifier::new()));
    let names = ["chat", "tracker", "mail"];
    let fan_out = names.iter().zip(&members).fold(FanOut::new(), |fan_out, (name, member)| {
        fan_out.with(*name, Arc::clone(member) as Arc<dyn Notifier>)
    });
    (members, fan_out)
}

#[tokio::test]
async fn keeps_the_contract_for_each_member() {
    for member in 0..3 {
        let (members, fan_out) = three();
        let received = async || -> Vec<String> {
            members[member].told().iter().map(|told| serde_json::to_string(told).unwrap()).collect()
        };
        all(&fan_out, &received).await;
        let all = NotifierCapabilities { least_severity: Severity::Info, details: true, verdict: true };
        assert_eq!(fan_out.capabilities(), all);
    }
}

#[tokio::test]
async fn one_that_fails_keeps_no_other_from_being_told() {
    let (members, fan_out) = three();
    members[0].fail_next(1, ErrorKind::Unavailable);
    members[2].fail_next(1, ErrorKind::NotFound);
    let error = fan_out.notify(&failure("news")).await.unwrap_err();
    assert_eq!(members[1].told(), [failure("news")]);
    assert_eq!(
        error.to_string(),
        "fanout.notify: unavailable: 2 of 3 failed: \
         chat: memory.notify: unavailable: told to fail; mail: memory.notify: not found: told to fail"
    );
    // Trying again would tell the second one twice.
    assert_eq!(error.retry(), Retry::Permanent);
    fan_out.notify(&failure("more")).await.unwrap();
    assert_eq!(members.each_ref().map(|member| member.told().len()), [1, 2, 1]);
}

/// Never answers.
#[derive(Debug)]
struct Silent;

#[async_trait]
impl Notifier for Silent {
    fn capabilities(&self) -> NotifierCapabilities {
        NotifierCapabilities { least_severity: Severity::Info, details: false, verdict: false }
    }

    async fn notify(&self, _: &Notification) -> Result<()> {
        std::future::pending().await
    }
}

#[tokio::test]
async fn one_that_is_silent_keeps_no_other_from_being_told() {
    let memory = Arc::new(MemoryNotifier::new());
    let clock = Arc::new(ManualClock::auto_advancing(ManualClock::default().now()));
    let silent = Timeout::new(Silent, Duration::from_secs(30), clock);
    let fan_out = FanOut::new()
        .with("silent", Arc::new(silent))
        .with("memory", Arc::clone(&memory) as Arc<dyn Notifier>);
    let error = fan_out.notify(&failure("news")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(error.to_string().contains("1 of 2 failed: silent: notifier.notify: timed out"), "{error}");
    assert_eq!(memory.told(), [failure("news")]);
}

#[tokio::test]
async fn without_members_nobody_is_told() {
    assert_eq!(FanOut::new().capabilities(), NotifierCapabilities::default());
    FanOut::new().notify(&failure("news")).await.unwrap();
}
