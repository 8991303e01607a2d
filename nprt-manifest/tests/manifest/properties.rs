use nprt_core::model::Object;
use nprt_manifest::{Beside, Document, Manifests, Rendered, Settings, Source};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{file, settings, version};

/// Any JSON of some depth, with keys that the transformer looks for among others.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-z:/@.]{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 5, |inner| {
        let key = prop_oneof![
            "[a-z]{1,3}",
            prop::sample::select(vec![
                "metadata",
                "labels",
                "annotations",
                "spec",
                "template",
                "selector",
                "matchLabels",
                "containers",
                "initContainers",
                "env",
                "envFrom",
                "name",
                "image",
                "volumes",
                "configMap",
                "value",
                "valueFrom",
                "ports",
                "hostPort",
                "matchExpressions",
                "operator",
                "values",
                "data",
                "replicas",
            ])
            .prop_map(str::to_owned),
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::vec((key, inner), 0..5)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

fn any_map() -> impl Strategy<Value = Map<String, Value>> {
    any_json().prop_map(|value| match value {
        Value::Object(map) => map,
        other => Map::from_iter([("x".to_owned(), other)]),
    })
}

fn documents(values: Vec<Value>) -> Option<Manifests> {
    let mut manifests = Manifests::default();
    for (document, value) in (1..).zip(values) {
        let object = Object::new(value).ok()?;
        manifests
            .documents
            .push(Document { object, source: Source { file: "a.yaml".into(), document, line: 1 } });
    }
    Some(manifests)
}

fn again(rendered: &Rendered) -> Manifests {
    Manifests { documents: rendered.documents.clone(), ignored: Vec::new() }
}

fn every_setting() -> Settings {
    settings(&json!({
        "registry_prefix": "mirror:5000/all", "stable_selector": "add-track", "open_telemetry": true, "datadog": true,
        "pod_templates": {"example.com/Foo": "spec.template"},
    }))
}

/// A Deployment that is valid, with anything in the places that are nobody's business.
fn deployment(
    pod: Map<String, Value>,
    container: Map<String, Value>,
    rest: Map<String, Value>,
    image: &str,
) -> Value {
    let ours =
        ["name", "image", "env", "ports", "initContainers", "containers", "ephemeralContainers", "volumes"];
    let keep = |map: Map<String, Value>| map.into_iter().filter(|(key, _)| !ours.contains(&key.as_str()));
    let mut first = json!({"name": "a", "image": image});
    first.as_object_mut().unwrap().extend(keep(container));
    let mut spec = json!({"containers": [first]});
    spec.as_object_mut().unwrap().extend(keep(pod));
    let mut value = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
        "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": {"metadata": {"labels": {"app": "web"}}, "spec": spec}},
    });
    for (key, field) in rest {
        value.as_object_mut().unwrap().entry(key).or_insert(field);
    }
    value
}

