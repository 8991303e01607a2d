use serde::{Deserialize, Serialize};

/// The unit that a server keeps a number in. What is answered is in seconds, bytes, cores or a share of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MetricUnit {
    /// The number as it is.
    #[default]
    None,
    /// s, as answered.
    Seconds,
    /// ms
    Milliseconds,
    /// µs
    Microseconds,
    /// ns
    Nanoseconds,
    /// 60 s
    Minutes,
    /// B, as answered.
    Bytes,
    /// 1000 B
    Kilobytes,
    /// 1000² B
    Megabytes,
    /// 1024 B
    Kibibytes,
    /// 1024² B
    Mebibytes,
    /// Cores, as answered.
    Cores,
    /// Thousandths of a core.
    Millicores,
    /// Billionths of a core.
    Nanocores,
    /// A share of 1, as answered.
    Ratio,
    /// Hundredths.
    Percent,
}

impl MetricUnit {
    /// A number of this unit, in the unit that is answered. 5 milliseconds are exactly what `0.005` is read as.
    #[must_use]
    pub fn convert(self, value: f64) -> f64 {
        match self {
            Self::None | Self::Seconds | Self::Bytes | Self::Cores | Self::Ratio => value,
            Self::Milliseconds | Self::Millicores => value / 1e3,
            Self::Microseconds => value / 1e6,
            Self::Nanoseconds | Self::Nanocores => value / 1e9,
            Self::Percent => value / 1e2,
            Self::Minutes => value * 60.0,
            Self::Kilobytes => value * 1e3,
            Self::Megabytes => value * 1e6,
            Self::Kibibytes => value * 1024.0,
            Self::Mebibytes => value * 1_048_576.0,
        }
    }
}

impl std::str::FromStr for MetricUnit {
    type Err = serde::de::value::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::deserialize(serde::de::value::StrDeserializer::new(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn converted_is_as_written() {
        for (text, value, expected) in [
            ("milliseconds", 5.0, 0.005),
            ("milliseconds", 0.3, 0.0003),
            ("microseconds", 2500.0, 0.0025),
            ("nanoseconds", 1e9, 1.0),
            ("minutes", 2.0, 120.0),
            ("mebibytes", 2.0, 2_097_152.0),
            ("kilobytes", 2.0, 2_000.0),
            ("millicores", 250.0, 0.25),
            ("percent", 7.0, 0.07),
            ("none", 7.0, 7.0),
        ] {
            let unit: MetricUnit = text.parse().unwrap();
            let converted = unit.convert(value);
            assert!(converted.total_cmp(&expected).is_eq(), "{text}: {converted}");
            assert!(unit.convert(f64::INFINITY).is_infinite() && unit.convert(f64::NAN).is_nan());
        }
        let wrong = "millis".parse::<MetricUnit>().unwrap_err().to_string();
        assert!(wrong.contains("millis") && wrong.contains("`milliseconds`"), "{wrong}");
    }
}
