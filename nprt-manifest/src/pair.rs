//! Two Services beside one: each selects the pods of one track, so that a route can tell them apart.

use nprt_core::model::{Object, Track, label};
use nprt_core::{Error, Result};
use serde_json::{Map, Value, json};

use super::identity;
use super::selector::{all_among, labels_of, selector_of};
use super::selectors::Selectors;
use super::settings::Settings;
use super::template::TemplatePath;
use super::version::Version;

const OPERATION: &str = "manifest.traffic";

/// What a Service's name may have.
const LONGEST: usize = 63;

/// The name of the Service of a track beside `service`.
pub(super) fn name(service: &str, track: Track) -> String {
    format!("{service}-{track}")
}

/// Whether `service` selects the pods of `workload`.
pub fn serves(service: &Object, workload: &Object) -> bool {
    let template = workload.as_value().pointer("/spec/template");
    selector_of(service)
        .zip(template)
        .is_some_and(|(selector, template)| all_among(selector, &labels_of(template)))
}

/// Services, by what they select.
#[derive(Debug)]
pub struct Services<'a>(Selectors<&'a Object>);

impl<'a> Services<'a> {
    /// Those of all services.
    #[must_use]
    pub fn new(services: impl Iterator<Item = &'a Object>) -> Self {
        Self(Selectors::new(services.collect(), |service| selector_of(service)))
    }

    /// Those that select the pod.
    pub fn of(&self, pod: &Object) -> impl Iterator<Item = &'a Object> + use<'a> {
        let labels = labels_of(pod.as_value());
        let selects =
            |service: &&Object| selector_of(service).is_some_and(|selector| all_among(selector, &labels));
        let found: Vec<&Object> = self.0.candidates(&[&labels]).copied().filter(selects).collect();
        found.into_iter()
    }
}

/// The Services of both tracks beside `service`. They belong to the canary, and go with it.
///
/// # Errors
/// `Invalid` where a name is too long.
pub fn services(service: &Object, version: &Version, settings: &Settings) -> Result<[Object; 2]> {
    let of = |track| pair(service, track, version, settings);
    Ok([of(Track::Stable)?, of(Track::Canary)?])
}

fn pair(service: &Object, track: Track, version: &Version, settings: &Settings) -> Result<Object> {
    let name = name(service.name(), track);
    if name.len() > LONGEST {
        return Err(Error::invalid(
            OPERATION,
            "the name is too long for the Services of two tracks beside it",
        )
        .with("name", name)
        .with("longest", LONGEST));
    }
    let spec = |field: &str| service.as_value().pointer("/spec")?.get(field).cloned();
    let mut selector = spec("selector").and_then(as_map).unwrap_or_default();
    selector.insert(label::TRACK.to_owned(), track.as_str().into());
    let mut ports = spec("ports").unwrap_or_default();
    for port in ports.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
        port.shift_remove("nodePort");
    }
    let mut object = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
        "spec": {"selector": selector, "ports": ports}});
    if let Some(policy) = spec("ipFamilyPolicy") {
        object["spec"]["ipFamilyPolicy"] = policy;
    }
    if let Some(namespace) = service.namespace() {
        object["metadata"]["namespace"] = namespace.into();
    }
    let whole = TemplatePath::WHOLE;
    identity::mark_version(&mut whole.template(&mut object)?, version, Track::Canary, settings)?;
    Object::new(object)
}

fn as_map(value: Value) -> Option<Map<String, Value>> {
    match value {
        Value::Object(map) => Some(map),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version() -> Version {
        Version {
            service: "shop".parse().unwrap(),
            revision: "r1".parse().unwrap(),
            tag: "main-3f2a91c".parse().unwrap(),
            digests: std::collections::BTreeMap::new(),
        }
    }

    fn service(name: &str) -> Object {
        Object::new(json!({"apiVersion": "v1", "kind": "Service",
            "metadata": {"name": name, "namespace": "shop", "uid": "1", "annotations": {"a": "b"}},
            "spec": {"type": "NodePort", "clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1"],
                "ipFamilyPolicy": "SingleStack", "selector": {"app": "web"},
                "ports": [{"name": "http", "port": 80, "targetPort": 8080, "nodePort": 30080}]}}))
        .unwrap()
    }

    #[test]
    fn each_selects_one_track_and_belongs_to_the_canary() {
        let pair = services(&service("web"), &version(), &Settings::default()).unwrap();
        for (service, track) in pair.iter().zip(["stable", "canary"]) {
            let value = service.as_value();
            assert_eq!(service.name(), format!("web-{track}"));
            assert_eq!(
                value["spec"],
                json!({"selector": {"app": "web", "nprt.dev/track": track},
                "ports": [{"name": "http", "port": 80, "targetPort": 8080}], "ipFamilyPolicy": "SingleStack"})
            );
            assert_eq!(
                (service.label("nprt.dev/track"), service.namespace()),
                (Some("canary"), Some("shop"))
            );
            assert_eq!((service.label("nprt.dev/service"), service.annotation("a")), (Some("shop"), None));
            assert_eq!(service.annotation("nprt.dev/tag"), Some("main-3f2a91c"));
        }
    }

    #[test]
    fn a_name_that_is_too_long_is_refused() {
        assert!(services(&service(&"x".repeat(56)), &version(), &Settings::default()).is_ok());
        let error = services(&service(&"x".repeat(57)), &version(), &Settings::default()).unwrap_err();
        assert!(error.is_invalid() && error.to_string().contains("longest: 63"), "{error}");
    }
}
