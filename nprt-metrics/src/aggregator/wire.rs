//! What both sides say.

use std::ops::Range;

use nprt_core::model::{Block, MetricName, ServiceName};
use nprt_core::ports::{AnswerEvidence, LeftOut, Lost, Measured};
use nprt_core::{Error, Result};
use serde::{Deserialize, Serialize};
use url::form_urlencoded;

/// The version of all that is said.
pub(super) const VERSION: u32 = 1;
pub(super) const BLOCKS: &str = "v1/blocks";
pub(super) const KNOWN_SINCE: &str = "v1/known-since";
pub(super) const LOST: &str = "v1/lost";

const FIELDS: [&str; 4] = ["service", "metric", "from", "to"];

/// Which blocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Question {
    pub(super) service: ServiceName,
    pub(super) metric: MetricName,
    pub(super) minutes: Range<i64>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Blocks {
    pub(super) version: u32,
    #[serde(with = "nprt_compare::replay::blocks")]
    pub(super) blocks: Vec<Block>,
    pub(super) next: Option<i64>,
    // An aggregator from before these fields does not say.
    #[serde(default)]
    pub(super) left_out: Vec<LeftOut>,
    #[serde(default)]
    pub(super) notes: Vec<String>,
    #[serde(default)]
    pub(super) evidence: AnswerEvidence,
}

impl Blocks {
    pub(super) fn new(measured: Measured, next: Option<i64>) -> Self {
        let Measured { blocks, left_out, notes, evidence } = measured;
        Self { version: VERSION, blocks, next, left_out, notes, evidence }
    }

    pub(super) fn into_measured(self) -> Measured {
        let Self { blocks, left_out, notes, evidence, .. } = self;
        Measured { blocks, left_out, notes, evidence }.bounded()
    }
}

/// What was lost of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) service: ServiceName,
    pub(super) minutes: Range<i64>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct AllLost {
    pub(super) version: u32,
    pub(super) lost: Vec<Lost>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct KnownSince {
    pub(super) version: u32,
    pub(super) known_since: Option<i64>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Fault {
    pub(super) version: u32,
    pub(super) error: String,
    #[serde(default)]
    pub(super) available: Vec<String>,
    /// What the status does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<FaultReason>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum FaultReason {
    /// The aggregator has no such metric.
    NotConfigured,
    #[serde(other)]
    Other,
}

impl Question {
    /// As the query of a URL.
    pub(super) fn to_query(&self) -> String {
        let Self { service, metric, minutes } = self;
        form_urlencoded::Serializer::new(String::new())
            .append_pair("service", service.as_str())
            .append_pair("metric", metric.as_str())
            .append_pair("from", &minutes.start.to_string())
            .append_pair("to", &minutes.end.to_string())
            .finish()
    }

    /// # Errors
    /// `Invalid`, naming the field.
    pub(super) fn read(query: &str) -> Result<Self> {
        let (Span { service, minutes }, metric) = read(query)?;
        Ok(Self { service, metric: MetricName::new(&needed(metric, "metric")?)?, minutes })
    }
}

impl Span {
    /// As the query of a URL.
    pub(super) fn to_query(&self) -> String {
        form_urlencoded::Serializer::new(String::new())
            .append_pair("service", self.service.as_str())
            .append_pair("from", &self.minutes.start.to_string())
            .append_pair("to", &self.minutes.end.to_string())
            .finish()
    }

    /// # Errors
    /// `Invalid`, naming the field.
    pub(super) fn read(query: &str) -> Result<Self> {
        match read(query)? {
            (span, None) => Ok(span),
            (_, Some(_)) => Err(invalid("no such field", "metric")),
        }
    }
}

fn invalid(message: &str, field: &str) -> Error {
    Error::invalid("aggregator.question", message).with("field", field).with_available(FIELDS)
}

fn needed(value: Option<String>, field: &str) -> Result<String> {
    value.ok_or_else(|| invalid("missing, and required", field))
}

/// What a query asks for, and of which metric, if it says so.
fn read(query: &str) -> Result<(Span, Option<String>)> {
    let mut values: [Option<String>; 4] = Default::default();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let at = FIELDS.iter().position(|field| *field == name);
        let slot = at.and_then(|at| values.get_mut(at)).ok_or_else(|| invalid("no such field", &name))?;
        if slot.replace(value.into_owned()).is_some() {
            return Err(invalid("twice", &name));
        }
    }
    let [service, metric, from, to] = values;
    let minute = |value: Option<String>, field: &str| {
        let number = needed(value, field)?.parse::<i64>().ok();
        // What is no time could not be asked for.
        let number = number.filter(|minute| minute.unsigned_abs() < 1 << 32);
        number.ok_or_else(|| invalid("expected a minute", field))
    };
    let service = ServiceName::new(&needed(service, "service")?)?;
    Ok((Span { service, minutes: minute(from, "from")?..minute(to, "to")? }, metric))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_read_back_and_a_wrong_one_names_its_field() {
        let question = Question {
            service: ServiceName::new("shop").unwrap(),
            metric: MetricName::new("latency").unwrap(),
            minutes: 5..29_000_000,
        };
        assert_eq!(Question::read(&question.to_query()).unwrap(), question);
        for (query, field) in [
            ("", "service"),
            ("service=shop&metric=latency&from=1", "to"),
            ("service=shop&metric=latency&from=1&to=x", "to"),
            ("service=shop&metric=latency&from=1e3&to=2", "from"),
            ("service=shop&metric=latency&from=99999999999&to=2", "from"),
            ("service=shop&service=shop", "service"),
            ("service=shop&step=1", "step"),
        ] {
            let error = Question::read(query).unwrap_err();
            assert!(error.is_invalid() && error.to_string().contains(field), "{query}: {error}");
        }
        assert!(Question::read("service=Shop!&metric=latency&from=1&to=2").unwrap_err().is_invalid());
    }
}
