//! Where an axis has its marks.

use jiff::Timestamp;

/// Round numbers in a range, about so many, each with its text.
pub(super) fn numbers(low: f64, high: f64, about: f64) -> Vec<(f64, String)> {
    let step = nice((high - low) / about);
    if !(step.is_finite() && step > 0.0 && low.is_finite()) {
        return Vec::new();
    }
    let first = (low / step).ceil();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 9")]
    let decimals = (-step.log10().floor()).clamp(0.0, 9.0) as usize;
    let mut ticks = Vec::new();
    for at in 0..20 {
        let tick = (first + f64::from(at)) * step;
        if tick > high {
            break;
        }
        let text = if tick.abs() >= 1e6 { compact(tick) } else { format!("{tick:.decimals$}") };
        ticks.push((tick, text.replace('-', "\u{2212}")));
    }
    ticks
}

fn compact(number: f64) -> String {
    let size = number.abs();
    let (by, letter) = if size >= 1e15 {
        return format!("{number:.0e}");
    } else if size >= 1e12 {
        (1e12, 'T')
    } else if size >= 1e9 {
        (1e9, 'G')
    } else {
        (1e6, 'M')
    };
    format!("{}{letter}", (100.0 * number / by).round() / 100.0)
}

/// Round numbers of a range on a logarithmic scale; even ones where it spans too little.
pub(super) fn logarithmic(low: f64, high: f64, about: f64) -> Vec<(f64, String)> {
    if !(low > 0.0 && high.is_finite()) || high < 3.0 * low {
        return numbers(low, high, about);
    }
    let decades = high.log10() - low.log10();
    let steps: &[f64] = match decades {
        decades if decades < 1.7 => &[1.0, 2.0, 5.0],
        decades if decades < 3.0 => &[1.0, 3.0],
        _ => &[1.0],
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "-308 to 308, and above 0")]
    let (first, last, every) =
        (low.log10().floor() as i32, high.log10().ceil() as i32, (decades / about).ceil().max(1.0) as usize);
    let powers = (first..=last)
        .step_by(every)
        .flat_map(|power| steps.iter().map(move |step| step * 10_f64.powi(power)));
    powers.filter(|tick| (low..=high).contains(tick)).map(|tick| (tick, plain(tick))).collect()
}

fn plain(tick: f64) -> String {
    if (1e-3..1e5).contains(&tick) { nprt_core::model::significant(tick, 3) } else { format!("{tick:.0e}") }
}

/// 1, 2 or 5 times a power of ten, not below.
fn nice(step: f64) -> f64 {
    let power = 10_f64.powf(step.log10().floor());
    let by = step / power;
    let round = [1.0, 2.0, 5.0].into_iter().find(|round| by <= *round + 1e-9).unwrap_or(10.0);
    round * power
}

/// Round times between two minutes since 1970, in UTC, at most so many.
pub(super) fn times(first: i64, end: i64, most: i64) -> Vec<(i64, String)> {
    const STEPS: [i64; 12] = [1, 2, 5, 10, 15, 30, 60, 120, 240, 480, 720, 1440];
    let span = end.saturating_sub(first);
    let step = STEPS.into_iter().find(|step| span / step <= most).unwrap_or(2 * 1440);
    let begin = first.saturating_add(step - 1).div_euclid(step).saturating_mul(step);
    let form = if step >= 1440 { "%m-%d" } else { "%H:%M" };
    let ticks = (0..).map(|at| begin.saturating_add(step * at)).take_while(|minute| *minute <= end).take(20);
    let label = |minute: i64| {
        let at = Timestamp::from_second(minute.saturating_mul(60)).ok()?;
        Some((minute, at.strftime(form).to_string()))
    };
    ticks.filter_map(label).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts<T>(ticks: Vec<(T, String)>) -> Vec<String> {
        ticks.into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn marks_are_round() {
        assert_eq!(texts(numbers(0.0, 250.0, 5.0)), ["0", "50", "100", "150", "200", "250"]);
        assert_eq!(texts(numbers(-0.03, 0.05, 4.0)), ["\u{2212}0.02", "0.00", "0.02", "0.04"]);
        assert_eq!(texts(numbers(0.0, 3e6, 3.0)), ["0", "1M", "2M", "3M"]);
        assert_eq!(texts(numbers(1.0, 1.0, 4.0)), [""; 0]);
        assert_eq!(texts(numbers(0.0, f64::INFINITY, 4.0)), [""; 0]);
        assert_eq!(texts(logarithmic(40.0, 400.0, 4.0)), ["50", "100", "200"]);
        assert!((3..=5).contains(&logarithmic(1e-300, 1e300, 4.0).len()));
        assert_eq!(texts(logarithmic(100.0, 110.0, 2.0)), ["100", "105", "110"]);
    }

    #[test]
    fn times_are_those_of_the_clock() {
        let midnight = 29_400_480;
        assert_eq!(
            texts(times(midnight + 3, midnight + 63, 6)),
            ["00:10", "00:20", "00:30", "00:40", "00:50", "01:00"]
        );
        assert_eq!(texts(times(midnight, midnight + 3 * 1440, 4)), ["11-25", "11-26", "11-27", "11-28"]);
        assert_eq!(texts(times(i64::MAX - 5, i64::MAX, 4)), [""; 0]);
    }
}
