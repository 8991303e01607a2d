//! How requests ended, by the labels that say it.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::series::LabelSet;
use crate::RequestOutcome;
use crate::status_code::understood;

/// The labels that say how requests ended. A request failed where one of them says so; those that are empty or not
/// there say nothing. In a configuration it is one label or a list, and a label is its name or a map (`{label: code, values:
/// {'0': failure}}`).
///
/// Understood by themselves are HTTP codes (`503`) and their classes (`5xx`), where 5xx are failures; gRPC codes, by
/// name (`Unavailable`, `UNAVAILABLE`) or, of labels with `grpc` in their name, by number (`14`), where Unknown,
/// DeadlineExceeded, Unimplemented, Internal, Unavailable and DataLoss are failures, as OpenTelemetry has it for
/// servers; and Linkerd's `success` and `failure`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Statuses(pub Vec<StatusLabel>);

/// A label that says how requests ended.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatusLabel {
    /// The label.
    pub label: String,
    /// What values mean that are not understood, or are meant in another way; `*` stands for all others.
    #[serde(default)]
    pub values: BTreeMap<String, RequestOutcome>,
}

impl Statuses {
    /// The labels.
    pub(super) fn labels(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|status| status.label.as_str())
    }

    /// How the requests of a series ended.
    ///
    /// # Errors
    /// Where no label says it, or one says something that is not understood: such requests are no successes.
    pub(super) fn outcome(&self, labels: &LabelSet) -> Result<RequestOutcome, String> {
        let mut outcome = None;
        for status in &self.0 {
            let Some(value) = labels.get(&status.label).filter(|value| !value.is_empty()) else { continue };
            let said = status.outcome(value).ok_or_else(|| {
                format!("the label {} says {value:?}, which tells neither success nor failure", status.label)
            })?;
            if outcome != Some(RequestOutcome::Failure) {
                outcome = Some(said);
            }
        }
        outcome.ok_or_else(|| {
            let expected: Vec<&str> = self.labels().collect();
            let found: Vec<&str> = labels.names().collect();
            let (expected, found) = (expected.join(" or "), found.join(", "));
            format!("no label says which requests failed: expected {expected}, found the labels {found}")
        })
    }
}

impl StatusLabel {
    fn outcome(&self, value: &str) -> Option<RequestOutcome> {
        let given = |value: &str| self.values.get(value).copied();
        given(value).or_else(|| understood(&self.label, value)).or_else(|| given("*"))
    }
}

impl From<&str> for StatusLabel {
    fn from(label: &str) -> Self {
        Self { label: label.to_owned(), values: BTreeMap::new() }
    }
}

impl<'de> Deserialize<'de> for Statuses {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Statuses;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a label that says how requests ended, or a list of them")
            }

            fn visit_str<E: serde::de::Error>(self, label: &str) -> Result<Statuses, E> {
                Ok(Statuses(vec![label.into()]))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Statuses, A::Error> {
                StatusLabel::deserialize(MapAccessDeserializer::new(map)).map(|label| Statuses(vec![label]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Statuses, A::Error> {
                let mut all = Vec::new();
                while let Some(Statuses(labels)) = seq.next_element()? {
                    all.extend(labels);
                }
                Ok(Statuses(all))
            }
        }
        deserializer.deserialize_any(All)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(statuses: &Statuses, labels: &str) -> Result<RequestOutcome, String> {
        statuses.outcome(&serde_json::from_str(labels).unwrap())
    }

    fn labels(names: &[&str]) -> Statuses {
        Statuses(names.iter().map(|name| StatusLabel::from(*name)).collect())
    }

    #[test]
    fn codes_are_understood() {
        let of = |name: &str, value: &str| outcome(&labels(&[name]), &format!(r#"{{"{name}": "{value}"}}"#));
        for success in ["200", "404", "101", "2xx", "4XX", "OK", "NotFound", "INVALID_ARGUMENT", "success"] {
            assert_eq!(of("code", success), Ok(RequestOutcome::Success), "{success}");
        }
        for failure in ["500", "503", "599", "5xx", "Unavailable", "DEADLINE_EXCEEDED", "Unknown", "failure"]
        {
            assert_eq!(of("code", failure), Ok(RequestOutcome::Failure), "{failure}");
        }
        for unknown in ["0", "14", "600", "5000", "-1", "true", "OK!", "５００"] {
            assert!(of("code", unknown).unwrap_err().contains(unknown), "{unknown}");
        }
        for (code, failed) in [("0", false), ("14", true), ("5", false), ("2", true), ("16", false)] {
            let expected = if failed { RequestOutcome::Failure } else { RequestOutcome::Success };
            assert_eq!(of("rpc_grpc_status_code", code), Ok(expected), "{code}");
        }
        for unknown in ["17", "200", "00"] {
            assert!(of("grpc_code", unknown).is_err(), "{unknown}");
        }
    }

    #[test]
    fn any_label_may_say_that_it_failed() {
        let statuses = labels(&["response_code", "grpc_response_status"]);
        let of = |labels| outcome(&statuses, labels);
        let failed = r#"{"response_code": "200", "grpc_response_status": "14"}"#;
        assert_eq!(of(failed), Ok(RequestOutcome::Failure));
        let first = r#"{"response_code": "503", "grpc_response_status": "0"}"#;
        assert_eq!(of(first), Ok(RequestOutcome::Failure));
        let plain = r#"{"response_code": "200", "grpc_response_status": ""}"#;
        assert_eq!(of(plain), Ok(RequestOutcome::Success));
        let none = of(r#"{"track": "canary", "status": "500"}"#).unwrap_err();
        assert!(none.contains("response_code or grpc_response_status"), "{none}");
        assert!(none.contains("found the labels track, status"), "{none}");
    }

    #[test]
    fn values_may_be_given_a_meaning() {
        let text = r#"["grpc_status", {"label": "code", "values": {"0": "failure", "500": "success"}}]"#;
        let statuses: Statuses = serde_json::from_str(text).unwrap();
        assert_eq!(outcome(&statuses, r#"{"code": "0"}"#), Ok(RequestOutcome::Failure));
        assert_eq!(outcome(&statuses, r#"{"code": "500", "grpc_status": "0"}"#), Ok(RequestOutcome::Success));
        assert!(outcome(&statuses, r#"{"code": "1"}"#).is_err());
        let any: Statuses = serde_json::from_str(r#"{"label": "e", "values": {"*": "failure"}}"#).unwrap();
        assert_eq!(outcome(&any, r#"{"e": "timeout"}"#), Ok(RequestOutcome::Failure));
        assert_eq!(outcome(&any, r#"{"e": "200"}"#), Ok(RequestOutcome::Success));
        for (wrong, said) in
            [("7", "a label that says"), (r#"{"label": "a", "values": {"0": "ok"}}"#, "`failure`")]
        {
            let error = serde_json::from_str::<Statuses>(wrong).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }
}
