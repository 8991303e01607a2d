use nprt_compare::Percentile;
use nprt_compare::statistics::band::TimeUniformBand;

use crate::simulation::{ALPHA, MOST_ALARMS, RUNS, Random};

#[derive(serde::Deserialize)]
struct Case {
    alpha: f64,
    from: u64,
    samples: u64,
    radius: f64,
    ranks: [(Option<u64>, Option<u64>); 3],
}

#[test]
fn radius_and_ranks_are_those_of_the_reference() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("../data/statistics/band.json")).unwrap();
    for Case { alpha, from, samples, radius, ranks } in cases {
        let band = TimeUniformBand::new(alpha, from).unwrap();
        let found = band.radius(samples).unwrap();
        assert!((found - radius).abs() <= 1e-9 * radius, "{found} not {radius}: {alpha} {from} {samples}");
        let found = [Percentile::P50, Percentile::P95, Percentile::P99].map(|p| band.ranks(p, samples));
        assert_eq!(found, ranks, "{alpha} {from} {samples}");
    }
}

#[test]
fn there_is_no_band_before_it_begins_and_none_of_a_level_that_is_none() {
    let band = TimeUniformBand::new(0.05, 10).unwrap();
    for samples in [0, 1, 9] {
        assert_eq!((band.radius(samples), band.ranks(Percentile::P50, samples)), (None, (None, None)));
    }
    for alpha in [0.0, 1.0, -0.5, f64::NAN, f64::INFINITY] {
        assert!(TimeUniformBand::new(alpha, 10).is_err(), "{alpha}");
    }
    assert!(TimeUniformBand::new(0.05, 0).is_err());
}

/// In how many comparisons the share of samples below one of nine values leaves the radius around the truth
/// at any of the looks.
fn leaves(radius: impl Fn(u64) -> Option<f64>) -> u64 {
    let leaves = |seed: &u64| {
        let mut random = Random::new(*seed);
        let mut below = [0.0; 9];
        (1..=3000_u64).any(|samples| {
            let sample = random.uniform();
            let values = (1..10).map(|tenth| f64::from(tenth) / 10.0);
            let differences = below.iter_mut().zip(values).map(|(below, value)| {
                *below += f64::from(sample <= value);
                *below / samples as f64 - value
            });
            let farthest = differences.fold(0.0_f64, |most, difference| most.max(difference.abs()));
            radius(samples).is_some_and(|radius| farthest > radius)
        })
    };
    (0..RUNS).filter(leaves).count() as u64
}

#[test]
fn the_truth_stays_within_at_all_times_and_leaves_the_band_of_one_look() {
    let band = TimeUniformBand::new(ALPHA, 20).unwrap();
    assert!(leaves(|samples| band.radius(samples)) <= MOST_ALARMS);
    // Dvoretzky, Kiefer and Wolfowitz's, for one number of samples.
    let one_look = |samples: u64| ((2.0 / ALPHA).ln() / (2.0 * samples as f64)).sqrt();
    assert!(leaves(|samples| (samples >= 20).then(|| one_look(samples))) > MOST_ALARMS);
}

#[test]
fn a_quantile_lies_between_its_ranks_at_all_times() {
    let band = TimeUniformBand::new(ALPHA, 50).unwrap();
    let misses = |seed: &u64| {
        let mut random = Random::new(*seed);
        let mut sorted: Vec<f64> = vec![];
        (1..=500_u64).any(|samples| {
            let sample = random.uniform();
            sorted.insert(sorted.partition_point(|other| *other < sample), sample);
            let (low, high) = band.ranks(Percentile::P50, samples);
            let value = |rank: u64| sorted[usize::try_from(rank).unwrap() - 1];
            low.is_some_and(|rank| value(rank) > 0.5) || high.is_some_and(|rank| value(rank) < 0.5)
        })
    };
    assert!((0..RUNS).filter(misses).count() as u64 <= MOST_ALARMS);
}
