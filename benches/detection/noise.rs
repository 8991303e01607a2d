//! How pods of one version differ, for no reason of the version.

use std::str::FromStr;

use rand::RngExt;

use crate::Failure;
use crate::random::{Random, autoregressive, normal};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Noise {
    Clean,
    Noisy,
    Heavy,
}

impl Noise {
    pub(crate) const ALL: [Self; 3] = [Self::Clean, Self::Noisy, Self::Heavy];

    /// The logarithms of what a pod multiplies each minute's values by: a constant of the pod's own (standard
    /// deviation), minutes that hang together (standard deviation, at 0.6 from one to the next), and single
    /// minutes at 1.5 times (share).
    fn figures(self) -> (f64, f64, f64) {
        match self {
            Self::Clean => (0.0, 0.0, 0.0),
            Self::Noisy => (0.01, 0.03, 0.01),
            Self::Heavy => (0.04, 0.06, 0.02),
        }
    }

    /// One pod's logarithms for each minute.
    pub(crate) fn pod(self, random: &mut Random, minutes: usize) -> Vec<f64> {
        let (persistent, passing, bursts) = self.figures();
        let level = normal(random) * persistent;
        let mut logs = autoregressive(random, minutes, 0.6, passing);
        for log in &mut logs {
            let burst = if random.random::<f64>() < bursts { 1.5_f64.ln() } else { 0.0 };
            *log += level + burst;
        }
        logs
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Noisy => "noisy",
            Self::Heavy => "heavy",
        }
    }
}

impl FromStr for Noise {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        let found = Self::ALL.into_iter().find(|noise| noise.as_str() == text);
        found.ok_or_else(|| format!("noise {text:?}: expected clean, noisy or heavy").into())
    }
}
