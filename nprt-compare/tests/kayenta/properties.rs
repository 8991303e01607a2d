//! What holds for any series.

use nprt_compare::kayenta::{CanaryAnalysis, Classification, Judgement, Overall};
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::{prop_assert, prop_assert_eq, proptest};

use super::{analysis, judge_one, metric};

/// Whatever a telemetry provider may answer.
fn anything() -> impl Strategy<Value = f64> {
    prop_oneof![
        6 => (-9_i32..9).prop_map(f64::from),
        2 => any::<f64>(),
        1 => Just(f64::NAN),
        1 => prop_oneof![Just(f64::INFINITY), Just(-0.0), Just(f64::MAX), Just(f64::MIN_POSITIVE)],
    ]
}

fn analyses() -> impl Strategy<Value = CanaryAnalysis> {
    let words = (
        prop_oneof![Just("increase"), Just("decrease"), Just("either")],
        prop_oneof![Just("remove"), Just("replace")],
        prop_oneof![Just("keep"), Just("remove")],
        prop_oneof![Just("meanRatio"), Just("cles")],
    );
    (words, any::<(bool, bool)>(), proptest::option::of(0.0_f64..1.0)).prop_map(
        |((direction, nan, outliers, measure), (critical, must_have), size)| {
            let size = size.map_or(String::new(), |size| format!(r#", "allowedIncrease": {size}"#));
            analysis(&format!(
                r#"{{"direction": "{direction}", "nanStrategy": "{nan}", "critical": {critical},
                    "mustHaveData": {must_have}, "outliers": {{"strategy": "{outliers}"}},
                    "effectSize": {{"measure": "{measure}"{size}}}}}"#
            ))
        },
    )
}

proptest! {
    /// It never panics, its JSON is read back, and a pass has enough values on both sides.
    #[test]
    fn any_series_is_judged(
        analysis in analyses(), stable in vec(anything(), 0..12), canary in vec(anything(), 0..12),
    ) {
        let judgement = judge_one(analysis, &stable, &canary);
        let json = serde_json::to_string(&judgement).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Judgement>(&json).unwrap(), &judgement);
        prop_assert_eq!(super::schema::judgement(&json), Ok(()));
        let result = &judgement.metrics[0];
        if judgement.classification == Overall::Pass {
            prop_assert_eq!(judgement.decision.as_str(), "pass");
            prop_assert!(result.stable.values + result.canary.values >= 9, "{}", result.reason);
            prop_assert!(result.stable.values > 0 && result.canary.values > 0, "{}", result.reason);
        }
        if stable.iter().chain(&canary).any(|value| value.is_infinite()) {
            prop_assert_eq!(judgement.decision.as_str(), "inconclusive");
        }
        prop_assert!(!result.reason.is_empty() && judgement.reason.contains("m: ") || judgement.classification == Overall::Pass);
    }

    /// The order of the minutes says nothing, nor does the unit; with the tracks swapped High is Low.
    #[test]
    fn order_and_unit_change_nothing_and_swapping_mirrors(
        mut analysis in analyses(), stable in vec(0_i32..30, 4..14), canary in vec(0_i32..30, 4..14),
        shift in 0_i32..30, exponent in -100_i32..100,
    ) {
        analysis.effect_size.allowed_increase = None;
        let series = |values: &[i32], by: f64| -> Vec<f64> { values.iter().map(|value| f64::from(*value) * by).collect() };
        let shifted: Vec<_> = canary.iter().map(|value| value + shift).collect();
        let (x, y) = (series(&stable, 1.0), series(&shifted, 1.0));
        let judged = metric(analysis.clone(), &x, &y);

        let (mut reversed, mut sorted) = (x.clone(), y.clone());
        reversed.reverse();
        sorted.sort_by(f64::total_cmp);
        prop_assert_eq!(&metric(analysis.clone(), &reversed, &sorted), &judged);

        let power = 2.0_f64.powi(exponent);
        let scaled = metric(analysis.clone(), &series(&stable, power), &series(&shifted, power));
        prop_assert_eq!(scaled.classification, judged.classification);
        prop_assert_eq!(scaled.shift, judged.shift.map(|shift| shift * power));
        prop_assert_eq!((scaled.p_higher, scaled.effect), (judged.p_higher, judged.effect));

        let mirrored = |direction: &str| super::analysis(&format!(r#"{{"direction": "{direction}"}}"#));
        let up = metric(mirrored("increase"), &x, &y).classification;
        let down = metric(mirrored("decrease"), &y, &x).classification;
        prop_assert_eq!(up == Classification::High, down == Classification::Low);
    }

    /// Who raises the canary further never passes after failing. (Of distinct values: ties that come and go
    /// change what the p-value is conditional on.)
    #[test]
    fn a_larger_increase_fails_too(
        stable in vec(0_i32..30, 5..14), canary in vec(0_i32..30, 5..14), shift in 0_i32..20, more in 0_i32..20,
    ) {
        let distinct = |values: &[i32], by: i32, rest: usize| -> Vec<f64> {
            values.iter().enumerate().map(|(i, value)| f64::from(value + by) + (2 * i + rest) as f64 / 64.0).collect()
        };
        let stable = distinct(&stable, 0, 0);
        let increase = || analysis(r#"{"direction": "increase"}"#);
        let smaller = metric(increase(), &stable, &distinct(&canary, shift, 1));
        let larger = metric(increase(), &stable, &distinct(&canary, shift + more, 1));
        prop_assert!(larger.p_higher.unwrap() <= smaller.p_higher.unwrap() + 1e-12);
        prop_assert!(smaller.classification != Classification::High || larger.classification == Classification::High);
    }
}
