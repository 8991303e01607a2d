use nprt_core::model::MetricName;
use nprt_core::{Error, ErrorKind};

/// A metric that is not configured, with those that are.
pub(crate) fn no_such_metric<'a>(
    operation: &'static str,
    metric: &MetricName,
    configured: impl IntoIterator<Item = &'a MetricName>,
) -> Error {
    Error::new(ErrorKind::NotFound, operation, "no such metric")
        .with("metric", metric)
        .with_available(configured)
}
