//! Why pods are not ready, in words.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::core::Selector;
use serde_json::Value;

use crate::client::Client;
use crate::discovery::Resource;
use crate::error::{Failure, one_line};

/// So many pods are named at most: the others fail for the same reason.
const AT_MOST: usize = 3;

/// What keeps pods of `workload` from being ready.
pub(super) async fn pods(
    client: &Client,
    operation: &'static str,
    workload: &Value,
) -> Result<Vec<String>, Failure> {
    let selector = workload.pointer("/spec/selector").cloned().unwrap_or_default();
    let selector = serde_json::from_value::<LabelSelector>(selector).ok().map(Selector::try_from);
    let Some(Ok(selector)) = selector else { return Ok(Vec::new()) };
    let namespace = workload.pointer("/metadata/namespace").and_then(Value::as_str).unwrap_or_default();
    let pods = client.list(operation, &Resource::pods(), namespace, &selector.to_string()).await?;
    Ok(pods.iter().filter_map(reason).take(AT_MOST).collect())
}

/// What keeps a pod from being ready, if anything does.
fn reason(pod: &Value) -> Option<String> {
    let text = |value: &Value, pointer: &str| {
        value.pointer(pointer).and_then(Value::as_str).map(one_line).unwrap_or_default()
    };
    let list = |pointer: &str| pod.pointer(pointer).and_then(Value::as_array).into_iter().flatten();
    let name = text(pod, "/metadata/name");
    if pod.pointer("/metadata/deletionTimestamp").is_some() {
        return None;
    }
    let unready = list("/status/conditions").find(|condition| text(condition, "/status") == "False")?;
    let containers = list("/status/initContainerStatuses").chain(list("/status/containerStatuses"));
    for container in containers {
        let last = match container.pointer("/lastState/terminated/exitCode") {
            Some(code) => format!(" (it ended last with code {code})"),
            None => String::new(),
        };
        for state in ["/state/waiting", "/state/terminated"] {
            if let Some(state) =
                container.pointer(state).filter(|state| text(state, "/reason") != "Completed")
            {
                let (container, reason) = (text(container, "/name"), text(state, "/reason"));
                return Some(format!(
                    "pod {name}: container {container}: {reason}: {}{last}",
                    text(state, "/message")
                ));
            }
        }
    }
    let (condition, reason) = (text(unready, "/type"), text(unready, "/reason"));
    Some(format!("pod {name}: not {condition}: {reason} {}", text(unready, "/message")).trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_waiting_container_says_why() {
        let pod = json!({"metadata": {"name": "a-1"}, "status": {
            "conditions": [{"type": "Ready", "status": "False", "reason": "ContainersNotReady"}],
            "containerStatuses": [{"name": "app", "lastState": {"terminated": {"exitCode": 1}},
                "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 40s"}}}]}});
        let expected = "pod a-1: container app: CrashLoopBackOff: back-off 40s (it ended last with code 1)";
        assert_eq!(reason(&pod).as_deref(), Some(expected));
    }

    #[test]
    fn an_unscheduled_pod_says_why_and_a_ready_one_nothing() {
        let pod = |status: &str| {
            json!({"metadata": {"name": "a-1"}, "status": {"conditions": [
                {"type": "PodScheduled", "status": status, "reason": "Unschedulable", "message": "0/3 nodes"}]}})
        };
        assert_eq!(
            reason(&pod("False")).as_deref(),
            Some("pod a-1: not PodScheduled: Unschedulable 0/3 nodes")
        );
        assert_eq!(reason(&pod("True")), None);
    }
}
