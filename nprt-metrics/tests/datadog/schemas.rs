use serde_json::Value;

use crate::support::check_schema;

/// Panics unless `value` is what the specification calls a `part` (`request`, `response`, `refusal`) of this version.
pub(crate) fn check(version: &str, part: &str, value: &Value) {
    let text = match version {
        "v1" => include_str!("../data/datadog/v1.schema.json"),
        _ => include_str!("../data/datadog/v2.schema.json"),
    };
    check_schema(text, part, value);
}

#[test]
fn an_answer_of_another_form_is_found() {
    let wrong = serde_json::json!({"data": {"type": "timeseries_response", "attributes": {"series": []}}});
    assert!(std::panic::catch_unwind(|| check("v2", "response", &wrong)).is_err());
}
