//! What the tests of several backends share.
#![allow(dead_code, reason = "not every test uses all of it")]

#[cfg(feature = "prometheus")]
pub(crate) mod protobuf;
#[cfg(feature = "prometheus")]
pub(crate) mod scraped;

use std::sync::Arc;

use jiff::Timestamp;
use nprt_core::clock::ManualClock;
use nprt_core::model::{MetricName, ServiceName, TimeRange};
use nprt_core::ports::{Clock, MetricQuery, Versions};

/// The first minute of every test.
pub(crate) const MINUTE: i64 = 29_000_000;

/// A clock that stands within `minute`.
pub(crate) fn clock_at(minute: i64) -> Arc<ManualClock> {
    Arc::new(ManualClock::new(at(minute)))
}

/// Moves `clock` on to within `minute`.
pub(crate) fn go_to(clock: &ManualClock, minute: i64) {
    clock.advance(at(minute).duration_since(clock.now()).unsigned_abs());
}

/// Within `minute`, counted from the first.
pub(crate) fn at(minute: i64) -> Timestamp {
    Timestamp::from_second((MINUTE + minute) * 60 + 17).unwrap()
}

pub(crate) fn name(metric: &str) -> MetricName {
    MetricName::new(metric).unwrap()
}

/// Asks for `metric` of the shop, from within one minute to within another.
pub(crate) fn query(metric: &str, from: i64, to: i64) -> MetricQuery {
    MetricQuery {
        service: ServiceName::new("shop").unwrap(),
        metric: name(metric),
        range: TimeRange::new(at(from - 1), at(to)).unwrap(),
        versions: Versions::default(),
    }
}

/// Panics unless `value` is what the JSON schema in `text` calls a `part`.
pub(crate) fn check_schema(text: &str, part: &str, value: &serde_json::Value) {
    let (mut schemas, mut compiler) = (boon::Schemas::new(), boon::Compiler::new());
    compiler.add_resource("schema.json", serde_json::from_str(text).unwrap()).unwrap();
    let schema = compiler.compile(&format!("schema.json#/$defs/{part}"), &mut schemas).unwrap();
    let checked = schemas.validate(value, schema).map_err(|error| error.to_string());
    assert_eq!(checked, Ok(()), "{part}: {value}");
}
