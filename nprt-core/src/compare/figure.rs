use std::fmt;

use crate::model::MetricName;

/// A figure as a person reads it: four significant digits and the metric's unit.
pub(super) struct Figure<'a> {
    metric: &'a MetricName,
    value: f64,
}

pub(super) fn figure(metric: &MetricName, value: f64) -> Figure<'_> {
    Figure { metric, value }
}

impl fmt::Display for Figure<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (factor, unit) = match self.metric.as_str() {
            MetricName::LATENCY => (1e3, " ms"),
            MetricName::CPU => (1.0, " cores"),
            MetricName::MEMORY => (1.0 / (1024.0 * 1024.0), " MiB"),
            _ => (1.0, ""),
        };
        write!(f, "{}{unit}", significant(self.value * factor))
    }
}

/// Four significant digits, without trailing zeros; whole numbers stay whole.
fn significant(value: f64) -> String {
    if value.abs() >= 1e3 && value.abs() < 1e15 {
        return format!("{value:.0}");
    }
    match format!("{value:.3e}").parse::<f64>() {
        Ok(rounded) if rounded.abs() >= 1e15 || (rounded > 0.0 && rounded < 1e-6) => format!("{rounded:e}"),
        Ok(rounded) => rounded.to_string(),
        Err(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_units_and_four_digits() {
        let text = |metric, value| figure(&MetricName::known(metric), value).to_string();
        assert_eq!(text(MetricName::LATENCY, 0.110_000_000_000_000_01), "110 ms");
        assert_eq!(text(MetricName::LATENCY, 0.012_345_6), "12.35 ms");
        assert_eq!(text(MetricName::LATENCY, 12.345_67), "12346 ms");
        assert_eq!(text(MetricName::MEMORY, 268_435_456.0), "256 MiB");
        assert_eq!(text(MetricName::CPU, 0.25), "0.25 cores");
        assert_eq!(text(MetricName::REQUESTS, 0.0), "0");
        assert_eq!(text(MetricName::REQUESTS, 1e-9), "1e-9");
    }
}
