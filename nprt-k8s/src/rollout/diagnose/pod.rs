//! What the status of a pod says about why it is not ready.

use serde_json::Value;

use super::super::state::Workload;
use crate::error::one_line;

/// How a container waits that has only just been made: that is how every one begins.
const STARTING: [&str; 2] = ["ContainerCreating", "PodInitializing"];

/// What keeps a pod from being ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trouble<'a> {
    pub(super) pod: &'a Value,
    pub(super) text: String,
    /// Whether the text says why; else only the pod's events do, if anything.
    pub(super) is_cause: bool,
    /// The container whose log may say more.
    pub(super) crashed: Option<Crashed>,
}

/// A container that ended, and should not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Crashed {
    pub(super) container: String,
    /// Its log is that of the instance before.
    pub(super) restarted: bool,
}

/// What keeps `pod` from being ready, if anything does. One that ends is none of the rollout's.
pub(super) fn trouble(pod: &Value) -> Option<Trouble<'_>> {
    if pod.pointer("/metadata/deletionTimestamp").is_some() {
        return None;
    }
    let unready = list(pod, "/status/conditions").find(|condition| condition.text("/status") == "False")?;
    let containers = ["/status/initContainerStatuses", "/status/containerStatuses"];
    let said = containers.into_iter().flat_map(|pointer| list(pod, pointer)).find_map(container);
    if let Some((text, crashed)) = said {
        return Some(Trouble { pod, text, is_cause: true, crashed });
    }
    let (condition, reason) = (unready.text("/type"), unready.text("/reason"));
    let text = format!("not {condition}: {reason} {}", one_line(unready.text("/message")));
    let is_cause = condition == "PodScheduled";
    Some(Trouble { pod, text: text.trim_end().to_owned(), is_cause, crashed: None })
}

/// That `pod` is ending, if it is, and what holds it.
pub(super) fn ending(pod: &Value) -> Option<String> {
    pod.pointer("/metadata/deletionTimestamp")?;
    let name = Workload(pod).text("/metadata/name");
    let finalizers = pod.pointer("/metadata/finalizers").and_then(Value::as_array);
    let finalizers: Vec<&str> = finalizers.into_iter().flatten().filter_map(Value::as_str).collect();
    Some(match finalizers[..] {
        [] => format!("pod {name} is still ending"),
        _ => format!("pod {name} is deleted, but its finalizers hold it: {}", finalizers.join(", ")),
    })
}

/// What is wrong with a container, and whether it crashed.
fn container(container: Workload<'_>) -> Option<(String, Option<Crashed>)> {
    let name = container.text("/name");
    let last = container.at("/lastState/terminated").map(Workload);
    let crashed = |restarted| Some(Crashed { container: name.to_owned(), restarted });
    let says = |state: Workload<'_>| {
        let (reason, message) = (state.text("/reason"), one_line(state.text("/message")));
        format!("container {name}: {reason}{}{message}", if message.is_empty() { "" } else { ": " })
    };
    if let Some(waiting) = container.at("/state/waiting").map(Workload) {
        let reason = waiting.text("/reason");
        if STARTING.contains(&reason) && last.is_none() {
            return None;
        }
        let last_end = last.map(|last| format!(" ({})", end(container, last))).unwrap_or_default();
        return Some((says(waiting) + &last_end, last.and_then(|_| crashed(true))));
    }
    if let Some(ended) = container.at("/state/terminated").map(Workload) {
        let is_failure = ended.count("/exitCode") != 0 || ended.text("/reason") != "Completed";
        return is_failure
            .then(|| (format!("{} (code {})", says(ended), ended.count("/exitCode")), crashed(false)));
    }
    // It runs again, for now.
    let last = last.filter(|_| !container.is_true("/ready"))?;
    Some((format!("container {name}: not ready ({})", end(container, last)), crashed(true)))
}

