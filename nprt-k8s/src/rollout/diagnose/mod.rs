//! Why a rollout does not go on, in words: from the states of its pods' containers, from the warnings that
//! the cluster noted about them, and from the log of a container that crashes.

mod ask;
mod pod;

use futures_util::future::join_all;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::core::Selector;
use nprt_core::ErrorKind;
use nprt_core::ports::RolloutStatus;
use pod::{Trouble, ending, trouble};
use serde_json::Value;

use super::state::Workload;
use crate::client::Client;
use crate::error::{Failure, one_line};

/// The most pods to name: the others fail for the same reason.
const AT_MOST: usize = 3;

/// When a diagnosis is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    /// While it may still heal: what every start looks like is no trouble yet.
    UnderWay,
    /// The rollout has failed.
    Failed,
}

/// What a diagnosis found.
#[derive(Debug, Default)]
pub(super) struct Diagnosis {
    /// Why pods are not ready.
    causes: Vec<String>,
    /// What may not be read, in words.
    unread: Option<String>,
}

impl Diagnosis {
    /// Says the causes in `status` before its counts, which only follow from them.
    pub(super) fn explain(&self, status: &mut RolloutStatus) {
        let counts = std::mem::take(&mut status.message);
        let parts = self.causes.iter().chain([&counts]).chain(&self.unread);
        status.message = parts.map(String::as_str).collect::<Vec<_>>().join("; ");
    }
}

/// What keeps pods of `workload` from being ready, the newest pods first. What cannot be read is left out, and
/// logged: a diagnosis with a part is better than none. What we have no right to read is named.
pub(super) async fn diagnose(client: &Client, workload: &Value, when: When) -> Diagnosis {
    let Part { found: pods, unread } = pods(client, workload).await;
    let mut found: Vec<_> = pods.iter().filter_map(trouble).collect();
    let nothing_new_waits = found.is_empty();
    // Those that say why cost no request for it.
    found.sort_by_key(|trouble| !trouble.is_cause);
    let said = found.into_iter().take(AT_MOST).map(|trouble| in_words(client, trouble, when));
    let mut causes: Vec<_> = join_all(said).await.into_iter().flatten().collect();
    if causes.is_empty() {
        causes.extend(refused(client, Workload(workload)).await);
    }
    // New pods may have to wait until old ones are gone; where new ones are there, they do not.
    if causes.is_empty() && nothing_new_waits {
        causes.extend(pods.iter().filter_map(ending).take(AT_MOST));
    }
    Diagnosis { causes, unread }
}

/// The pods of a workload, the newest first: an earlier version may fail too.
async fn pods(client: &Client, workload: &Value) -> Part<Vec<Value>> {
    let selector = workload.pointer("/spec/selector").cloned().unwrap_or_default();
    let selector = serde_json::from_value::<LabelSelector>(selector).ok().map(Selector::try_from);
    let Some(Ok(selector)) = selector else { return Part::default() };
    let namespace = Workload(workload).text("/metadata/namespace");
    let mut pods = part(client.pods(namespace, &selector.to_string()).await, "its pods");
    pods.found.sort_by(|a, b| created(b).cmp(created(a)));
    pods
}

fn created(object: &Value) -> &str {
    Workload(object).text("/metadata/creationTimestamp")
}

async fn in_words(client: &Client, trouble: Trouble<'_>, when: When) -> Option<String> {
    let Trouble { pod, mut text, is_cause, crashed } = trouble;
    if !is_cause {
        let Part { found: warnings, unread } = part(client.warnings(pod).await, "its events");
        match (warnings.last(), unread) {
            (Some(warning), _) => text = format!("{text}: {}", event(warning)),
            (None, Some(unread)) => text = format!("{text}; {unread}"),
            (None, None) if when == When::UnderWay => return None,
            (None, None) => {}
        }
    }
    if let Some(crashed) = crashed {
        let Part { found: log, unread } = part(client.log(pod, crashed).await, "its log");
        let lines: Vec<_> = log.lines().map(line).filter(|line| !line.is_empty()).collect();
        if !lines.is_empty() {
            text = format!("{text}; its log ends: {}", lines.join(" | "));
        }
        if let Some(unread) = unread {
            text = format!("{text}; {unread}");
        }
    }
    Some(format!("pod {}: {text}", Workload(pod).text("/metadata/name")))
}

/// Why the workload's controller cannot make pods: a quota, or a refusal by admission. A Deployment says that
/// in a condition.
async fn refused(client: &Client, workload: Workload<'_>) -> Option<String> {
    let written = workload.written()?;
    let Part { found: warnings, unread } = part(client.warnings(workload.0).await, "its events");
    newest_since(&warnings, written).map(event).or(unread)
}

/// The newest of `events`, which come in the order of their times, unless it is of an earlier rollout.
fn newest_since(events: &[Value], written: Timestamp) -> Option<&Value> {
    events.last().filter(|newest| ask::time(newest).parse::<Timestamp>().is_ok_and(|time| time >= written))
}

/// An event as `kubectl describe` tells it.
fn event(event: &Value) -> String {
    let text = |pointer| one_line(Workload(event).text(pointer));
    format!("{}: {}", text("/reason"), text("/message"))
}

/// A line of a log, as it may stand in a message.
fn line(line: &str) -> String {
    let plain: String = line.chars().filter(|c| !c.is_control() || *c == '\t').take(200).collect();
    one_line(&plain)
}

/// A part of a diagnosis.
#[derive(Default)]
struct Part<T> {
    /// What the server answered; nothing where it did not.
    found: T,
    /// That it may not be read, in words.
    unread: Option<String>,
}

fn part<T: Default>(answer: Result<T, Failure>, what: &str) -> Part<T> {
    match answer {
        Ok(found) => Part { found, unread: None },
        Err(failure) => {
            let error = failure.into_error();
            tracing::warn!(%error, what, "a part of the diagnosis cannot be read");
            let forbidden = error.kind() == ErrorKind::Forbidden;
            Part { found: T::default(), unread: forbidden.then(|| format!("{what} may not be read")) }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_refused_before_this_rollout_is_not_said_of_it() {
        let events = ["2026-01-01T00:00:01Z", "2026-01-01T00:00:05Z"].map(|at| json!({"lastTimestamp": at}));
        let newest = |written: &str| newest_since(&events, written.parse().unwrap());
        assert_eq!(newest("2026-01-01T00:00:05Z"), Some(&events[1]));
        assert_eq!(newest("2026-01-01T00:00:06Z"), None);
    }

    #[test]
    fn a_line_of_a_log_cannot_draw_on_the_screen() {
        assert_eq!(line("\u{1b}[31mpanic:\tno port\r"), "[31mpanic: no port");
        assert_eq!(line(&"x".repeat(1000)).len(), 200);
    }
}
