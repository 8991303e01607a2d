//! The sizing beside the reference's, and what it promises.
#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

use nprt_compare::Percentile;
use nprt_compare::sizing::{QuantileEffect, RankEffect, Sizing, block_minutes, highest_percentile};
use nprt_compare::statistics::Overdispersion;
use nprt_compare::statistics::counts::Ratio;
use proptest::{prop_assert, proptest};
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    alpha: f64,
    power: f64,
    kappa: f64,
    quantiles: Vec<QuantileCase>,
    ranks: Vec<RankCase>,
    errors: Vec<ErrorsCase>,
}

#[derive(Deserialize)]
struct QuantileCase {
    percent: f64,
    density: f64,
    effect: f64,
    stable_per_canary: f64,
    phi: f64,
    samples: f64,
}

#[derive(Deserialize)]
struct RankCase {
    superiority: f64,
    stable_per_canary: f64,
    phi: f64,
    samples: f64,
}

#[derive(Deserialize)]
struct ErrorsCase {
    ratio: f64,
    margin: f64,
    stable_per_canary: f64,
    events: f64,
}

fn assert_close(found: f64, expected: f64) {
    assert!((found - expected).abs() <= 1e-9 * expected, "{found} not {expected}");
}

fn ratio(ratio: f64) -> Ratio {
    Ratio::new(ratio).unwrap()
}

#[test]
fn it_agrees_with_the_reference() {
    for case in serde_json::from_str::<Vec<Case>>(include_str!("data/statistics/sizing.json")).unwrap() {
        let sizing = Sizing::new(case.alpha, case.power).unwrap();
        assert_close(sizing.kappa(), case.kappa);
        for QuantileCase { percent, density, effect, stable_per_canary, phi, samples } in case.quantiles {
            let percentile = Percentile::new(percent).unwrap();
            let overdispersion = Overdispersion::new(phi).unwrap();
            let of = QuantileEffect { percentile, density, effect, stable_per_canary, overdispersion };
            assert_close(sizing.quantile_samples(of).unwrap(), samples);
        }
        for RankCase { superiority, stable_per_canary, phi, samples } in case.ranks {
            let overdispersion = Overdispersion::new(phi).unwrap();
            let of = RankEffect { superiority, stable_per_canary, overdispersion };
            assert_close(sizing.rank_samples(of).unwrap(), samples);
        }
        for of in case.errors {
            let found = sizing.error_events(ratio(of.ratio), ratio(of.margin), of.stable_per_canary);
            assert_close(found.unwrap(), of.events);
        }
    }
}

#[test]
fn kappa_is_as_documented() {
    for (power, kappa) in [(0.5, 11.2), (0.8, 17.6), (0.9, 21.5)] {
        assert!((Sizing::new(0.01, power).unwrap().kappa() - kappa).abs() < 0.05, "{power}");
    }
}

#[test]
fn blocks_and_percentiles_are_not_shifted_by_rounding() {
    let block = |percent, rate| block_minutes(Percentile::new(percent).unwrap(), rate).unwrap();
    for (percent, rate, minutes) in [
        (50.0, 20.0, 1),
        (50.0, 19.9, 2),
        (95.0, 200.0, 1),
        (95.0, 40.0, 5),
        (99.0, 100.0, 10),
        (99.9, 1000.0, 10),
        (99.0, 0.1, 10_000),
        (5.0, 40.0, 5),
    ] {
        assert_eq!(block(percent, rate), minutes, "p{percent} at {rate}");
    }
    let highest = |rate, minutes| highest_percentile(rate, minutes).unwrap().map(Percentile::percent);
    for (rate, minutes, percent) in [
        (1.0, 40.0, Some(50.0)),
        (1.0, 39.9, None),
        (4.0, 100.0, Some(95.0)),
        (20.0, 100.0, Some(99.0)),
        (200.0, 100.0, Some(99.9)),
        (3.0, 10.0, None),
        (3.0, 100.0, Some(93.3333)),
        (1e300, 1e300, Some(99.9999)),
        (1e-300, 1e-300, None),
    ] {
        assert_eq!(highest(rate, minutes), percent, "{rate} for {minutes} min");
    }
}

