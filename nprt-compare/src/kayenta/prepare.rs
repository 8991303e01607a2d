use serde::{Deserialize, Serialize};

use super::config::{CanaryAnalysis, NanStrategy, OutlierStrategy};

/// What a track's series holds.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SeriesFigures {
    /// Steps, with or without a value.
    pub steps: usize,
    /// Steps without a value.
    pub missing: usize,
    /// Values that were left out as outliers.
    pub outliers: usize,
    /// Values that were compared; a missing one that counts as zero is among them.
    pub values: usize,
    /// Their mean, `None` without any.
    pub mean: Option<f64>,
    /// Their median, `None` without any.
    pub median: Option<f64>,
}

/// Applies the metric's NaN strategy and then its outlier strategy to one track's series.
///
/// # Errors
/// The index and value of the first that is infinite.
pub(super) fn prepare(
    series: &[f64],
    analysis: &CanaryAnalysis,
) -> Result<(Vec<f64>, SeriesFigures), (usize, f64)> {
    if let Some((index, value)) = series.iter().enumerate().find(|(_, value)| value.is_infinite()) {
        return Err((index, *value));
    }
    let missing = series.iter().filter(|value| value.is_nan()).count();
    let mut values: Vec<f64> = match analysis.nan_strategy {
        NanStrategy::Remove => series.iter().copied().filter(|value| !value.is_nan()).collect(),
        NanStrategy::Replace => {
            series.iter().map(|value| if value.is_nan() { 0.0 } else { *value }).collect()
        }
    };
    values.sort_unstable_by(f64::total_cmp);
    let before = values.len();
    if analysis.outliers.strategy == OutlierStrategy::Remove {
        remove_outliers(&mut values, analysis.outliers.outlier_factor);
    }
    let figures = SeriesFigures {
        steps: series.len(),
        missing,
        outliers: before - values.len(),
        values: values.len(),
        mean: mean(&values),
        median: quantile(&values, 0.5),
    };
    Ok((values, figures))
}

/// Tukey's fences, so many interquartile ranges beyond the quartiles, but never inside the first and last
/// percentile: Kayenta's rule.
fn remove_outliers(ascending: &mut Vec<f64>, factor: f64) {
    let at = |p| quantile(ascending, p);
    if let (Some(first), Some(lower), Some(upper), Some(last)) = (at(0.01), at(0.25), at(0.75), at(0.99)) {
        let reach = factor * (upper - lower);
        let fence = first.min(lower - reach)..=last.max(upper + reach);
        ascending.retain(|value| fence.contains(value));
    }
}

fn mean(values: &[f64]) -> Option<f64> {
    let count = values.len() as f64;
    // Divided first, so that the sum of large values stays finite.
    (!values.is_empty()).then(|| values.iter().map(|value| value / count).sum())
}

/// Interpolated between the two values next to it (type 7 of Hyndman and Fan), as Kayenta does.
fn quantile(ascending: &[f64], p: f64) -> Option<f64> {
    let last = ascending.len().checked_sub(1)?;
    let position = p * last as f64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and the last")]
    let below = position.floor() as usize;
    let (low, high) = (*ascending.get(below)?, *ascending.get((below + 1).min(last))?);
    let share = position - below as f64;
    Some(low * (1.0 - share) + high * share)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kayenta::config::Outliers;

    fn analysis(nan_strategy: NanStrategy, strategy: OutlierStrategy) -> CanaryAnalysis {
        let outliers = Outliers { strategy, ..Outliers::default() };
        CanaryAnalysis { nan_strategy, outliers, ..CanaryAnalysis::default() }
    }

    #[test]
    fn missing_values_are_left_out_or_zero() {
        let series = [3.0, f64::NAN, 1.0];
        let (values, figures) =
            prepare(&series, &analysis(NanStrategy::Remove, OutlierStrategy::Keep)).unwrap();
        assert_eq!(values, [1.0, 3.0]);
        assert_eq!((figures.steps, figures.missing, figures.values), (3, 1, 2));
        assert_eq!((figures.mean, figures.median), (Some(2.0), Some(2.0)));
        let (values, figures) =
            prepare(&series, &analysis(NanStrategy::Replace, OutlierStrategy::Keep)).unwrap();
        assert_eq!(values, [0.0, 1.0, 3.0]);
        assert_eq!((figures.missing, figures.values, figures.median), (1, 3, Some(1.0)));
        let none = prepare(&[], &CanaryAnalysis::default()).unwrap();
        assert_eq!(none, (vec![], SeriesFigures::default()));
        assert_eq!(prepare(&[1.0, f64::INFINITY], &CanaryAnalysis::default()), Err((1, f64::INFINITY)));
    }

    #[test]
    fn outliers_go_beyond_the_fence_only() {
        let remove = analysis(NanStrategy::Remove, OutlierStrategy::Remove);
        let mut series: Vec<f64> = (0..20).map(f64::from).collect();
        // Quartiles 5.25 and 15.75 of the 22: the fences lie at -26.25 and 47.25, or percentiles beyond.
        series.extend([60.0, -3.0]);
        let (values, figures) = prepare(&series, &remove).unwrap();
        assert_eq!((figures.outliers, values.last()), (1, Some(&19.0)));
        let (values, figures) = prepare(&[2.0; 9], &remove).unwrap();
        assert_eq!((figures.outliers, values.len()), (0, 9));
        // The rule loses what it should find: few slow minutes.
        let (values, _) = prepare(&[1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 90.0], &remove).unwrap();
        assert_eq!(values, [1.0; 7]);
    }

    #[test]
    fn large_values_have_a_mean() {
        let (_, figures) = prepare(&[1.7e308, 1.7e308], &CanaryAnalysis::default()).unwrap();
        assert_eq!(figures.mean, Some(1.7e308));
        assert_eq!(figures.median, Some(1.7e308));
    }
}
