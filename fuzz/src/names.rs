//! Names and lines: what is accepted reads the same when it is written and read again.

use std::fmt::Display;
use std::str::FromStr;
use std::sync::Arc;

use nprt::clock::SystemClock;
use nprt::model::{
    BranchName, Digest, ImageName, ImageRef, MetricName, RepoPath, Revision, ServiceName, Tag, VersionRef,
};
use nprt::statsd::{Aggregator, StatsdConfig, parse};

/// References to images, tags, revisions and the other names of requests and manifests.
pub fn names(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    again::<ImageRef>(text);
    again::<ImageName>(text);
    again::<Digest>(text);
    again::<Tag>(text);
    again::<Revision>(text);
    again::<ServiceName>(text);
    if let Ok(path) = RepoPath::new(text) {
        assert_eq!(RepoPath::new(path.as_str()).unwrap(), path);
    }
    let _ = (MetricName::new(text), BranchName::new(text), VersionRef::new(Some(text), Some(text)));
}

fn again<T: FromStr + Display + PartialEq>(text: &str) {
    if let Ok(value) = text.parse::<T>() {
        let shown = value.to_string();
        assert!(shown.parse::<T>().is_ok_and(|again| again == value), "{text:?} is shown as {shown:?}");
    }
}

/// Packets of statsd.
pub fn statsd(data: &[u8]) {
    for line in data.split(|byte| *byte == b'\n') {
        let _ = parse(line);
    }
    let aggregator = Aggregator::new(&StatsdConfig::default(), Arc::new(SystemClock)).unwrap();
    aggregator.ingest(data);
    let _ = aggregator.stats();
}

/// Requests of OTLP, in protobuf and in JSON.
pub fn otlp(data: &[u8]) {
    nprt::otlp::fuzz_request(data);
}
