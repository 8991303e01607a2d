//! Whether a manifest says something else than the cluster has.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::references::ConfigKind;
use crate::model::Object;

/// Whether applying `wanted` would change the live object. Fields that only the cluster sets (defaults,
/// status) do not count; nor does, except in configuration, a field that the manifest no longer has: what
/// applied it is not known here.
pub(super) fn changes(wanted: &Object, live: &Object) -> bool {
    match ConfigKind::of(wanted.id().group(), wanted.kind()) {
        Some(_) => {
            let metadata =
                |object: &'_ Object| object.as_value().get("metadata").cloned().unwrap_or_default();
            config_differs(wanted, live) || !covers(&metadata(live), &metadata(wanted))
        }
        None => {
            let fields = wanted.as_value().as_object().into_iter().flatten();
            let mut said = fields.filter(|(field, _)| *field != "status");
            said.any(|(field, wanted)| !covers(live.as_value().get(field).unwrap_or(&Value::Null), wanted))
        }
    }
}

/// Whether all that `wanted` says is so in `live`. A `null` says nothing.
fn covers(live: &Value, wanted: &Value) -> bool {
    match (live, wanted) {
        (Value::Object(live), Value::Object(wanted)) => {
            wanted.iter().all(|(key, wanted)| covers(live.get(key).unwrap_or(&Value::Null), wanted))
        }
        (Value::Array(live), Value::Array(wanted)) => {
            live.len() == wanted.len() && live.iter().zip(wanted).all(|(live, wanted)| covers(live, wanted))
        }
        (_, Value::Null) => true,
        // The server drops empty maps and lists.
        (Value::Null, Value::Object(wanted)) => wanted.values().all(|wanted| covers(&Value::Null, wanted)),
        (Value::Null, Value::Array(wanted)) => wanted.is_empty(),
        (live, wanted) => live == wanted || quantity(live).is_some_and(|live| quantity(wanted) == Some(live)),
    }
}

/// A number with a unit, as Kubernetes writes quantities: the server makes `1000m` and `1024Mi` `1` and `1Gi`.
fn quantity(value: &Value) -> Option<f64> {
    let text = match value {
        Value::Number(number) => return number.as_f64(),
        Value::String(text) => text,
        _ => return None,
    };
    let unit = text.find(|c: char| !matches!(c, '0'..='9' | '.' | '+' | '-')).unwrap_or(text.len());
    let (number, unit) = text.split_at(unit);
    let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit)?;
    number.parse::<f64>().ok().map(|number| number * factor)
}

const UNITS: [(&str, f64); 16] = [
    ("", 1.0),
    ("n", 1e-9),
    ("u", 1e-6),
    ("m", 1e-3),
    ("k", 1e3),
    ("M", 1e6),
    ("G", 1e9),
    ("T", 1e12),
    ("P", 1e15),
    ("E", 1e18),
    ("Ki", 1024.0),
    ("Mi", 1_048_576.0),
    ("Gi", 1_073_741_824.0),
    ("Ti", 1_099_511_627_776.0),
    ("Pi", 1_125_899_906_842_624.0),
    ("Ei", 1_152_921_504_606_846_976.0),
];

/// Whether pods that read one ConfigMap or Secret instead of the other would read something else, or one is
/// immutable and the other not.
pub(super) fn config_differs(a: &Object, b: &Object) -> bool {
    content(a) != content(b)
}

#[derive(PartialEq)]
struct Content {
    entries: BTreeMap<String, Vec<u8>>,
    kind: String,
    immutable: bool,
}

/// What pods read: text and base64 forms of the same bytes are the same.
fn content(object: &Object) -> Content {
    let secret = object.kind() == "Secret";
    let mut entries = BTreeMap::new();
    for field in ["binaryData", "data", "stringData"] {
        let encoded = if secret { field == "data" } else { field == "binaryData" };
        for (key, value) in object.as_value().get(field).and_then(Value::as_object).into_iter().flatten() {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let bytes = if encoded { decode(&text) } else { text.into_bytes() };
            entries.insert(key.clone(), bytes);
        }
    }
    let kind = object.as_value().get("type").and_then(Value::as_str).unwrap_or("Opaque").to_owned();
    let immutable = object.as_value().get("immutable").and_then(Value::as_bool).unwrap_or_default();
    Content { entries, kind, immutable }
}

