use crate::Margin;
use crate::estimate::Estimate;

/// What a comparison of two figures says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The canary is at most at the limit.
    Within,
    /// The canary is above the limit.
    Beyond,
    /// A figure above the last edge of a histogram leaves it open.
    Open,
}

/// The method's rule: is the canary's percentile above stable's plus the margin?
///
/// Validity: none as a significance test. Chance exceeds any fixed margin sooner or later, the more often
/// one looks the sooner (measured false alarms: see the module's docs). It is exact as a statement about
/// the samples at hand. What a histogram leaves open is decided only where every possible value agrees;
/// both tracks must have the same edges.
pub(crate) fn percentile_margin(stable: Estimate, canary: Estimate, margin: &Margin) -> Outcome {
    let limit = margin.limit(stable.at_least());
    match (stable, canary) {
        (Estimate::At(_), Estimate::At(canary)) if canary > limit => Outcome::Beyond,
        // Where stable lies above the edge, the true limit is larger still.
        (_, Estimate::At(canary)) if canary <= limit => Outcome::Within,
        // The canary lies above the edge, and the edge is not below the limit.
        (Estimate::At(_), Estimate::Above(edge)) if edge >= limit => Outcome::Beyond,
        _ => Outcome::Open,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_margin_decides_and_the_limit_itself_is_within() {
        use Estimate::{Above, At};
        use Outcome::{Beyond, Open, Within};
        let margin = |absolute, relative| Margin { absolute, relative };
        let ten_percent = margin(None, Some(0.125));
        for (stable, canary, margin, expected) in [
            (At(8.0), At(9.0), ten_percent, Within),
            (At(8.0), At(9.01), ten_percent, Beyond),
            (At(9.01), At(8.0), ten_percent, Within),
            (At(8.0), At(9.0), margin(Some(0.5), None), Beyond),
            (At(8.0), At(8.5), margin(Some(0.5), None), Within),
            // Of both the larger holds.
            (At(8.0), At(9.0), margin(Some(0.5), Some(0.125)), Within),
            (At(8.0), At(10.0), margin(Some(2.0), Some(0.125)), Within),
            (At(8.0), At(10.1), margin(Some(2.0), Some(0.125)), Beyond),
            (At(0.0), At(0.0), ten_percent, Within),
            (At(0.0), At(1e-9), ten_percent, Beyond),
            (At(1e308), At(1e308), margin(None, Some(1e10)), Within),
            // Somewhere above the last edge.
            (At(1.0), Above(2.0), ten_percent, Beyond),
            (At(1.9), Above(2.0), ten_percent, Open),
            (Above(2.0), At(1.0), ten_percent, Within),
            (Above(2.0), Above(2.0), ten_percent, Open),
        ] {
            let found = percentile_margin(stable, canary, &margin);
            assert_eq!(found, expected, "{stable:?} {canary:?} {margin:?}");
        }
    }
}
