//! What Slack, or who pretends to be Slack, may answer, bent at random: nothing panics.
#![allow(clippy::unwrap_used, reason = "a test says what it expects")]
#![cfg(feature = "slack")]

use std::time::{Duration, Instant};

#[test]
fn nothing_that_is_bent_at_random_panics() {
    let seconds = std::env::var("NPRT_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    let (end, mut random) = (Instant::now() + Duration::from_secs(seconds), 0x5eed_u64);
    let mut below = |end: usize| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(random >> 33).unwrap() % end.max(1)
    };
    let seeds: [&[u8]; 2] = [
        br#"{"ok":true,"messages":[{"ts":"1.2","thread_ts":"1.1","metadata":{"event_type":"nprt_canary","event_payload":{}}}],"response_metadata":{"next_cursor":"x"}}"#,
        br#"{"ok":false,"error":"missing_scope","needed":"chat:write,channels:history"}"#,
    ];
    while Instant::now() < end {
        for seed in seeds {
            let mut bent = seed.to_vec();
            for _ in 0..=below(5) {
                let at = below(bent.len() + 1);
                match below(3) {
                    0 => bent.insert(at, u8::try_from(below(256)).unwrap()),
                    1 => drop(bent.drain(at..(at + below(9)).min(bent.len()))),
                    _ => {
                        let part = bent[..at].to_vec();
                        bent.extend(part);
                        bent.truncate(600);
                    }
                }
            }
            nprt_notify::slack::fuzz_answer(&bent);
        }
    }
    nprt_notify::slack::fuzz_answer("[".repeat(1_000_000).as_bytes());
}
