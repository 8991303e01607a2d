//! Comparisons of a version with itself, from seeds: levels drift from block to block, and labels are drawn.

/// How many comparisons, how often each is looked at, and the error level.
pub(crate) const RUNS: u64 = 400;
pub(crate) const LOOKS: usize = 120;
pub(crate) const ALPHA: f64 = 0.05;

/// A test at its level raises more false alarms than this with a probability below 0.001: 20 are expected at
/// most, and this lies 3.2 standard deviations of the binomial law above.
pub(crate) const MOST_ALARMS: u64 = 34;

/// Samples of each track in a block.
pub(crate) const CANARY: usize = 20;
pub(crate) const STABLE: usize = 60;

/// splitmix64.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x2545_f491_4f6c_dd1d))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// In (0, 1).
    pub(crate) fn uniform(&mut self) -> f64 {
        ((self.next() >> 12) as f64 + 0.5) / (1_u64 << 52) as f64
    }

    /// Below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }
}

/// The samples of one block.
pub(crate) struct Block {
    pub(crate) canary: Vec<f64>,
    pub(crate) stable: Vec<f64>,
}

/// The blocks of one comparison. The level of both tracks wanders, as far as doubling within an hour; in a
/// block nothing but drawn labels tells the tracks apart, until the canary's samples are multiplied.
pub(crate) fn blocks(seed: u64, times: f64) -> Vec<Block> {
    let mut random = Random::new(seed);
    let mut level = 0.0_f64;
    (0..LOOKS)
        .map(|_| {
            level += 0.3 * (random.uniform() - 0.5);
            let mut samples: Vec<_> = (0..CANARY + STABLE)
                .map(|_| (level + 0.5 * (random.uniform() / random.uniform()).ln()).exp())
                .collect();
            for i in 0..CANARY {
                let other = i + random.below(samples.len() - i);
                samples.swap(i, other);
            }
            let stable = samples.split_off(CANARY);
            Block { canary: samples.iter().map(|sample| sample * times).collect(), stable }
        })
        .collect()
}

/// In how many comparisons the evidence, looked at after every block, reaches 1/α.
pub(crate) fn alarms(mut run: impl FnMut(u64) -> Vec<f64>) -> u64 {
    let reaches = |seed: &u64| run(*seed).into_iter().any(|ln_e| ln_e >= -ALPHA.ln());
    (0..RUNS).filter(reaches).count() as u64
}
