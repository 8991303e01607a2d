//! Events of `events.k8s.io`, which `kubectl describe` shows with their object.

use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::{Api, ObjectMeta, PostParams};
use nprt_core::Result;
use nprt_core::model::Object;
use nprt_core::ports::{Clock, ObjectEvent};
use serde_json::Value;

use crate::client::Client;
use crate::owners::MANAGER;

impl Client {
    /// Writes `event` about `object`; `false` where it happens once and is there already. It is found by the object's uid.
    pub(crate) async fn record(
        &self,
        clock: &dyn Clock,
        object: &Object,
        event: &ObjectEvent,
    ) -> Result<bool> {
        // Events of what has no namespace would be in `default`, where we have no rights.
        let namespace = object.namespace().unwrap_or(&self.namespace).to_owned();
        let text = |pointer| object.as_value().pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let regarding = ObjectReference {
            api_version: Some(object.api_version().to_owned()),
            kind: Some(object.kind().to_owned()),
            name: Some(object.name().to_owned()),
            namespace: Some(namespace.clone()),
            uid: text("/metadata/uid"),
            resource_version: text("/metadata/resourceVersion"),
            field_path: None,
        };
        let written = Event {
            metadata: ObjectMeta {
                name: event.name().map(|name| format!("{}.{name}", object.name())),
                generate_name: event.name().is_none().then(|| format!("{MANAGER}-")),
                namespace: Some(namespace.clone()),
                ..ObjectMeta::default()
            },
            event_time: Some(MicroTime(clock.now())),
            reporting_controller: Some(MANAGER.to_owned()),
            reporting_instance: Some(MANAGER.to_owned()),
            action: Some(event.reason().to_owned()),
            reason: Some(event.reason().to_owned()),
            type_: Some(if event.is_warning() { "Warning" } else { "Normal" }.to_owned()),
            note: Some(event.note().to_owned()),
            regarding: Some(regarding),
            ..Event::default()
        };
        let events: Api<Event> = Api::namespaced(self.kube.clone(), &namespace);
        let answer = self.call(events.create(&PostParams::default(), &written)).await;
        match answer {
            Ok(_) => Ok(true),
            Err(failure) if event.name().is_some() && failure.is_conflict() => Ok(false),
            Err(failure) => Err(failure.into_error().with("object", object.id())),
        }
    }
}
