//! Whether configuration says something else than the cluster has.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use nprt_core::model::Object;
use serde_json::Value;

/// Whether pods that read one ConfigMap or Secret instead of the other would read something else, or one is
/// immutable and the other is not.
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
}
