/// Maps a range of figures to a range of the picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scale {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Scale {
    /// From `low` to `high`, drawn from `from` to `to`.
    pub(super) fn new(low: f64, high: f64, from: f64, to: f64) -> Self {
        Self { low, high, from, to }
    }

    /// Where a figure is drawn; what lies outside, at the border; in the middle where nothing says it.
    pub(super) fn at(&self, figure: f64) -> f64 {
        let share = (figure - self.low) / (self.high - self.low);
        let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.5 };
        self.from + share * (self.to - self.from)
    }

    pub(super) fn range(&self) -> (f64, f64) {
        (self.low, self.high)
    }
}

/// The lowest and the highest of finite figures.
pub(super) fn bounds(figures: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    figures.filter(|figure| figure.is_finite()).fold(None, |bounds, figure| {
        let (low, high) = bounds.unwrap_or((figure, figure));
        Some((figure.min(low), figure.max(high)))
    })
}

/// A range with some room, from zero where that is not far.
pub(super) fn roomy(low: f64, high: f64) -> (f64, f64) {
    if low >= 0.0 && low < 0.6 * high {
        return (0.0, 1.06 * high);
    }
    let room = if high > low { 0.1 * (high - low) } else { 0.1 * high.abs().max(1e-300) };
    (if low >= 0.0 { (low - room).max(0.0) } else { low - room }, high + room)
}

/// A coordinate: one decimal, as short as it can be.
pub(super) fn n(value: f64) -> String {
    let rounded = (10.0 * value).round() / 10.0;
    // No "-0".
    (rounded + 0.0).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_figure_has_a_place() {
        let scale = Scale::new(0.0, 10.0, 100.0, 0.0);
        assert_eq!(
            [scale.at(5.0), scale.at(-1.0), scale.at(11.0), scale.at(f64::NAN)].map(n),
            ["50", "100", "0", "50"]
        );
        assert_eq!(n(Scale::new(1.0, 1.0, 0.0, 10.0).at(1.0)), "5");
        assert_eq!([n(-0.01), n(12.345)], ["0", "12.3"]);
    }

    #[test]
    fn ranges_begin_at_zero_where_that_is_near() {
        assert_eq!(roomy(1.0, 10.0).0.to_bits(), 0.0_f64.to_bits());
        let (low, high) = roomy(145.0, 146.0);
        assert!((144.0..145.0).contains(&low) && high > 146.0);
        let (low, high) = roomy(0.0, 0.0);
        assert!(low <= 0.0 && high > 0.0);
    }
}
