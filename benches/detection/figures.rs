//! What others' judges look at: a few figures of each track for every look, over all pods and routes.

use nprt::model::{Block, BlockData, Track};

use crate::run::Run;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Figure {
    MeanLatency,
    MedianLatency,
    P95Latency,
    /// The share of requests that fail.
    Errors,
    /// Of all pods.
    MeanCpu,
}

impl Figure {
    pub(crate) const ALL: [Self; 5] =
        [Self::MeanLatency, Self::MedianLatency, Self::P95Latency, Self::Errors, Self::MeanCpu];
}

/// The figures of both tracks in one interval; none where nothing was measured.
#[derive(Debug)]
pub(crate) struct Look {
    stable: [Option<f64>; Figure::ALL.len()],
    canary: [Option<f64>; Figure::ALL.len()],
}

impl Look {
    /// Stable's and the canary's, where both have it.
    pub(crate) fn both(&self, figure: Figure) -> Option<(f64, f64)> {
        self.stable[figure as usize].zip(self.canary[figure as usize])
    }
}

/// The figures of a run, gathered once for all judges.
#[derive(Debug)]
pub(crate) struct Figures {
    pub(crate) minutes: Vec<Look>,
    /// Every five minutes, over all that they hold.
    pub(crate) five_minutes: Vec<Look>,
}

impl Figures {
    pub(crate) fn of(run: &Run) -> Self {
        let every = |minutes| run.minutes.chunks(minutes).map(look).collect();
        Self { minutes: every(1), five_minutes: every(5) }
    }
}

fn look(minutes: &[Vec<Block>]) -> Look {
    let of = |track| {
        let mut sums = Sums::default();
        minutes.iter().flatten().filter(|block| block.track == track).for_each(|block| sums.add(&block.data));
        sums.figures()
    };
    Look { stable: of(Track::Stable), canary: of(Track::Canary) }
}

#[derive(Debug, Default)]
struct Sums {
    latency: Vec<f64>,
    cpu: Vec<f64>,
    requests: u64,
    errors: u64,
}

impl Sums {
    fn add(&mut self, data: &BlockData) {
        match data {
            BlockData::Samples(samples) => self.latency.extend(samples),
            BlockData::Value(value) => self.cpu.push(*value),
            BlockData::Requests { requests, errors } => {
                self.requests += requests;
                self.errors += errors;
            }
            // Nobody else asks for classes, and no generator writes histograms.
            BlockData::Classes(_) | BlockData::Histogram { .. } => {}
        }
    }

    fn figures(mut self) -> [Option<f64>; Figure::ALL.len()] {
        let errors = (self.requests > 0).then(|| self.errors as f64 / self.requests as f64);
        Figure::ALL.map(|figure| match figure {
            Figure::MeanLatency => mean(&self.latency),
            Figure::MedianLatency => percentile(&mut self.latency, 50),
            Figure::P95Latency => percentile(&mut self.latency, 95),
            Figure::Errors => errors,
            Figure::MeanCpu => mean(&self.cpu),
        })
    }
}

pub(crate) fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// By nearest rank.
fn percentile(values: &mut [f64], percent: usize) -> Option<f64> {
    let rank = (values.len() * percent).div_ceil(100).checked_sub(1)?;
    Some(*values.select_nth_unstable_by(rank, f64::total_cmp).1)
}
