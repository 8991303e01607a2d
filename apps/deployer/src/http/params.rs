//! Parameters of a request that changes something: in the query, as a form or as JSON, or in several at once.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use nprt::model::{StrictJson, VersionRef};
use percent_encoding::percent_decode;
use serde_json::{Number, Value};

use super::problem::Problem;

/// The longest wait for a lease.
const LONGEST_WAIT: u64 = 3600;

const FORM: &str = "application/x-www-form-urlencoded";
pub(crate) const JSON: &str = "application/json";

/// What each route takes. Whatever else is said was meant to matter, and is refused.
/// It is about a version: any, or the canary's.
pub(crate) const VERSION: &[&str] = &["commit", "tag", "reason", "wait", "notify", "dry_run"];
/// It is about the canary that runs, whichever it is, and waits for nobody.
pub(crate) const ROLLBACK: &[&str] = &["reason", "notify", "dry_run"];
/// The same, where there is nothing to look at beforehand.
pub(crate) const DECIDE: &[&str] = &["reason", "notify"];

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

impl Params {
    /// Reads and merges them. A value that is empty is a variable that was not set, and never means the default:
    /// what would then be done is not what was meant.
    ///
    /// # Errors
    /// 400 for a name that is none of `names` or is there twice, or a value that cannot be read; 415 for a body of another
    /// type.
    pub(crate) fn read(
        names: &[&'static str],
        query: Option<&str>,
        headers: &HeaderMap,
        body: &Bytes,
    ) -> Result<Self, Problem> {
        let mut said = Said { names, values: BTreeMap::new() };
        said.form(query.unwrap_or_default().as_bytes())?;
        if !body.is_empty() {
            not_encoded(headers)?;
            said.body(headers, body)?;
        }
        Self::of(said.values)
    }

    fn of(mut said: BTreeMap<String, String>) -> Result<Self, Problem> {
        let mut take = |name: &str| said.remove(name);
        let (commit, tag, reason) = (take("commit"), take("tag"), take("reason").unwrap_or_default());
        let wait = match take("wait").map(|text| text.parse()) {
            None | Some(Ok(0)) => None,
            Some(Ok(seconds)) if seconds <= LONGEST_WAIT => Some(Duration::from_secs(seconds)),
            Some(_) => return Err(Problem::invalid("expected 0 to 3600 seconds").with("parameter", "wait")),
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

/// What was said so far, by one that may say `names`.
struct Said<'a> {
    names: &'a [&'static str],
    values: BTreeMap<String, String>,
}

impl Said<'_> {
    fn insert(&mut self, name: &str, value: String) -> Result<(), Problem> {
        if !self.names.contains(&name) {
            return Err(Problem::invalid("unknown parameter")
                .with("parameter", name)
                .with_available(self.names));
        }
        if value.is_empty() {
            return Err(Problem::invalid("expected a value: leave the parameter out if there is none")
                .with("parameter", name));
        }
        // Somebody else could read the other value.
        match self.values.insert(name.to_owned(), value) {
            Some(_) => Err(Problem::invalid("parameter given twice").with("parameter", name)),
            None => Ok(()),
        }
    }

    fn form(&mut self, text: &[u8]) -> Result<(), Problem> {
        // The parser would put a replacement character for what it cannot read.
        if percent_decode(text).decode_utf8().is_err() {
            return Err(Problem::invalid("the parameters are not valid UTF-8"));
        }
        url::form_urlencoded::parse(text).try_for_each(|(name, value)| self.insert(&name, value.into_owned()))
    }

    fn body(&mut self, headers: &HeaderMap, body: &Bytes) -> Result<(), Problem> {
        match media_type(headers).as_deref() {
            Some(FORM) => self.form(body),
            Some(JSON) => self.json(body),
            _ => Err(Problem::unsupported_type("expected a form or JSON", &[FORM, JSON])),
        }
    }

    fn json(&mut self, body: &Bytes) -> Result<(), Problem> {
        let Ok(StrictJson(Value::Object(map))) = serde_json::from_slice(body) else {
            return Err(Problem::invalid(
                "expected the request body to be a JSON object without duplicate names",
            ));
        };
        for (name, value) in map {
            let value = match (name.as_str(), value) {
                (_, Value::String(text)) => text,
                ("wait", Value::Number(seconds)) => whole(&seconds),
                ("notify" | "dry_run", Value::Bool(flag)) => flag.to_string(),
                // As if it was not there, if it may be.
                (name, Value::Null) if self.names.contains(&name) => continue,
                _ => return Err(Problem::invalid("wrong type of value").with("parameter", name)),
            };
            self.insert(&name, value)?;
        }
        Ok(())
    }
}

/// # Errors
/// 415 for a body that is compressed: nobody decompresses it here, since it may be without end.
fn not_encoded(headers: &HeaderMap) -> Result<(), Problem> {
    let mut encodings = headers.get_all(CONTENT_ENCODING).iter();
    if encodings.all(|encoding| encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Ok(());
    }
    Err(Problem::unsupported_type("expected a body without Content-Encoding", &["identity"]))
}

/// What a body is said to be; `None` where that is not said, or twice.
pub(crate) fn media_type(headers: &HeaderMap) -> Option<String> {
    let mut all = headers.get_all(CONTENT_TYPE).iter();
    let kind = all.next()?.to_str().ok().filter(|_| all.next().is_none())?;
    Some(kind.split(';').next()?.trim().to_ascii_lowercase())
}

/// The text of a number. JSON does not tell 5.0 from 5.
pub(crate) fn whole(number: &Number) -> String {
    let text = number.to_string();
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str, kind: &str, body: &'static str) -> Result<Params, Problem> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, kind.parse().unwrap());
        Params::read(VERSION, Some(query), &headers, &Bytes::from_static(body.as_bytes()))
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
            read("commit=main", json, r#"{"wait": 9.0, "notify": false, "tag": null}"#).unwrap(),
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
            ("commit=a&commit=a", ""),
            ("commit=a&com%6dit=a", ""),
            ("commit=a", r#"{"commit": "a"}"#),
            ("", r#"{"commit": "a", "commit": "a"}"#),
            ("", r#"{"commit": "a", "tag": null, "tag": null}"#),
            ("wait=-1", ""),
            ("wait=99999", ""),
            ("dry_run=perhaps", ""),
            ("", "[]"),
            ("", r#"{"tag": ["x"]}"#),
            ("", r#"{"tag": 7}"#),
            ("", r#"{"comit": null}"#),
            ("commit=", ""),
            ("tag=x&dry_run=", ""),
            ("commit=a&reason=", ""),
            ("commit=a", r#"{"reason": ""}"#),
            ("reason=%ff", ""),
        ] {
            let version = read(query, json, body).and_then(|params| params.version());
            assert!(version.is_err(), "{query} {body}");
        }
        assert!(read("", "text/plain", "commit=main").is_err());
        for (encoding, is_read) in [("identity", true), ("gzip", false), ("identity, gzip", false)] {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, json.parse().unwrap());
            headers.insert(CONTENT_ENCODING, encoding.parse().unwrap());
            let body = Bytes::from_static(br#"{"commit": "main"}"#);
            assert_eq!(Params::read(VERSION, None, &headers, &body).is_ok(), is_read, "{encoding}");
        }
        let decide = |query| Params::read(DECIDE, Some(query), &HeaderMap::new(), &Bytes::new());
        assert!(decide("reason=slow").is_ok());
        for other in ["tag=x", "wait=5", "dry_run=true"] {
            assert!(decide(other).is_err(), "{other}");
        }
    }
}
