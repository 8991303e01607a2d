use nprt_core::model::{MetricName, Unit};

/// A figure of a metric as a person reads it.
pub(super) fn figure(metric: &MetricName, value: f64) -> String {
    Unit::of(metric).figure(value)
}

/// Two figures that differ, with as many digits as it takes to see that; at least four.
pub(super) fn figures(metric: &MetricName, a: f64, b: f64) -> (String, String) {
    let scale = Unit::of(metric).scale(a.abs().max(b.abs()));
    let texts = |digits| (scale.figure(a, digits), scale.figure(b, digits));
    (4..17).map(texts).find(|(a, b)| a != b).unwrap_or_else(|| texts(4))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_that_differ_look_different() {
        let latency = MetricName::latency();
        let pair = |a, b| figures(&latency, a, b);
        assert_eq!(pair(0.110_000_4, 0.11), ("110.0004 ms".to_owned(), "110 ms".to_owned()));
        assert_eq!(pair(0.125, 0.11), ("125 ms".to_owned(), "110 ms".to_owned()));
        assert_eq!(pair(0.11, 0.11), ("110 ms".to_owned(), "110 ms".to_owned()));
        assert_eq!(pair(12.5, 9.5), ("12.5 s".to_owned(), "9.5 s".to_owned()));
    }
}