proptest! {
    #[test]
    fn a_kind_that_is_not_known_passes_through(body in any_map()) {
        let mut value = json!({"apiVersion": "example.com/v1", "kind": "Bar", "metadata": {"name": "a"}});
        for (key, field) in body {
            value.as_object_mut().unwrap().entry(key).or_insert(field);
        }
        let manifests = documents(vec![value.clone()]).unwrap();
        let rendered = nprt_manifest::stable(&manifests, &version("v1"), &every_setting(), &[]).unwrap();
        value["metadata"]["labels"] = json!({"nprt.dev/service": "shop"});
        prop_assert_eq!(rendered.documents[0].object.as_value(), &value);
    }

    #[test]
    fn fields_that_are_not_known_pass_through(pod in any_map(), container in any_map(), rest in any_map()) {
        let value = deployment(pod, container, rest, "web");
        let manifests = documents(vec![value.clone()]).unwrap();
        let rendered = nprt_manifest::stable(&manifests, &version("v1"), &Settings::default(), &[]).unwrap();
        let mut object = rendered.documents[0].object.as_value().clone();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        // What nprt sets, and nothing else, is taken away again.
        prop_assert_eq!(text(&object["spec"]["template"]["spec"]["containers"][0]["image"]), "web:v1");
        object["spec"]["template"]["spec"]["containers"][0]["image"] = "web".into();
        object["spec"]["template"]["spec"]["containers"][0].as_object_mut().unwrap().shift_remove("env");
        object["metadata"] = json!({"name": "web"});
        object["spec"]["template"]["metadata"] = json!({"labels": {"app": "web"}});
        prop_assert_eq!(object, value);
    }

    #[test]
    fn rendering_again_changes_nothing(
        pod in any_map(), container in any_map(), rest in any_map(), all in any::<bool>(),
        image in prop::sample::select(vec!["web", "host:5000/web", "redis:7", "mirror:5000/all/web"]),
    ) {
        let settings = if all { every_setting() } else { Settings::default() };
        let manifests = documents(vec![deployment(pod, container, rest, image)]).unwrap();
        let first = nprt_manifest::stable(&manifests, &version("v1"), &settings, &[]).unwrap();
        let second = nprt_manifest::stable(&again(&first), &version("v1"), &settings, &[]).unwrap();
        prop_assert_eq!(&second.documents, &first.documents);
        prop_assert!(second.changes.is_empty());
        prop_assert_eq!(second.warnings.len(), usize::from(image == "redis:7"), "it belongs to no version");
        let bytes = |rendered: &Rendered| serde_json::to_vec(rendered.documents[0].object.as_value()).unwrap();
        prop_assert_eq!(bytes(&first), bytes(&nprt_manifest::stable(&manifests, &version("v1"), &settings, &[]).unwrap()));
        if let Ok(canary) = nprt_manifest::canary(&manifests, &version("v1"), &settings, &Beside::default()) {
            let second = nprt_manifest::canary(&again(&canary), &version("v1"), &settings, &Beside::default()).unwrap();
            prop_assert_eq!(second.documents, canary.documents);
        }
    }

    #[test]
    fn no_object_whatever_its_shape_makes_it_panic(
        body in any_map(), other in any_map(), live in any_map(),
        kind in prop::sample::select(vec![
            ("apps/v1", "Deployment"), ("v1", "Pod"), ("batch/v1", "CronJob"), ("v1", "Service"), ("v1", "Secret"),
            ("v1", "ConfigMap"), ("v1", "PersistentVolumeClaim"), ("example.com/v1", "Foo"),
        ]),
    ) {
        let make = |kind: (&str, &str), name: &str, body: Map<String, Value>| {
            let mut value = json!({"apiVersion": kind.0, "kind": kind.1, "metadata": {"name": name}});
            value.as_object_mut().unwrap().extend(body.into_iter().filter(|(key, _)| key != "metadata"));
            value
        };
        let valid = deployment(other.clone(), Map::new(), Map::new(), "web");
        let live = Object::new(make(kind, "a", live)).unwrap();
        let manifests = documents(vec![make(kind, "a", body), make(("apps/v1", "StatefulSet"), "b", other), valid]).unwrap();
        let _ = nprt_manifest::images(&manifests, &every_setting());
        let _ = nprt_manifest::stable(&manifests, &version("v1"), &every_setting(), std::slice::from_ref(&live));
        let _ = nprt_manifest::canary(&manifests, &version("v1"), &every_setting(), &Beside { live: &[live], ..Beside::default() });
    }

    #[test]
    fn no_text_makes_it_panic(text in "(\\PC|[\\n:\\-#&*!|>\\[\\]{}%@ \"'])*", bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        for name in ["a.yaml", "a.json"] {
            let _ = nprt_manifest::read(&[file(name, &text)]);
            let mut binary = file(name, "");
            binary.content = bytes.clone().into();
            let _ = nprt_manifest::read(&[binary]);
        }
    }

    #[test]
    fn yaml_that_is_written_is_read_back(body in any_map()) {
        let mut value = json!({"apiVersion": "example.com/v1", "kind": "Bar", "metadata": {"name": "a"}});
        for (key, field) in body {
            value.as_object_mut().unwrap().entry(key).or_insert(field);
        }
        let text = nprt_manifest::to_yaml([&value]).unwrap();
        let read = nprt_manifest::read(&[file("a.yaml", &text)]).unwrap();
        prop_assert_eq!(read.documents[0].object.as_value(), &value, "{}", text);
    }
}
