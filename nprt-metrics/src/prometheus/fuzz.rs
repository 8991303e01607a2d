use std::sync::Arc;

use nprt_core::model::MetricName;
use nprt_core::ports::Measured;

use super::client::{Points, series};
use super::config::PrometheusMetric;
use super::measure::Measure;
use super::profile::Profile;
use super::words::Words;
use crate::MetricUnit;
use crate::assemble::Assembly;

/// Reads `answer` as that of a range query, and makes blocks of every shape of it. It is for fuzzing: it must not panic.
#[doc(hidden)]
pub fn fuzz_answer(answer: &[u8]) {
    let Ok(name) = MetricName::new("fuzz") else { return };
    let source = Profile::PrometheusClient.source();
    let (labels, status) = (Arc::new(source.labels), Arc::new(source.status));
    let (query, unit) = (String::new, MetricUnit::Milliseconds);
    for metric in [
        PrometheusMetric::Histogram { query: query(), unit },
        PrometheusMetric::Value { query: query(), unit },
        PrometheusMetric::Classes { query: query() },
        PrometheusMetric::Requests { requests: query(), errors: None },
        PrometheusMetric::Requests { requests: query(), errors: Some(query()) },
    ] {
        let most = Points { left: 10_000, most: 10_000 };
        let Ok(all) = series(answer, most, &Words::default()) else { return };
        let measure =
            Measure { labels: Arc::clone(&labels), status: Arc::clone(&status), metric, forms: Vec::new() };
        let assembly = Assembly { metric: &name, max_blocks: 10_000 };
        let _ = measure.blocks(assembly, vec![all.series], &mut Measured::default());
    }
}
