//! Where an address and a token can come from.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use nprt_core::model::Secret;

use super::env_file;
use super::file::{ConfigFile, Context, is_open_to_others};
use crate::failure::{Failure, Result};

/// An address, a token, or both: a token of a source that has an address belongs to that address alone.
#[derive(Debug, Default, Clone)]
pub(crate) struct Source {
    pub(crate) url: Option<String>,
    pub(crate) token: Option<Secret>,
    pub(crate) token_file: Option<PathBuf>,
}

impl From<&Context> for Source {
    fn from(context: &Context) -> Self {
        let Context { url, token, token_file, .. } = context.clone();
        Self { url: Some(url), token, token_file }
    }
}

impl Source {
    /// Of the environment. `AUTH_TOKEN` is not among its names: any other tool's may be called so.
    pub(crate) fn environment() -> Self {
        Self {
            url: variable("DEPCTL_URL").or_else(|| variable("DEPLOYER_URL")),
            token: variable("DEPCTL_TOKEN").or_else(|| variable("DEPLOYER_TOKEN")).map(Secret::new),
            token_file: variable("DEPCTL_TOKEN_FILE").map(PathBuf::from),
        }
    }

    fn of_env_file(values: &BTreeMap<String, String>) -> Self {
        let value = |names: &[&str]| {
            names.iter().find_map(|name| values.get(*name)).filter(|v| !v.is_empty()).cloned()
        };
        Self {
            url: value(&["DEPCTL_URL", "DEPLOYER_URL"]),
            token: value(&["DEPCTL_TOKEN", "DEPLOYER_TOKEN", "AUTH_TOKEN"]).map(Secret::new),
            token_file: None,
        }
    }

    /// The token, read from its file where it is in one.
    pub(crate) fn read_token(&self, warnings: &mut Vec<String>) -> Result<Option<Secret>> {
        let Some(path) = &self.token_file else { return Ok(self.token.clone()) };
        if self.token.is_some() {
            return Ok(self.token.clone());
        }
        let path = expand_home(path);
        let text = fs::read_to_string(&path)
            .map_err(|error| Failure::usage(format!("the token's file {}: {error}", path.display())))?;
        warn_if_open(&path, warnings);
        let token = text.trim();
        if token.is_empty() {
            return Err(Failure::usage(format!("the token's file {} is empty", path.display())));
        }
        Ok(Some(Secret::new(token)))
    }
}

/// A variable of the environment that is set and not empty.
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The two files.
pub(crate) fn files(warnings: &mut Vec<String>) -> Result<(ConfigFile, Source)> {
    let config = match config_path() {
        Some(path) => read(&path, ConfigFile::parse)?.map(|file| (path, file)),
        None => None,
    };
    if let Some((path, file)) = &config
        && file.contexts.values().any(|context| context.token.is_some())
    {
        warn_if_open(path, warnings);
    }
    let old = match home() {
        Some(home) => {
            let path = home.join(".deployer/deployer_env");
            read(&path, env_file::parse)?.map(|values| (path, Source::of_env_file(&values)))
        }
        None => None,
    };
    if let Some((path, Source { token: Some(_), .. })) = &old {
        warn_if_open(path, warnings);
    }
    Ok((config.map(|(_, file)| file).unwrap_or_default(), old.map(|(_, source)| source).unwrap_or_default()))
}

/// `None` where there is no such file.
fn read<T>(path: &Path, parse: impl FnOnce(&str) -> Result<T>) -> Result<Option<T>> {
    let failed = |said: String| Failure::usage(format!("{}: {said}", path.display()));
    match fs::read_to_string(path) {
        Ok(text) => match parse(&text) {
            Ok(parsed) => Ok(Some(parsed)),
            Err(error) => Err(Failure { details: error.details, ..failed(error.message) }),
        },
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(failed(error.to_string())),
    }
}

fn warn_if_open(path: &Path, warnings: &mut Vec<String>) {
    if is_open_to_others(path) {
        let path = path.display();
        warnings.push(format!("{path} holds a token and others can read it: chmod 600 {path}"));
    }
}

fn home() -> Option<PathBuf> {
    variable("HOME").map(PathBuf::from)
}

fn expand_home(path: &Path) -> PathBuf {
    match (path.strip_prefix("~"), home()) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => path.to_owned(),
    }
}

/// A relative `XDG_CONFIG_HOME` is to be ignored, by its specification.
pub(crate) fn config_path() -> Option<PathBuf> {
    let xdg = variable("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    Some(xdg.or_else(|| Some(home()?.join(".config")))?.join("depctl/config.yml"))
}
