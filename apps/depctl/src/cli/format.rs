use clap::ValueEnum;
use serde::Deserialize;

use crate::failure::{Failure, Result};

/// How answers are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    /// For people.
    #[default]
    Table,
    /// The server's answer as it is.
    Json,
    /// The same as YAML.
    Yaml,
}

impl Format {
    /// Of the environment's variable.
    pub(crate) fn named(name: &str) -> Result<Self> {
        Self::from_str(name, false)
            .map_err(|_| Failure::usage(format!("DEPCTL_OUTPUT is {name:?}: expected json, yaml or table")))
    }
}
