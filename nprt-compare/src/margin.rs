use nprt_core::{Error, Result};
use serde::{Deserialize, Serialize};

/// How far the canary may lie above stable: absolute in the metric's unit (seconds, cores, bytes),
/// relative to stable's figure, or both, of which **the larger** holds: "10 %, but at least 5 ms".
///
/// ```
/// use nprt_compare::Margin;
/// let margin = Margin { absolute: Some(0.005), relative: Some(0.1) };
/// assert_eq!([margin.above(0.01), margin.above(0.2)], [0.005, 0.2 * 0.1]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Margin {
    /// In the metric's unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub absolute: Option<f64>,
    /// As a share of stable's figure: 0.1 is 10 %.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relative: Option<f64>,
}

impl Margin {
    /// The margin where stable has this figure.
    #[must_use]
    pub fn above(&self, stable: f64) -> f64 {
        self.absolute.unwrap_or(0.0).max(self.relative.unwrap_or(0.0) * stable)
    }

    /// What the canary may reach where stable has this figure.
    #[must_use]
    pub fn limit(&self, stable: f64) -> f64 {
        stable + self.above(stable)
    }

    pub(super) fn validate(&self) -> Result<()> {
        let error = |message| Error::invalid("policy.margin", message);
        if self.absolute.is_none() && self.relative.is_none() {
            return Err(error("no margin given").with_available(["absolute", "relative"]));
        }
        for (key, value) in [("absolute", self.absolute), ("relative", self.relative)] {
            if let Some(value) = value.filter(|value| !value.is_finite() || *value < 0.0) {
                return Err(error("expected a number of 0 or more").with(key, value));
            }
        }
        Ok(())
    }
}
