//! What a diagnosis asks the API server.

use kube::api::{ListParams, LogParams};
use serde_json::Value;

use super::super::state::Workload;
use super::pod::Crashed;
use crate::client::Client;
use crate::error::Failure;
use crate::owners::MANAGER;
use crate::resource::Resource;

/// So much of a log is read: its last lines.
const LINES: i64 = 5;

/// And no more than this, however long they are.
const BYTES: i64 = 16 * 1024;

impl Client {
    pub(super) async fn pods(&self, namespace: &str, labels: &str) -> Result<Vec<Value>, Failure> {
        self.list(&Resource::pods(), namespace, labels).await
    }

    /// What the cluster warned of about `object`, the newest last.
    pub(super) async fn warnings(&self, object: &Value) -> Result<Vec<Value>, Failure> {
        let (namespace, uid) =
            (Workload(object).text("/metadata/namespace"), Workload(object).text("/metadata/uid"));
        let params = ListParams::default().fields(&format!("involvedObject.uid={uid},type=Warning"));
        let mut events = self.list_by(&Resource::events(), namespace, &params).await?;
        // What we have told of it ourselves is no reason of the cluster's.
        events.retain(|event| Workload(event).text("/reportingComponent") != MANAGER);
        events.sort_by(|a, b| time(a).cmp(time(b)));
        Ok(events)
    }

    /// The end of the log of a container that crashed.
    pub(super) async fn log(&self, pod: &Value, crashed: Crashed) -> Result<String, Failure> {
        let (namespace, name) =
            (Workload(pod).text("/metadata/namespace"), Workload(pod).text("/metadata/name"));
        let params = LogParams {
            container: Some(crashed.container),
            previous: crashed.restarted,
            tail_lines: Some(LINES),
            limit_bytes: Some(BYTES),
            ..LogParams::default()
        };
        let request = Resource::pods().request(Some(namespace)).logs(name, &params);
        let answer = async { self.kube.request_text(request.map_err(kube::Error::BuildRequest)?).await };
        self.call(answer).await
    }
}

/// When an event was last seen: its writers use different fields.
pub(super) fn time(event: &Value) -> &str {
    let times = ["/series/lastObservedTime", "/lastTimestamp", "/eventTime", "/metadata/creationTimestamp"];
    let mut times = times.into_iter().map(|pointer| Workload(event).text(pointer));
    times.find(|time| !time.is_empty()).unwrap_or_default()
}
