use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Lags of the long-run variance.
const LAGS: usize = 5;
/// A pod with fewer minutes says little about what it is for good.
const LEAST_MINUTES: u64 = 10;
/// The most pods to follow; they represent a larger service well enough.
const MOST_PODS: usize = 256;

/// How one pod's figure of a minute differed from what the others' let expect.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Residual {
    /// The pod's figure less its expectation.
    pub(super) excess: f64,
    /// The variance that this has where all pods are alike and samples independent.
    pub(super) variance: f64,
    /// What the excess is divided by to be a difference of means.
    pub(super) weight: f64,
}

/// What stable's pods differ by, from each other and from minute to minute: of each pod sums alone, so that a
/// day takes no more memory than an hour.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Residuals {
    pods: BTreeMap<String, Pod>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Pod {
    last: i64,
    /// One a statistic.
    sums: Vec<Sums>,
}

/// Of one pod and statistic.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
struct Sums {
    minutes: u64,
    excess: f64,
    variance: f64,
    weight: f64,
    /// Products of excesses so many minutes apart; from 0.
    products: [f64; LAGS + 1],
    /// The latest excesses, the newest first; the minutes before a gap are gone.
    recent: Vec<f64>,
}

/// What the sums of all pods amount to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Spread {
    /// Pod-minutes that it rests on.
    pub(super) minutes: u64,
    /// The long-run variance of excesses over what independent samples have.
    pub(super) overdispersion: f64,
    /// The same without what minutes hang together by: of rare counts nobody can tell that.
    pub(super) pearson: f64,
    /// The sum of all variances: of counts, about how many there were.
    pub(super) expected: f64,
    /// How much an excess hangs on the one before, −1 to 1.
    pub(super) autocorrelation: f64,
    /// Between pods, for good: how many are known, and the variance of their differences of means.
    pub(super) pods: u64,
    pub(super) between: f64,
}

impl Residuals {
    /// Adds a pod's residuals of a minute, one a statistic.
    pub(super) fn add(&mut self, minute: i64, pod: &str, residuals: &[Residual]) {
        if !self.pods.contains_key(pod) {
            if self.pods.len() >= MOST_PODS {
                return;
            }
            let sums = vec![Sums::default(); residuals.len()];
            self.pods.insert(pod.to_owned(), Pod { last: minute, sums });
        }
        let Some(own) = self.pods.get_mut(pod) else { return };
        let gap = minute.saturating_sub(own.last) > 1;
        own.last = minute;
        for (sums, residual) in own.sums.iter_mut().zip(residuals) {
            sums.add(gap, *residual);
        }
    }

    /// What they amount to for one statistic; `None` of fewer than two pods or without variance.
    pub(super) fn spread(&self, statistic: usize) -> Option<Spread> {
        let all: Vec<&Sums> = self.pods.values().filter_map(|pod| pod.sums.get(statistic)).collect();
        let variance: f64 = all.iter().map(|sums| sums.variance).sum();
        if all.len() < 2 || variance <= 0.0 {
            return None;
        }
        let sum = |of: fn(&Sums) -> f64| all.iter().map(|sums| of(sums)).sum::<f64>();
        let products = sum(|sums| sums.centred(0));
        let neighbours = sum(|sums| sums.centred(1));
        let (pods, between) = between(&all);
        Some(Spread {
            minutes: all.iter().map(|sums| sums.minutes).sum(),
            overdispersion: sum(Sums::long_run).max(0.0) / variance,
            expected: variance,
            pearson: sum(|sums| sums.products[0]) / variance,
            autocorrelation: if products > 0.0 { (neighbours / products).clamp(-1.0, 1.0) } else { 0.0 },
            pods,
            between,
        })
    }
}

/// Exposure and count of each of stable's pods in a minute.
#[derive(Debug, Default)]
pub(super) struct PodCounts<'a>(BTreeMap<&'a str, (f64, f64)>);

impl<'a> PodCounts<'a> {
    pub(super) fn add(&mut self, pod: &'a str, exposure: u64, count: u64) {
        let own = self.0.entry(pod).or_default();
        own.0 += exposure as f64;
        own.1 += count as f64;
    }
}

impl Residuals {
    /// Adds each pod's count of a minute beside its share of the exposure.
    pub(super) fn add_counts(&mut self, minute: i64, PodCounts(pods): &PodCounts<'_>) {
        let (exposure, count) = pods.values().fold((0.0, 0.0), |(a, b), (n, k)| (a + n, b + k));
        for (pod, (own, errors)) in pods.iter().filter(|_| pods.len() > 1 && exposure > 0.0) {
            let share = own / exposure;
            let variance = count * share * (1.0 - share);
            self.add(minute, pod, &[Residual { excess: errors - share * count, variance, weight: 1.0 }]);
        }
    }
}

/// The variance between pods: that of their means, less what chance gives these.
fn between(all: &[&Sums]) -> (u64, f64) {
    let known: Vec<_> =
        all.iter().filter(|sums| sums.minutes >= LEAST_MINUTES && sums.weight > 0.0).collect();
    let pods = known.len() as f64;
    if known.len() < 2 {
        return (known.len() as u64, 0.0);
    }
    let means: Vec<f64> = known.iter().map(|sums| sums.excess / sums.weight).collect();
    let mean = means.iter().sum::<f64>() / pods;
    let variance = means.iter().map(|own| (own - mean).powi(2)).sum::<f64>() / (pods - 1.0);
    let chance = known.iter().map(|sums| sums.long_run().max(0.0) / sums.weight.powi(2)).sum::<f64>() / pods;
    // A pod is compared with the mean of the others, which varies too.
    (known.len() as u64, ((variance - chance) * (pods - 1.0) / pods).max(0.0))
}

impl Sums {
    fn add(&mut self, gap: bool, Residual { excess, variance, weight }: Residual) {
        if gap {
            self.recent.clear();
        }
        self.minutes += 1;
        self.excess += excess;
        self.variance += variance;
        self.weight += weight;
        self.products[0] += excess * excess;
        for (product, earlier) in self.products[1..].iter_mut().zip(&self.recent) {
            *product += excess * earlier;
        }
        self.recent.insert(0, excess);
        self.recent.truncate(LAGS);
    }

    /// The products at a distance, less what the pod's own level adds: that is the business of `between`.
    fn centred(&self, lag: usize) -> f64 {
        let pairs = self.minutes.saturating_sub(lag as u64) as f64;
        self.products[lag] - pairs * (self.excess / self.minutes.max(1) as f64).powi(2)
    }

    /// Minutes times the long-run variance, with the weights of Bartlett (1950).
    fn long_run(&self) -> f64 {
        let weight = |lag: usize| 2.0 * (1.0 - lag as f64 / (LAGS + 1) as f64);
        self.centred(0) + (1..=LAGS).map(|lag| weight(lag) * self.centred(lag)).sum::<f64>()
    }
}
