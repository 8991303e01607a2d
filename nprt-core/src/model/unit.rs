use serde::{Deserialize, Serialize};

use super::MetricName;

const KIB: f64 = 1024.0;

/// What figures are in, and how a person reads them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Unit {
    /// Seconds.
    Seconds,
    /// Cores.
    Cores,
    /// Bytes.
    Bytes,
    /// A share, 0 to 1.
    Share,
    /// A number of something.
    Number,
}

/// The unit that figures of some size read well in, such as ms for seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    /// What a figure is multiplied by to be in it.
    pub factor: f64,
    /// How it is written; empty for a number of something.
    pub symbol: &'static str,
}

impl Unit {
    /// That of a metric; by convention, since a name says no more.
    #[must_use]
    pub fn of(metric: &MetricName) -> Self {
        match metric.as_str() {
            MetricName::LATENCY => Self::Seconds,
            MetricName::CPU => Self::Cores,
            MetricName::MEMORY => Self::Bytes,
            _ => Self::Number,
        }
    }

    /// The scale in which figures of this size read well.
    #[must_use]
    pub fn scale(self, size: f64) -> Scale {
        let size = size.abs();
        let (factor, symbol) = match self {
            // Nothing takes as long in any unit.
            Self::Seconds if size > 0.0 && size < 1e-3 => (1e6, "µs"),
            Self::Seconds if size < 10.0 => (1e3, "ms"),
            Self::Seconds => (1.0, "s"),
            Self::Cores => (1.0, "cores"),
            Self::Bytes if size < KIB => (1.0, "B"),
            Self::Bytes if size < KIB * KIB => (1.0 / KIB, "KiB"),
            Self::Bytes if size < 10.0 * KIB * KIB * KIB => (1.0 / (KIB * KIB), "MiB"),
            Self::Bytes => (1.0 / (KIB * KIB * KIB), "GiB"),
            Self::Share => (100.0, "%"),
            Self::Number => (1.0, ""),
        };
        Scale { factor, symbol }
    }

    /// A figure with four significant digits and its unit: `239.7 ms`.
    #[must_use]
    pub fn figure(self, value: f64) -> String {
        self.scale(value).figure(value, 4)
    }
}

impl Scale {
    /// A figure on this scale with so many significant digits and its unit.
    #[must_use]
    pub fn figure(self, value: f64, digits: usize) -> String {
        let space = if self.symbol.is_empty() { "" } else { " " };
        format!("{}{space}{}", significant(value * self.factor, digits), self.symbol)
    }
}

/// Rounds to this many significant digits, without trailing zeros; very large and very small values are written like `1e-9`.
#[must_use]
pub fn significant(value: f64, digits: usize) -> String {
    match format!("{value:.*e}", digits.saturating_sub(1)).parse::<f64>() {
        Ok(rounded) if rounded.abs() >= 1e15 || (rounded != 0.0 && rounded.abs() < 1e-6) => {
            format!("{rounded:e}")
        }
        Ok(rounded) => rounded.to_string(),
        Err(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_in_a_unit_that_reads_well() {
        for (unit, value, text) in [
            (Unit::Seconds, 0.239_71, "239.7 ms"),
            (Unit::Seconds, 0.110_000_000_000_000_01, "110 ms"),
            (Unit::Seconds, 0.000_2, "200 µs"),
            (Unit::Seconds, 0.0, "0 ms"),
            (Unit::Seconds, 12.345_67, "12.35 s"),
            (Unit::Cores, 0.25, "0.25 cores"),
            (Unit::Bytes, 268_435_456.0, "256 MiB"),
            (Unit::Bytes, 145.5 * KIB, "145.5 KiB"),
            (Unit::Share, 0.022_22, "2.222 %"),
            (Unit::Number, 1e20, "1e20"),
            (Unit::Number, 1e-9, "1e-9"),
            (Unit::Number, -1234.567, "-1235"),
            (Unit::Number, f64::NAN, "NaN"),
        ] {
            assert_eq!(unit.figure(value), text);
        }
    }
}
