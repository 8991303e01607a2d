use crate::MetricUnit;

/// The unit that an instrument says, in the Unified Code for Units of Measure; `None` where it has no meaning here.
pub(super) fn unit_of(ucum: &str) -> Option<MetricUnit> {
    Some(match ucum {
        "s" => MetricUnit::Seconds,
        "ms" => MetricUnit::Milliseconds,
        "us" => MetricUnit::Microseconds,
        "ns" => MetricUnit::Nanoseconds,
        "min" => MetricUnit::Minutes,
        "By" => MetricUnit::Bytes,
        "kBy" => MetricUnit::Kilobytes,
        "MBy" => MetricUnit::Megabytes,
        "KiBy" => MetricUnit::Kibibytes,
        "MiBy" => MetricUnit::Mebibytes,
        "%" => MetricUnit::Percent,
        "1" => MetricUnit::Ratio,
        _ => return None,
    })
}

/// Whether a number of it is a time.
pub(super) fn is_time(unit: MetricUnit) -> bool {
    matches!(
        unit,
        MetricUnit::Seconds
            | MetricUnit::Milliseconds
            | MetricUnit::Microseconds
            | MetricUnit::Nanoseconds
            | MetricUnit::Minutes
    )
}
