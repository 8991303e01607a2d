//! A Secret's `stringData`: the server keeps who applied it, but moves the values to `data`.

use std::borrow::Cow;

use k8s_openapi::ByteString;
use serde_json::{Map, Value};

/// `object` with `stringData` where it is a Secret: all values that are text.
pub(crate) fn with_text(object: &Value) -> Cow<'_, Value> {
    let data = match object.get("data").and_then(Value::as_object) {
        Some(data) if object["kind"] == "Secret" && object["apiVersion"] == "v1" => data,
        _ => return Cow::Borrowed(object),
    };
    let text =
        |value: &Value| String::from_utf8(serde_json::from_value::<ByteString>(value.clone()).ok()?.0).ok();
    let texts: Map<String, Value> =
        data.iter().filter_map(|(key, value)| Some((key.clone(), text(value)?.into()))).collect();
    let mut object = object.clone();
    object["stringData"] = Value::Object(texts);
    Cow::Owned(object)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_secret_has_its_text_as_well() {
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "data": {"a": "YQ==", "b": "/w=="}});
        assert_eq!(with_text(&secret)["stringData"], json!({"a": "a"}), "the other is no text");
        let config = json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "YQ=="}});
        assert_eq!(*with_text(&config), config);
    }
}
