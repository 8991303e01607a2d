use nprt_core::{Error, ErrorKind, Result};
use serde::Deserialize;

use super::series::Series;
use super::words::Words;

const OPERATION: &str = "prometheus.query";

/// An answer of Prometheus' HTTP API, and of those that speak it.
#[derive(Deserialize)]
pub(super) struct Answer<T> {
    #[serde(default)]
    status: Option<String>,
    data: Option<Data<T>>,
    error: Option<String>,
    #[serde(rename = "errorType", default)]
    error_type: Option<String>,
    #[serde(default)]
    warnings: Option<Vec<String>>,
    #[serde(default)]
    infos: Option<Vec<String>>,
    /// `VictoriaMetrics`' cluster: a node with a part of the data did not answer.
    #[serde(rename = "isPartial", default)]
    is_partial: Option<bool>,
}

#[derive(Deserialize)]
pub(super) struct Data<T> {
    #[serde(rename = "resultType")]
    pub(super) kind: String,
    result: T,
}

/// What a whole answer holds, and what the server says about it.
#[derive(Debug)]
pub(super) struct Whole<T> {
    pub(super) result: T,
    pub(super) notes: Vec<String>,
}

/// How a remark about the query begins that says nothing about how complete the answer is. Prometheus 3 has it in
/// `infos`; 2.48 to 2.53 in `warnings`.
const INFO: &str = "PromQL info:";

impl<T> Answer<T> {
    /// What it holds, if it is whole.
    ///
    /// # Errors
    /// What the server says went wrong; `Unavailable` for an answer that may be incomplete.
    pub(super) fn whole(self, kind: Option<&str>, words: &Words) -> Result<Whole<T>> {
        if let Some(error) = self.failure(words) {
            return Err(error);
        }
        let (notes, warnings): (Vec<String>, Vec<String>) =
            self.warnings.into_iter().flatten().partition(|said| said.starts_with(INFO));
        let incomplete = |message: &str| Error::new(ErrorKind::Unavailable, OPERATION, message);
        if let Some(warning) = warnings.first() {
            let error = incomplete("the server warns that its answer may be incomplete");
            return Err(error.with("warning", words.shown(warning)));
        }
        if self.is_partial == Some(true) {
            return Err(incomplete("the server says that its answer is incomplete").with("isPartial", true));
        }
        let unexpected = |message: &str| Error::new(ErrorKind::Unexpected, OPERATION, message);
        let data = self.data.ok_or_else(|| unexpected("the answer has no data"))?;
        if let Some(kind) = kind.filter(|kind| data.kind != *kind) {
            return Err(unexpected(&format!("expected a {kind}")).with("found", words.shown(&data.kind)));
        }
        let notes = notes.iter().chain(self.infos.iter().flatten()).map(|said| words.shown(said)).collect();
        Ok(Whole { result: data.result, notes })
    }

    /// What the server says went wrong.
    fn failure(&self, words: &Words) -> Option<Error> {
        if self.error.is_none() && self.status.as_deref().is_none_or(|status| status == "success") {
            return None;
        }
        let kind = match self.error_type.as_deref() {
            Some("bad_data") => ErrorKind::Invalid,
            Some("timeout" | "canceled" | "execution" | "internal" | "unavailable" | "not_found") => {
                ErrorKind::Unavailable
            }
            _ => ErrorKind::Unexpected,
        };
        let said = self.error.as_deref().unwrap_or("the server says that it failed, and not why");
        let error = Error::new(kind, OPERATION, words.shown(said));
        Some(match self.error_type.as_deref() {
            Some(of) => error.with("error_type", words.shown(of)),
            None => error,
        })
    }

    /// What the server says beside a status of HTTP that is none of success: the words, and their kind.
    pub(super) fn said(&self, words: &Words) -> Option<(String, Option<String>)> {
        let error = self.error.as_deref()?;
        Some((words.shown(error), self.error_type.as_deref().map(|of| words.shown(of))))
    }
}

/// The series of a range query's answer.
pub(super) type Matrix = Answer<Vec<Series>>;

/// A number that an instant query is answered with, in a list of at most one: `[{"value": [second, "12"]}]`.
pub(super) type Number = Answer<Vec<Single>>;

#[derive(Deserialize)]
pub(super) struct Single {
    value: (f64, String),
}

impl Single {
    /// It, where it is a count.
    pub(super) fn count(&self) -> Option<u64> {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "checked, and it saturates"
        )]
        self.value.1.parse::<f64>().ok().filter(|value| *value >= 0.0).map(|value| value as u64)
    }
}
