//! Figures as a person reads them.

use nprt_core::report::Unit;

/// A unit and what figures are multiplied by to be in it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Scaled {
    pub(crate) factor: f64,
    pub(crate) name: &'static str,
}

const KIB: f64 = 1024.0;

impl Scaled {
    /// The unit in which numbers of this size read well.
    pub(crate) fn of(unit: Unit, size: f64) -> Self {
        let size = size.abs();
        let (factor, name) = match unit {
            Unit::Seconds if size < 1e-3 => (1e6, "µs"),
            Unit::Seconds if size < 10.0 => (1e3, "ms"),
            Unit::Seconds => (1.0, "s"),
            Unit::Cores => (1.0, "cores"),
            Unit::Bytes if size < KIB => (1.0, "B"),
            Unit::Bytes if size < KIB * KIB => (1.0 / KIB, "KiB"),
            Unit::Bytes if size < 10.0 * KIB * KIB * KIB => (1.0 / (KIB * KIB), "MiB"),
            Unit::Bytes => (1.0 / (KIB * KIB * KIB), "GiB"),
            Unit::Share => (100.0, "%"),
            _ => (1.0, ""),
        };
        Self { factor, name }
    }
}

/// With four significant digits and its unit.
pub(crate) fn figure(unit: Unit, value: f64) -> String {
    let scaled = Scaled::of(unit, value);
    let space = if scaled.name.is_empty() { "" } else { "\u{a0}" };
    format!("{}{space}{}", significant(value * scaled.factor, 4), scaled.name)
}

/// `12.5 %`, with three digits and a sign.
pub(crate) fn change(share: f64) -> String {
    let share = if share.abs() < 1e-6 { 0.0 } else { share };
    let sign = if share < 0.0 { "\u{2212}" } else { "+" };
    format!("{sign}{}\u{a0}%", significant(100.0 * share.abs(), 3))
}

/// `95 %`, of a whole; never more than whole when it is not.
pub(crate) fn percent(share: f64) -> String {
    format!("{}\u{a0}%", significant((1000.0 * share).floor() / 10.0, 3))
}

/// So many significant digits, without trailing zeros.
pub(crate) fn significant(value: f64, digits: usize) -> String {
    match format!("{value:.*e}", digits.saturating_sub(1)).parse::<f64>() {
        Ok(rounded) if rounded.abs() >= 1e15 || (rounded != 0.0 && rounded.abs() < 1e-6) => {
            format!("{rounded:e}")
        }
        Ok(rounded) => rounded.to_string(),
        Err(_) => value.to_string(),
    }
}

/// A whole number with thin spaces between thousands: 25 738.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) && digits.len() > 4 {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_in_a_unit_that_reads_well() {
        for (unit, value, text) in [
            (Unit::Seconds, 0.239_71, "239.7\u{a0}ms"),
            (Unit::Seconds, 0.000_2, "200\u{a0}µs"),
            (Unit::Seconds, 12.0, "12\u{a0}s"),
            (Unit::Bytes, 145.5 * KIB * KIB, "145.5\u{a0}MiB"),
            (Unit::Share, 0.022_22, "2.222\u{a0}%"),
            (Unit::Number, 1e20, "1e20"),
            (Unit::Number, f64::NAN, "NaN"),
        ] {
            assert_eq!(figure(unit, value), text);
        }
        assert_eq!(
            [change(-0.051), change(0.2), change(-1e-9)],
            ["\u{2212}5.1\u{a0}%", "+20\u{a0}%", "+0\u{a0}%"]
        );
        assert_eq!(percent(0.999_9), "99.9\u{a0}%");
        assert_eq!([count(0), count(5459), count(25_738)], ["0", "5459", "25\u{202f}738"]);
    }
}
