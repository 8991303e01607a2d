use std::fmt;

use serde::{Deserialize, Serialize};

/// Which of the two versions of a service runs here: the one that serves, or the one on trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Track {
    /// The version that serves.
    Stable,
    /// The version on trial beside it.
    Canary,
}

impl Track {
    /// `stable` or `canary`, as in labels and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stable => "stable",
            Self::Canary => "canary",
        }
    }
}

impl fmt::Display for Track {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Track {
    type Err = crate::Error;

    fn from_str(text: &str) -> crate::Result<Self> {
        match text {
            "stable" => Ok(Self::Stable),
            "canary" => Ok(Self::Canary),
            _ => Err(crate::Error::invalid("track", "unknown track")
                .with("track", format_args!("{text:?}"))
                .with_available([Self::Stable, Self::Canary])),
        }
    }
}
