//! The real series; their origin and licence are in `data/README.md`.

use std::sync::LazyLock;

use rand::RngExt;

use crate::random::Random;

/// Five minutes lie between its values.
pub(crate) type Series = LazyLock<Vec<f64>>;

pub(crate) static REQUEST_LATENCY: Series =
    LazyLock::new(|| numbers(include_str!("data/request_latency.txt")));
pub(crate) static REQUEST_COUNT: Series = LazyLock::new(|| numbers(include_str!("data/request_count.txt")));
/// In percent.
pub(crate) static CPU: [Series; 2] = [
    LazyLock::new(|| numbers(include_str!("data/cpu_ec2.txt"))),
    LazyLock::new(|| numbers(include_str!("data/cpu_rds.txt"))),
];

/// Requests to a language model: for each minute the tokens of context and those generated.
pub(crate) static LANGUAGE_MODEL: LazyLock<Vec<Vec<(f64, f64)>>> = LazyLock::new(|| {
    let request = |text: &str| text.split_once('/').and_then(|(a, b)| a.parse().ok().zip(b.parse().ok()));
    let minute = |line: &str| line.split(' ').filter_map(request).collect();
    include_str!("data/azure_llm.txt").lines().map(minute).collect()
});

fn numbers(text: &str) -> Vec<f64> {
    text.lines().filter_map(|line| line.parse().ok()).collect()
}

/// As many minutes from a place of the series that chance picks, straight lines between its values.
pub(crate) fn excerpt(series: &[f64], random: &mut Random, minutes: usize) -> Vec<f64> {
    let from = random.random_range(0..series.len() - (minutes / 5 + 2));
    let at = |minute: usize| {
        let (index, part) = (from + minute / 5, (minute % 5) as f64 / 5.0);
        series[index] * (1.0 - part) + series[index + 1] * part
    };
    (0..minutes).map(at).collect()
}

pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}
