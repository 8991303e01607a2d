//! `config.yml`, as it is written.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use nprt_core::model::Secret;
use serde::Deserialize;

use crate::cli::Format;
use crate::failure::{Failure, Result};

/// The whole file. `Debug` shows no secret.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ConfigFile {
    /// The context where none is named; without it the only one.
    pub(crate) context: Option<String>,
    pub(crate) output: Option<Format>,
    pub(crate) contexts: BTreeMap<String, Context>,
}

/// One server.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Context {
    pub(crate) url: String,
    pub(crate) token: Option<Secret>,
    pub(crate) token_file: Option<PathBuf>,
    /// What people call the cluster; else the name of the context.
    pub(crate) cluster: Option<String>,
    /// Whether changes need a confirmation.
    #[serde(default)]
    pub(crate) production: bool,
    /// How long a request that changes nothing may take.
    pub(crate) timeout_seconds: Option<u64>,
}

impl ConfigFile {
    /// Reads the text; an error shows the place and not the lines, which may hold a token.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let file: Self = serde_saphyr::from_str(text).map_err(|error| {
            let place = error.location().map(|at| format!("line {}, column {}: ", at.line(), at.column()));
            Failure::usage(format!(
                "{}{}",
                place.unwrap_or_default(),
                reason(&error.without_snippet().to_string())
            ))
        })?;
        for (name, context) in &file.contexts {
            if context.token.is_some() && context.token_file.is_some() {
                return Err(Failure::usage(format!(
                    "contexts.{name}: expected token or token_file, not both"
                )));
            }
        }
        if let Some(name) = &file.context {
            file.context(name)?;
        }
        Ok(file)
    }

    pub(crate) fn context(&self, name: &str) -> Result<&Context> {
        self.contexts.get(name).ok_or_else(|| {
            let known: Vec<&str> = self.contexts.keys().map(String::as_str).collect();
            Failure::usage(format!("no context {name:?}")).with(format!("available: {}", known.join(", ")))
        })
    }

    /// The context where none is named.
    pub(crate) fn default_context(&self) -> Option<&Context> {
        match &self.context {
            Some(name) => self.contexts.get(name),
            None if self.contexts.len() == 1 => self.contexts.values().next(),
            None => None,
        }
    }
}

/// A message without the values that it quotes: one of them may be the token.
fn reason(message: &str) -> String {
    let mut parts = message.split('"');
    let mut reason = parts.next().unwrap_or_default().to_owned();
    while let (Some(_), after) = (parts.next(), parts.next()) {
        reason += "…";
        reason += after.unwrap_or_default();
    }
    reason
}

/// Whether others than its owner can read the file.
#[cfg(unix)]
pub(crate) fn is_open_to_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
pub(crate) fn is_open_to_others(_: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_shows_no_token() {
        for wrong in [
            "contexts: {a: {url: u, token: [hunter2]}}",
            "contexts: {a: {url: u, production: hunter2}}",
            "contexts: hunter2",
            "contexts: {a: {url: u, token: hunter2, timeout_seconds: \"hunter2\"}}",
            "contexts:\n  a:\n    url: u\n   token: hunter2\n",
        ] {
            let error = ConfigFile::parse(wrong).unwrap_err().to_string();
            assert!(!error.contains("hunter2"), "{wrong}: {error}");
        }
    }

    #[test]
    fn a_token_of_digits_is_a_token() {
        let file = ConfigFile::parse("contexts: {a: {url: u, token: 0012}}").unwrap();
        assert_eq!(file.contexts["a"].token.as_ref().unwrap().expose(), "0012");
        assert!(!format!("{file:?}").contains("0012"));
    }
}
