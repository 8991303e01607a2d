use crate::model::MetricName;

/// A figure as a person reads it: four significant digits and the metric's unit.
pub(super) fn figure(metric: &MetricName, value: f64) -> String {
    with_digits(metric, value, 4)
}

/// Two figures that differ, with as many digits as it takes to see that; at least four.
pub(super) fn figures(metric: &MetricName, a: f64, b: f64) -> (String, String) {
    let texts = |digits| (with_digits(metric, a, digits), with_digits(metric, b, digits));
    (4..17).map(texts).find(|(a, b)| a != b).unwrap_or_else(|| texts(4))
}

fn with_digits(metric: &MetricName, value: f64, digits: usize) -> String {
    let (factor, unit) = match metric.as_str() {
        MetricName::LATENCY => (1e3, " ms"),
        MetricName::CPU => (1.0, " cores"),
        MetricName::MEMORY => (1.0 / (1024.0 * 1024.0), " MiB"),
        _ => (1.0, ""),
    };
    format!("{}{unit}", significant(value * factor, digits))
}

/// So many significant digits, without trailing zeros.
pub(super) fn significant(value: f64, digits: usize) -> String {
    match format!("{value:.*e}", digits.saturating_sub(1)).parse::<f64>() {
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
        let text = |metric, value| figure(&MetricName::known(metric), value);
        assert_eq!(text(MetricName::LATENCY, 0.110_000_000_000_000_01), "110 ms");
        assert_eq!(text(MetricName::LATENCY, 0.012_345_6), "12.35 ms");
        assert_eq!(text(MetricName::LATENCY, 12.345_67), "12350 ms");
        assert_eq!(text(MetricName::MEMORY, 268_435_456.0), "256 MiB");
        assert_eq!(text(MetricName::CPU, 0.25), "0.25 cores");
        assert_eq!(text(MetricName::REQUESTS, 0.0), "0");
        assert_eq!(text(MetricName::REQUESTS, 1e-9), "1e-9");
    }

    #[test]
    fn figures_that_differ_look_different() {
        let latency = MetricName::known(MetricName::LATENCY);
        let pair = |a, b| figures(&latency, a, b);
        assert_eq!(pair(0.110_000_4, 0.11), ("110.0004 ms".to_owned(), "110 ms".to_owned()));
        assert_eq!(pair(0.125, 0.11), ("125 ms".to_owned(), "110 ms".to_owned()));
        assert_eq!(pair(0.11, 0.11), ("110 ms".to_owned(), "110 ms".to_owned()));
    }
}
