use nprt_core::model::BlockShape;

/// What a metric's blocks must hold for the rules to read them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Distribution,
    Classes,
    Requests,
    /// Counts of events: values, or requests and errors.
    Events,
    /// Whatever a Kayenta config makes of them.
    Any,
}

impl Role {
    pub(crate) fn shapes(self) -> &'static [BlockShape] {
        use BlockShape::{Classes, Histogram, Requests, Samples, Value};
        match self {
            Self::Distribution => &[Samples, Histogram, Value],
            Self::Classes => &[Classes],
            Self::Requests => &[Requests],
            Self::Events => &[Value, Requests],
            Self::Any => &[Samples, Histogram, Value, Requests, Classes],
        }
    }

    /// Whether two rules can read the same blocks.
    pub(crate) fn agrees_with(self, other: Self) -> bool {
        self == other || self == Self::Any || other == Self::Any
    }
}
