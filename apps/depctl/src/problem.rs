//! Problem documents (RFC 9457), and what else a server refuses with.

use reqwest::StatusCode;
use serde_json::Value;

use crate::clean::line;
use crate::failure::{Exit, Failure};

/// The failure of an answer whose status is no success. A gateway's page in place of the server's own document
/// means that the server was not reached.
pub(crate) fn refused(status: StatusCode, body: &[u8]) -> Failure {
    match serde_json::from_slice::<Value>(body) {
        Ok(document) if document.is_object() => of_document(status.as_u16(), document),
        _ => {
            let gateway = matches!(status.as_u16(), 502..=504);
            let exit = if gateway { Exit::Unreachable } else { Exit::Refused };
            Failure::new(exit, format!("the server answered {status} without saying why"))
        }
    }
}

/// The failure that a problem document tells: its detail, then each field of its context on a line.
pub(crate) fn of_document(status: u16, document: Value) -> Failure {
    let text =
        |name: &str| document.get(name).and_then(Value::as_str).map(line).filter(|text| !text.is_empty());
    let title = text("kind").or_else(|| text("title")).unwrap_or_else(|| "refused".to_owned());
    let message = match text("detail") {
        Some(detail) => format!("{title} ({status}): {detail}"),
        None => format!("{title} ({status})"),
    };
    let mut failure = Failure::new(Exit::Refused, message);
    if let Some(context) = document.get("context").and_then(Value::as_object) {
        for (field, value) in context {
            failure = failure.with(format!("{}: {}", line(field), line(&shown(value))));
        }
    }
    let available = document.get("available").and_then(Value::as_array);
    if let Some(names) = available.filter(|names| !names.is_empty()) {
        let names: Vec<String> = names.iter().map(|name| line(&shown(name))).collect();
        failure = failure.with(format!("available: {}", names.join(", ")));
    }
    match status {
        401 => failure = failure.with("set a token by DEPCTL_TOKEN, --token-file or the configuration"),
        409 => failure = failure.with("see `depctl status`; --wait waits until another operation is over"),
        _ => {}
    }
    failure.problem = Some(Box::new((status, document)));
    failure
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
