//! Parameters of a request that changes something: in the query, as a form or as JSON, or in several at once.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use nprt::ErrorKind;
use nprt::model::VersionRef;
use serde_json::Value;

use super::problem::Problem;

/// The longest wait for a lease.
const LONGEST_WAIT: u64 = 3600;

/// What a request may say.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Params {
    commit: Option<String>,
    tag: Option<String>,
    pub(crate) reason: String,
    pub(crate) wait: Option<Duration>,
    pub(crate) notify: Option<bool>,
    pub(crate) dry_run: bool,
}

const NAMES: [&str; 6] = ["commit", "tag", "reason", "wait", "notify", "dry_run"];

impl Params {
    /// Reads and merges them.
    ///
    /// # Errors
    /// 400 for a name that is not known, one with two values, or a value that cannot be read; 415 for a body of
    /// another type.
    pub(crate) fn read(query: Option<&str>, headers: &HeaderMap, body: &Bytes) -> Result<Self, Problem> {
        let mut said = BTreeMap::new();
        for (name, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            insert(&mut said, name.into_owned(), value.into_owned())?;
        }
        if !body.is_empty() {
            read_body(&mut said, headers, body)?;
        }
        Self::of(said)
    }

    fn of(mut said: BTreeMap<String, String>) -> Result<Self, Problem> {
        let mut take = |name: &str| said.remove(name).filter(|value| !value.is_empty());
        let (commit, tag, reason) = (take("commit"), take("tag"), take("reason").unwrap_or_default());
        let wait = match take("wait") {
            None => None,
            Some(text) => match text.parse() {
                Ok(0) => None,
                Ok(seconds) if seconds <= LONGEST_WAIT => Some(Duration::from_secs(seconds)),
                _ => return Err(Problem::invalid("expected 0 to 3600 seconds").with("parameter", "wait")),
            },
        };
        let mut flag = |name: &'static str| match take(name).as_deref() {
            None => Ok(None),
            Some("true" | "1") => Ok(Some(true)),
            Some("false" | "0") => Ok(Some(false)),
            Some(_) => Err(Problem::invalid("expected true or false").with("parameter", name)),
        };
        let (notify, dry_run) = (flag("notify")?, flag("dry_run")?.unwrap_or(false));
        Ok(Self { commit, tag, reason, wait, notify, dry_run })
    }

    /// # Errors
    /// 400 where a dry run is asked for: this route has none, and would do it.
    pub(crate) fn without_dry_run(self) -> Result<Self, Problem> {
        if self.dry_run {
            return Err(
                Problem::invalid("only deploy and canary have a dry run").with("parameter", "dry_run")
            );
        }
        Ok(self)
    }

    /// # Errors
    /// 400 where a version is asked for (or a dry run): this route is about what runs, whichever it is.
    pub(crate) fn without_version(self) -> Result<Self, Problem> {
        if self.commit.is_some() || self.tag.is_some() {
            return Err(Problem::invalid("this is about what runs: no commit and no tag can be given"));
        }
        self.without_dry_run()
    }

    /// The version that is asked for, if any.
    ///
    /// # Errors
    /// 400 for one that is malformed.
    pub(crate) fn version(&self) -> Result<Option<VersionRef>, Problem> {
        if self.commit.is_none() && self.tag.is_none() {
            return Ok(None);
        }
        Ok(Some(VersionRef::new(self.commit.as_deref(), self.tag.as_deref())?))
    }
}

fn insert(said: &mut BTreeMap<String, String>, name: String, value: String) -> Result<(), Problem> {
    if !NAMES.contains(&name.as_str()) {
        return Err(Problem::invalid("no such parameter").with("parameter", name).with_available(NAMES));
    }
    match said.get(&name) {
        Some(known) if *known != value => {
            Err(Problem::invalid("given twice, with different values").with("parameter", name))
        }
        _ => {
            said.insert(name, value);
            Ok(())
        }
    }
}

fn read_body(said: &mut BTreeMap<String, String>, headers: &HeaderMap, body: &Bytes) -> Result<(), Problem> {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    match kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "application/x-www-form-urlencoded" => {
            for (name, value) in url::form_urlencoded::parse(body) {
                insert(said, name.into_owned(), value.into_owned())?;
            }
            Ok(())
        }
        "application/json" => {
            let Ok(Value::Object(map)) = serde_json::from_slice(body) else {
                return Err(Problem::invalid("the body is no JSON object"));
            };
            for (name, value) in map {
                let value = match value {
                    Value::Null => continue,
                    Value::String(text) => text,
                    Value::Bool(_) | Value::Number(_) => value.to_string(),
                    _ => return Err(Problem::invalid("expected text").with("parameter", name)),
                };
                insert(said, name, value)?;
            }
            Ok(())
        }
        _ => Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            ErrorKind::Unsupported,
            "expected a form or JSON",
        )
        .with_available(["application/x-www-form-urlencoded", "application/json"])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str, kind: &str, body: &'static str) -> Result<Params, Problem> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, kind.parse().unwrap());
        Params::read(Some(query), &headers, &Bytes::from_static(body.as_bytes()))
    }

    #[test]
    fn all_three_forms_say_the_same_and_merge() {
        let expected = Params {
            commit: Some("main".to_owned()),
            wait: Some(Duration::from_secs(9)),
            notify: Some(false),
            ..Params::default()
        };
        let json = "application/json; charset=utf-8";
        let form = "application/x-www-form-urlencoded";
        assert_eq!(read("commit=main&wait=9&notify=false", json, "").unwrap(), expected);
        assert_eq!(read("", form, "commit=main&wait=9&notify=0").unwrap(), expected);
        assert_eq!(
            read("commit=main", json, r#"{"commit": "main", "wait": 9, "notify": false}"#).unwrap(),
            expected
        );
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        let json = "application/json";
        for (query, body) in [
            ("comit=x", ""),
            ("commit=a", r#"{"commit": "b"}"#),
            ("commit=a&commit=b", ""),
            ("wait=-1", ""),
            ("wait=99999", ""),
            ("dry_run=perhaps", ""),
            ("", "[]"),
            ("", r#"{"tag": ["x"]}"#),
        ] {
            assert!(read(query, json, body).is_err(), "{query} {body}");
        }
        assert!(read("", "text/plain", "commit=main").is_err());
    }
}
