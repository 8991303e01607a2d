//! Estimators, one a file: they take finite measurements and say a figure of their distribution.

mod histogram;
mod samples;

pub(super) use histogram::Histogram;
pub(super) use samples::Samples;

/// An estimated figure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Estimate {
    /// The figure.
    At(f64),
    /// It lies somewhere above this last edge of a histogram, nobody knows where.
    Above(f64),
}

impl Estimate {
    /// The figure, or the edge that it lies above.
    pub(super) fn at_least(self) -> f64 {
        match self {
            Self::At(figure) | Self::Above(figure) => figure,
        }
    }
}
