//! The page that says what to write for each profile.

use std::sync::Arc;

use jiff::Timestamp;
use nprt_core::clock::ManualClock;
use nprt_metrics::prometheus::{Profile, PrometheusConfig};
use serde::Deserialize;

const PAGE: &str = include_str!("../../../docs/metrics.md");

/// The blocks of YAML of the page's section of this name.
pub(crate) fn blocks(section: &str) -> Vec<String> {
    let text = PAGE.split("\n## ").find_map(|text| text.strip_prefix(&format!("{section}\n")));
    let text = text.unwrap_or_else(|| panic!("docs/metrics.md has no section {section}"));
    text.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Service {
    metrics: Metrics,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Metrics {
    prometheus: PrometheusConfig,
}

pub(crate) fn config(yaml: &str) -> PrometheusConfig {
    let service: Service = serde_saphyr::from_str(yaml).unwrap_or_else(|error| panic!("{error}\n{yaml}"));
    service.metrics.prometheus
}

#[test]
fn every_profile_has_a_section_and_every_block_is_read() {
    for (name, _) in Profile::ALL {
        assert_eq!(blocks(name).len(), 2, "{name}");
        let read = config(&blocks(name)[0]);
        let clock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
        read.build(clock).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(PAGE.contains(&format!("| [`{name}`](#{name}) |")), "{name} is not in the table");
    }
    let access = config(&blocks("Access")[0]);
    assert_eq!((access.headers.len(), access.http.ca.is_some()), (1, true));
    let changed = config(&blocks("Changing parts")[0]);
    assert_eq!(changed.source.labels.version.as_deref(), Some("destination_canonical_revision"));
    assert_eq!((changed.source.labels.pod.as_deref(), changed.source.metrics.len()), (None, 3));
    changed.build(Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH))).unwrap();
}
