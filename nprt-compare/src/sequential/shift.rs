use serde::{Deserialize, Serialize};

use crate::Margin;

/// A margin with what pods differ by: how far the canary's values are moved down before they are compared.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Shift {
    relative: f64,
    absolute: f64,
    /// Added to the margin for a regression, taken from it for a pass.
    pods: f64,
}

impl Shift {
    pub(super) fn new(margin: &Margin, pods: f64) -> Self {
        let of = |part: Option<f64>| part.unwrap_or(0.0);
        Self { relative: of(margin.relative), absolute: of(margin.absolute), pods: pods.max(-0.9) }
    }

    /// What the canary may be where stable is so much.
    pub(super) fn limit(self, stable: f64) -> f64 {
        stable + self.pods * stable + (self.relative * stable).max(self.absolute)
    }

    /// What stable is where that is the limit; below 0 where it is none.
    pub(super) fn inverse(self, limit: f64) -> f64 {
        let relative = limit / (1.0 + self.pods + self.relative);
        relative.min((limit - self.absolute) / (1.0 + self.pods))
    }
}

/// The margins of the last minute.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Margins {
    pub(super) regression: Shift,
    pub(super) pass: Shift,
}
