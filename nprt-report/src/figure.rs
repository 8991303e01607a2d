//! Figures as a person reads them.

use nprt_core::model::{Unit, significant};

/// With four significant digits and its unit, on one line.
pub(crate) fn figure(unit: Unit, value: f64) -> String {
    unit.figure(value).replace(' ', "\u{a0}")
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
    fn figures_stay_on_their_line() {
        assert_eq!(figure(Unit::Seconds, 0.239_71), "239.7\u{a0}ms");
        assert_eq!(figure(Unit::Number, 1e20), "1e20");
        assert_eq!(
            [change(-0.051), change(0.2), change(-1e-9)],
            ["\u{2212}5.1\u{a0}%", "+20\u{a0}%", "+0\u{a0}%"]
        );
        assert_eq!(percent(0.999_9), "99.9\u{a0}%");
        assert_eq!([count(0), count(5459), count(25_738)], ["0", "5459", "25\u{202f}738"]);
    }
}
