//! What others do with the same runs, as their public documentation says: each gives the minute of its
//! regression, or none. The method's own rule is no peer here: it is a policy of the library.

mod argo;
mod flagger;
mod kayenta;

use crate::figures::{Figure, Figures, Look};

#[derive(Debug, Clone, Copy)]
pub(crate) enum Peer {
    Flagger(flagger::Threshold),
    Argo(argo::Interval),
    Kayenta(kayenta::Looks),
}

impl Peer {
    pub(crate) const NAMES: [&str; 6] =
        ["flagger", "flagger-fixed", "argo", "argo-5m", "kayenta", "kayenta-30m"];

    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "flagger" => Self::Flagger(flagger::Threshold::Relative),
            "flagger-fixed" => Self::Flagger(flagger::Threshold::Fixed),
            "argo" => Self::Argo(argo::Interval::Minute),
            "argo-5m" => Self::Argo(argo::Interval::FiveMinutes),
            "kayenta" => Self::Kayenta(kayenta::Looks::EveryMinute),
            "kayenta-30m" => Self::Kayenta(kayenta::Looks::HalfHourly),
            _ => return None,
        })
    }

    /// The minute that it says so at, counted from 1.
    pub(crate) fn regression(self, figures: &Figures) -> Option<usize> {
        match self {
            Self::Flagger(threshold) => flagger::regression(threshold, &figures.minutes),
            Self::Argo(interval) => argo::regression(interval, figures),
            Self::Kayenta(looks) => kayenta::regression(looks, &figures.minutes),
        }
    }
}

/// The condition relative to stable that those who count get: neither Flagger nor Argo has one of its own,
/// and their users write such. With the same for both, only their counting differs.
fn exceeds(figure: Figure, look: &Look) -> bool {
    let factor = match figure {
        // It moves with the percentiles, and more with chance.
        Figure::MeanLatency => return false,
        Figure::MedianLatency | Figure::P95Latency | Figure::MeanCpu => 1.2,
        Figure::Errors => 2.0,
    };
    look.both(figure).is_some_and(|(stable, canary)| canary > factor * stable)
}
