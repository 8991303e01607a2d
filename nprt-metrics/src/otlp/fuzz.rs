use std::sync::Arc;

use jiff::Timestamp;
use nprt_core::clock::ManualClock;

use super::{OtlpConfig, OtlpReceiver};
use crate::statsd::{Aggregator, StatsdConfig};

/// Now, to points that a fuzzer has: the first second of a minute.
const NOW: i64 = 1_740_000_000;

/// Reads `body` as a request in each format, and takes it in. It is for fuzzing: it must not panic.
#[doc(hidden)]
pub fn fuzz_request(body: &[u8]) {
    let otlp = OtlpConfig { max_request_bytes: 1 << 20, ..OtlpConfig::default() };
    let config = StatsdConfig { otlp: Some(otlp.clone()), ..StatsdConfig::default() };
    let Ok(now) = Timestamp::from_second(NOW) else { return };
    let Ok(aggregator) = Aggregator::new(&config, Arc::new(ManualClock::new(now))) else { return };
    let Ok(receiver) = OtlpReceiver::new(&otlp, Arc::new(aggregator)) else { return };
    for (kind, encoding) in
        [("application/x-protobuf", None), ("application/json", None), ("application/json", Some("gzip"))]
    {
        receiver.answer(Some(kind), encoding, body);
    }
}