/// As the API server decodes, which skips line breaks. What is no base64 it refuses; here it stays itself.
fn decode(text: &str) -> Vec<u8> {
    let joined: String = text.chars().filter(|c| !matches!(c, '\n' | '\r')).collect();
    STANDARD.decode(&joined).unwrap_or_else(|_| text.as_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(kind: &str, rest: &Value) -> Object {
        let mut value = json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": "a"}});
        for (key, field) in rest.as_object().unwrap() {
            value[key] = field.clone();
        }
        Object::new(value).unwrap()
    }

    #[test]
    fn configuration_is_compared_by_what_pods_read() {
        let cases = [
            ("Secret", json!({"stringData": {"k": "hello"}}), json!({"data": {"k": "aGVsbG8="}}), false),
            (
                "Secret",
                json!({"data": {"k": "aGVs\nbG8="}}),
                json!({"data": {"k": "aGVsbG8="}, "type": "Opaque"}),
                false,
            ),
            (
                "Secret",
                json!({"data": {"k": "eA=="}, "stringData": {"k": "hello"}}),
                json!({"data": {"k": "aGVsbG8="}}),
                false,
            ),
            ("Secret", json!({"data": {"k": "aGVsbG8="}}), json!({"data": {"k": "eA=="}}), true),
            ("Secret", json!({"type": "kubernetes.io/tls"}), json!({"type": "Opaque"}), true),
            ("ConfigMap", json!({"data": {"k": "hello"}}), json!({"binaryData": {"k": "aGVsbG8="}}), false),
            ("ConfigMap", json!({"data": {"k": "a"}}), json!({"data": {"k": "a", "l": "b"}}), true),
            ("ConfigMap", json!({"data": {}}), json!({}), false),
            ("ConfigMap", json!({"immutable": true}), json!({}), true),
            ("ConfigMap", json!({"data": {"k": "aGVsbG8="}}), json!({"data": {"k": "hello"}}), true),
        ];
        for (kind, a, b, differs) in &cases {
            assert_eq!(config_differs(&object(kind, a), &object(kind, b)), *differs, "{kind} {a} {b}");
            assert_eq!(config_differs(&object(kind, b), &object(kind, a)), *differs, "{kind} {b} {a}");
        }
    }

    #[test]
    fn defaults_of_the_server_are_no_change() {
        let wanted = object("Service", &json!({"spec": {"ports": [{"port": 80}], "externalIPs": []}}));
        let live = |port: u16| {
            let spec = json!({"ports": [{"port": port, "protocol": "TCP"}], "clusterIP": "10.0.0.1"});
            object("Service", &json!({"spec": spec, "status": {"loadBalancer": {}}}))
        };
        assert!(!changes(&wanted, &live(80)));
        assert!(changes(&wanted, &live(81)));
    }

    #[test]
    fn other_spellings_of_the_same_are_no_change() {
        let changed = |wanted: &Value, live: &Value| {
            let pair = [wanted, live].map(|value| object("ResourceQuota", &json!({"spec": {"hard": value}})));
            changes(&pair[0], &pair[1])
        };
        for (wanted, live) in [
            (json!({"cpu": 1, "memory": "1024Mi"}), json!({"cpu": "1", "memory": "1Gi"})),
            (json!({"cpu": "1500m"}), json!({"cpu": "1.5"})),
            (json!({"cpu": 0.5}), json!({"cpu": "500m"})),
            (json!({"cpu": null}), json!({"cpu": "1"})),
            (json!({"a": {"b": {}}}), json!({})),
        ] {
            assert!(!changed(&wanted, &live), "{wanted} {live}");
        }
        for (wanted, live) in [
            (json!({"memory": "1G"}), json!({"memory": "1Gi"})),
            (json!({"cpu": "100m"}), json!({"cpu": "100"})),
            (json!({"name": "m"}), json!({"name": "k"})),
            (json!({"a": {"b": {"c": 1}}}), json!({})),
        ] {
            assert!(changed(&wanted, &live), "{wanted} {live}");
        }
        let wanted = object("Service", &json!({"status": {"loadBalancer": {"ingress": []}}}));
        assert!(!changes(&wanted, &object("Service", &json!({"status": {}}))));
    }
}
