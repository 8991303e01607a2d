//! What is around a service: who selects pods in its namespace, and which pods there are. One look serves for what
//! the service has, too: a kind that both ask for is listed once.

mod watched;

use std::sync::Arc;

use futures_util::future::{try_join_all, try_join3};
use kube::api::ListParams;
use nprt_core::model::{Object, ServiceName, label};
use nprt_core::ports::Survey;
use nprt_core::{ErrorKind, Result};
use serde_json::{Value, json};

use crate::client::Client;
use crate::lease::{Leases, Seen};
use crate::list::UNFINISHED;
use crate::object::{is_controlled, live, whole};
use crate::resource::Resource;
use watched::Watched;

/// Kinds that run or select pods, and whether the survey is worth nothing without them.
const AROUND: [(&str, &str, &str, bool); 10] = [
    ("", "v1", "Service", true),
    ("apps", "v1", "Deployment", true),
    ("apps", "v1", "DaemonSet", false),
    ("apps", "v1", "StatefulSet", false),
    ("batch", "v1", "CronJob", false),
    ("batch", "v1", "Job", false),
    ("networking.k8s.io", "v1", "NetworkPolicy", false),
    ("policy", "v1", "PodDisruptionBudget", false),
    ("monitoring.coreos.com", "v1", "PodMonitor", false),
    ("monitoring.coreos.com", "v1", "ServiceMonitor", false),
];

/// All objects of a kind, and what could not be looked at.
type Look = (Vec<Object>, Option<String>);

/// Looks around the services of a namespace.
#[derive(Debug, Clone)]
pub(crate) struct Surveys {
    leases: Leases,
    /// The kinds that are followed from one survey to the next.
    watched: Arc<Watched>,
}

impl Surveys {
    pub(crate) fn new(leases: Leases) -> Self {
        Self { leases, watched: Arc::default() }
    }

    /// The namespace as the service finds it. While a lease of the service is held, what is its own need not be read
    /// again to be changed.
    pub(crate) async fn survey(&self, service: &ServiceName) -> Result<Survey> {
        let client = &self.leases.client;
        let kinds = self.leases.kinds(service).await?;
        let is_own = |kind: &Resource| {
            kinds.iter().any(|own| (&own.api.group, &own.api.kind) == (&kind.api.group, &kind.api.kind))
        };
        let around = AROUND.map(|(group, version, kind, core)| (Resource::known(group, version, kind), core));
        let is_around = |kind: &&Resource| {
            around
                .iter()
                .any(|(known, _)| (&known.api.group, &known.api.kind) == (&kind.api.group, &kind.api.kind))
        };
        let rest: Vec<Resource> = kinds.iter().filter(|kind| !is_around(kind)).cloned().collect();
        let looks = around.iter().map(|(kind, core)| self.look(kind, *core || is_own(kind), is_own(kind)));
        let (mut own, looks, pods) =
            try_join3(client.list_service(service, &rest), try_join_all(looks), client.pods_around()).await?;
        let mut survey = Survey { pods, ..Survey::default() };
        for (objects, unseen) in looks {
            survey.unseen.extend(unseen);
            for object in objects {
                let is_own = object.label(label::SERVICE) == Some(service.as_str());
                if is_own {
                    own.push(object);
                } else if !is_over(&object) {
                    survey.others.push(object);
                }
            }
        }
        for objects in [&mut own, &mut survey.others] {
            objects.sort_by(|a, b| (a.kind(), a.name()).cmp(&(b.kind(), b.name())));
        }
        for object in &own {
            let place = client.place(&object.id()).await?;
            self.leases.holds.see(service, &place, Seen::new(object.as_value().clone()));
        }
        Ok(Survey { own, ..survey })
    }

    /// The objects of a kind that no controller made. What is the service's own is always asked for. Others are
    /// followed from one look to the next, and asked for when nobody does. Only what is `needed` is an error where
    /// it may not be read.
    async fn look(&self, kind: &Resource, needed: bool, is_own: bool) -> Result<Look> {
        if !is_own && !needed {
            if self.watched.is_missing(kind) {
                return Ok((Vec::new(), None));
            }
            if let Some(items) = self.watched.now(kind) {
                return Ok((objects(kind, items)?, None));
            }
        }
        let (client, params) = (&self.leases.client, ListParams::default());
        let (items, version) = match client.list_at(kind, &client.namespace, &params).await {
            Ok(list) => list,
            Err(failure) if failure.is_no_path() && !kind.is_everywhere() => {
                self.watched.is_missing_now(kind);
                return Ok((Vec::new(), None));
            }
            Err(failure) => {
                let error = failure.into_error().with("kind", &kind.api.kind);
                return match error.kind() {
                    ErrorKind::Forbidden if !needed => Ok((Vec::new(), Some(unseen(kind, error.message())))),
                    _ => Err(error),
                };
            }
        };
        let missing = match (is_own || needed, version) {
            (false, Some(version)) => self.watched.follow(client, kind, &items, &version).await,
            _ => None,
        };
        let hint = missing.map(|why| format!("each deploy lists all {}: {why}", kind.api.plural));
        Ok((objects(kind, items)?, hint))
    }
}

impl Client {
    /// The pods of the namespace that have not finished, by name: their metadata.
    async fn pods_around(&self) -> Result<Vec<Object>> {
        let (kind, params) = (Resource::pods(), ListParams::default().fields(UNFINISHED));
        let pods = self.list_metadata(&kind, &self.namespace, &params).await;
        let pods = pods.map_err(|failure| failure.into_error().with("kind", "Pod"))?;
        // The items of such a list call themselves otherwise.
        let pod = |mut pod: Value| live(whole(&kind, json!({"metadata": pod["metadata"].take()})));
        let mut pods = pods.into_iter().map(pod).collect::<Result<Vec<_>>>()?;
        pods.sort_by(|a, b| a.name().cmp(b.name()));
        Ok(pods)
    }
}

fn objects(kind: &Resource, items: Vec<Value>) -> Result<Vec<Object>> {
    let own = items.into_iter().filter(|item| !is_controlled(item));
    own.map(|item| live(whole(kind, item))).collect()
}

/// Whether it is a Job that has ended: it makes no more pods.
fn is_over(object: &Object) -> bool {
    let conditions = object.as_value().pointer("/status/conditions").and_then(Value::as_array);
    let ended = |condition: &Value| {
        condition["status"] == "True" && (condition["type"] == "Complete" || condition["type"] == "Failed")
    };
    object.kind() == "Job" && conditions.is_some_and(|all| all.iter().any(ended))
}

fn unseen(kind: &Resource, why: &str) -> String {
    format!("cannot tell whether other {} select this service's pods: {why}", kind.api.plural)
}