/// How a container ended last.
fn end(container: Workload<'_>, last: Workload<'_>) -> String {
    let mut text = format!("it ended last with code {}", last.count("/exitCode"));
    if !matches!(last.text("/reason"), "" | "Error" | "Completed") {
        text = format!("{text}, {}", last.text("/reason"));
    }
    if !last.text("/message").is_empty() {
        text = format!("{text}, saying {:?}", one_line(last.text("/message")));
    }
    match container.count("/restartCount") {
        0 => text,
        1 => format!("{text}, and was restarted once"),
        times => format!("{text}, and was restarted {times} times"),
    }
}

fn list<'a>(pod: &'a Value, pointer: &str) -> impl Iterator<Item = Workload<'a>> + use<'a> {
    pod.pointer(pointer).and_then(Value::as_array).into_iter().flatten().map(Workload)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What is said of a pod whose container has `status`, and of which container the log is read.
    fn said(status: &Value) -> Option<(String, bool, Option<bool>)> {
        let mut status = status.clone();
        status["name"] = json!("app");
        let pod = json!({"metadata": {"name": "a-1"}, "status": {
            "conditions": [{"type": "Ready", "status": "False", "reason": "ContainersNotReady"}],
            "containerStatuses": [status]}});
        trouble(&pod)
            .map(|found| (found.text, found.is_cause, found.crashed.map(|crashed| crashed.restarted)))
    }

    #[test]
    fn a_container_that_crashes_says_how_it_ended() {
        let last = json!({"terminated": {"exitCode": 137, "reason": "OOMKilled", "message": "no\nmemory"}});
        let waiting = json!({"restartCount": 5, "lastState": last,
            "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 40s"}}});
        let ended = "it ended last with code 137, OOMKilled, saying \"no memory\"";
        let expected =
            format!("container app: CrashLoopBackOff: back-off 40s ({ended}, and was restarted 5 times)");
        assert_eq!(said(&waiting), Some((expected, true, Some(true))));
        let running = json!({"restartCount": 1, "lastState": last, "state": {"running": {}}, "ready": false});
        let expected = format!("container app: not ready ({ended}, and was restarted once)");
        assert_eq!(said(&running), Some((expected, true, Some(true))));
        let once = json!({"state": {"terminated": {"exitCode": 2, "reason": "Error"}}});
        assert_eq!(said(&once), Some(("container app: Error (code 2)".to_owned(), true, Some(false))));
        let done = json!({"state": {"terminated": {"exitCode": 0, "reason": "Completed"}}});
        assert_eq!(said(&done), Some(("not Ready: ContainersNotReady".to_owned(), false, None)));
    }

    #[test]
    fn an_image_that_cannot_be_had_is_a_cause_and_a_start_is_none() {
        let waiting = |reason: &str| json!({"state": {"waiting": {"reason": reason, "message": "no"}}});
        let pull = said(&waiting("ImagePullBackOff"));
        assert_eq!(pull, Some(("container app: ImagePullBackOff: no".to_owned(), true, None)));
        let start = said(&waiting("ContainerCreating"));
        assert_eq!(start, Some(("not Ready: ContainersNotReady".to_owned(), false, None)));
    }

    #[test]
    fn an_unscheduled_pod_says_why_and_a_ready_or_ending_one_nothing() {
        let pod = |status: &str| {
            json!({"metadata": {"name": "a-1"}, "status": {"conditions": [
                {"type": "PodScheduled", "status": status, "reason": "Unschedulable", "message": "0/3 nodes"}]}})
        };
        let unscheduled = pod("False");
        let found = trouble(&unscheduled).unwrap();
        assert_eq!(
            (found.text.as_str(), found.is_cause),
            ("not PodScheduled: Unschedulable 0/3 nodes", true)
        );
        assert_eq!(trouble(&pod("True")), None);
        let mut ending = pod("False");
        ending["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
        assert_eq!(trouble(&ending), None);
        assert_eq!(super::ending(&pod("True")), None);
        assert_eq!(super::ending(&ending).unwrap(), "pod a-1 is still ending");
        ending["metadata"]["finalizers"] = json!(["example.com/slow"]);
        assert!(super::ending(&ending).unwrap().ends_with("its finalizers hold it: example.com/slow"));
    }
}
