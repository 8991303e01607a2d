//! Defaults that nobody owns and that are in the way: a `rollingUpdate` of the server's, next to `Recreate`.
//!
//! The server fills in what a manifest leaves out and keeps no owner of it. When the manifest then chooses
//! another member of a union, the default stays beside it, and the object is refused. `kubectl apply` removes it,
//! since it knows the unions; here the refusal itself says where to look.

use kube::core::Status;
use serde_json::{Map, Value};

use crate::fields::{self, is_item, steps};
use crate::merge::at_path;

/// One step of a path as the server writes it: `spec.volumes[0].secret`.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    Field(String),
    Item(usize),
}

/// The fields of `merged` that nobody owns and `body` does not name, where the server's refusal points: the field
/// itself, or else those beside it. `all` are the fields that have an owner.
pub(crate) fn leftovers(status: &Status, merged: &Value, body: &Value, all: &Value) -> Value {
    let mut claims = Value::Object(Map::new());
    let causes = status.details.iter().flat_map(|details| &details.causes);
    for path in causes.filter_map(|cause| parse(&cause.field)) {
        fields::unite(&mut claims, &beside(&path, merged, body, all));
    }
    claims
}

fn beside(path: &[Step], merged: &Value, body: &Value, all: &Value) -> Value {
    let none = Value::Object(Map::new());
    let Some((Step::Field(field), parents)) = path.split_last() else { return none };
    if !matches!(parents.first(), Some(Step::Field(first)) if first != "metadata" && first != "status") {
        return none;
    }
    let (mut at, mut named, mut owned, mut steps_to) = (merged, Some(body), all, Vec::new());
    for parent in parents {
        let (value, step) = match parent {
            Step::Field(field) => (at.get(field), Some(format!("f:{field}"))),
            Step::Item(n) => {
                let item = at.get(n);
                let steps = steps(owned).into_iter().flatten();
                let step = item.and_then(|item| steps.map(|(step, _)| step).find(|step| is_item(item, step)));
                (item, step.cloned())
            }
        };
        let (Some(value), Some(step)) = (value, step) else { return none };
        let fields = match owned.get(&step) {
            // It is one value of somebody's.
            Some(whole) if steps(whole).is_none() => return none,
            Some(fields) => fields,
            None => &Value::Null,
        };
        named = named.and_then(|named| fields::named(named, &step));
        (at, owned) = (value, fields);
        steps_to.push(step);
    }
    let is_free = |field: &str| {
        let is_named = named.and_then(|named| named.get(field)).is_some_and(|value| !value.is_null());
        !is_named && owned.get(format!("f:{field}")).is_none() && at.get(field).is_some()
    };
    if is_free(field) {
        return at_path(&steps_to, field);
    }
    let mut claims = none;
    for beside in at.as_object().into_iter().flat_map(Map::keys).filter(|beside| is_free(beside)) {
        fields::unite(&mut claims, &at_path(&steps_to, beside));
    }
    claims
}

/// Takes nulls for what `claims` has out of `body`: the server takes a null for a field that is named.
pub(crate) fn without_nulls(body: &mut Value, claims: &Value) {
    let Some(map) = body.as_object_mut() else { return };
    for (step, inner) in steps(claims).into_iter().flatten() {
        let Some(field) = step.strip_prefix("f:") else { continue };
        match map.get_mut(field) {
            Some(Value::Null) => _ = map.shift_remove(field),
            Some(value) => without_nulls(value, inner),
            None => {}
        }
    }
}

/// A path without keys of maps, which no union has.
fn parse(path: &str) -> Option<Vec<Step>> {
    let mut parsed = Vec::new();
    for part in path.split('.') {
        let (field, items) = part.split_once('[').map_or((part, None), |(field, items)| (field, Some(items)));
        if field.is_empty() {
            return None;
        }
        parsed.push(Step::Field(field.to_owned()));
        for item in items.into_iter().flat_map(|items| items.split('[')) {
            parsed.push(Step::Item(item.strip_suffix(']')?.parse().ok()?));
        }
    }
    Some(parsed)
}

#[cfg(test)]
mod tests {
    use kube::core::response::StatusCause;
    use serde_json::json;

    use super::*;
    use crate::error::caused_by;

    fn refusal(field: &str) -> Status {
        let [reason, message] = [const { String::new() }; 2];
        let cause = StatusCause { reason, message, field: field.to_owned() };
        Status { details: Some(caused_by(vec![cause])), ..Status::default() }
    }

    #[test]
    fn a_path_is_read_or_left_alone() {
        let field = |name: &str| Step::Field(name.to_owned());
        let expected = vec![field("spec"), field("volumes"), Step::Item(10), field("secret")];
        assert_eq!(parse("spec.volumes[10].secret"), Some(expected));
        for strange in ["", "a..b", "a[b]", "metadata.annotations[a.b/c]", "a[1", "[0].a"] {
            assert_eq!(parse(strange), None, "{strange}");
        }
    }

    #[test]
    fn the_default_itself_or_those_beside_the_field_are_claimed() {
        let merged = json!({"spec": {"replicas": 1, "strategy": {"type": "Recreate", "rollingUpdate": {"maxSurge": 1}},
            "volumes": [{"name": "w"}, {"name": "v", "secret": {}, "emptyDir": {}, "theirs": 1}]}});
        let body = json!({"spec": {"strategy": {"type": "Recreate", "rollingUpdate": null},
            "volumes": [{"name": "v", "secret": {}}]}});
        let v = r#"k:{"name":"v"}"#;
        let all = json!({"f:spec": {"f:strategy": {"f:type": {}},
            "f:volumes": {v: {".": {}, "f:name": {}, "f:theirs": {}}}}});
        let claims = |field| leftovers(&refusal(field), &merged, &body, &all);
        let rolling = json!({"f:spec": {"f:strategy": {"f:rollingUpdate": {}}}});
        assert_eq!(claims("spec.strategy.rollingUpdate"), rolling);
        assert_eq!(claims("spec.strategy.type"), rolling);
        assert_eq!(
            claims("spec.volumes[1].secret"),
            json!({"f:spec": {"f:volumes": {v: {"f:emptyDir": {}}}}})
        );
        for nothing in
            ["spec.volumes[0].name", "spec.volumes[7].secret", "spec", "status.a", "metadata.labels"]
        {
            assert_eq!(claims(nothing), json!({}), "{nothing}");
        }
        let unowned = leftovers(&refusal("spec.strategy.rollingUpdate"), &merged, &json!({}), &json!({}));
        assert_eq!(unowned, rolling, "also where nobody owns what is around it");
        let mut body = body.clone();
        without_nulls(&mut body, &rolling);
        assert_eq!(body["spec"]["strategy"], json!({"type": "Recreate"}));
    }
}