#[test]
fn what_cannot_be_sized_is_named() {
    let sizing = Sizing::new(0.01, 0.8).unwrap();
    let quantile = QuantileEffect {
        percentile: Percentile::P95,
        density: 1.0,
        effect: 1.0,
        stable_per_canary: 1.0,
        overdispersion: Overdispersion::NONE,
    };
    let rank = RankEffect { superiority: 0.6, stable_per_canary: 1.0, overdispersion: Overdispersion::NONE };
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        for (result, named) in [
            (Sizing::new(bad, 0.8).map(drop), "alpha: "),
            (Sizing::new(0.01, bad).map(drop), "power: "),
            (sizing.quantile_samples(QuantileEffect { density: bad, ..quantile }).map(drop), "density: "),
            (sizing.quantile_samples(QuantileEffect { effect: bad, ..quantile }).map(drop), "effect: "),
            (
                sizing.quantile_samples(QuantileEffect { stable_per_canary: bad, ..quantile }).map(drop),
                "stable_per_",
            ),
            (sizing.rank_samples(RankEffect { superiority: bad, ..rank }).map(drop), "superiority: "),
            (
                sizing.rank_samples(RankEffect { stable_per_canary: bad, ..rank }).map(drop),
                "stable_per_canary: ",
            ),
            (sizing.error_events(ratio(2.0), ratio(1.0), bad).map(drop), "stable_per_canary: "),
            (block_minutes(Percentile::P50, bad).map(drop), "canary_per_minute: "),
            (highest_percentile(bad, 1.0).map(drop), "canary_per_minute: "),
            (highest_percentile(1.0, bad).map(drop), "minutes: "),
        ] {
            let error = result.unwrap_err();
            assert!(error.is_invalid() && error.to_string().contains(named), "{error}");
        }
    }
    let error = sizing.error_events(ratio(1.25), Ratio::QUARTER_MORE, 3.0).unwrap_err();
    assert!(error.to_string().contains("ratio: 1.25, margin: 1.25"), "{error}");
    assert!(block_minutes(Percentile::P99, 1e-300).unwrap_err().to_string().contains("10^9 minutes"));
}

proptest! {
    /// What a user turns to shorten a comparison does shorten it.
    #[test]
    fn larger_effects_and_higher_errors_take_less(
        alpha in 1e-6_f64..0.2, power in 0.5_f64..0.99, superiority in 0.51_f64..0.9, more in 1.0_f64..9.0,
        stable_per_canary in 0.1_f64..99.0,
    ) {
        let samples = |alpha, power, superiority, stable_per_canary| {
            let of = RankEffect { superiority, stable_per_canary, overdispersion: Overdispersion::NONE };
            Sizing::new(alpha, power).unwrap().rank_samples(of).unwrap()
        };
        let most = samples(alpha, power, superiority, stable_per_canary);
        prop_assert!(samples(alpha, power, superiority + (1.0 - superiority) * 0.1, stable_per_canary) < most);
        prop_assert!(samples(alpha * 2.0, power, superiority, stable_per_canary) < most);
        prop_assert!(samples(alpha, 0.5, superiority, stable_per_canary) <= most);
        prop_assert!(samples(alpha, power, superiority, stable_per_canary * more) <= most);
        let events = |psi| {
            let sizing = Sizing::new(alpha, power).unwrap();
            sizing.error_events(ratio(psi), Ratio::QUARTER_MORE, stable_per_canary).unwrap()
        };
        prop_assert!(events(1.26 + more * 1.01) < events(1.26 + more));
    }

    /// The run that a percentile needs by its own rule of thumb is one in which it is the highest.
    #[test]
    fn the_highest_percentile_has_its_least_samples(samples in 40_u32..10_000_000) {
        let highest = highest_percentile(f64::from(samples), 1.0).unwrap().unwrap();
        prop_assert!(highest.least_samples() <= u64::from(samples));
    }
}
