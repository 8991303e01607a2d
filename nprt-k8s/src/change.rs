//! Whether an apply changed anything: the object as the server has it, defaults filled in, before and after. Both
//! are of one version of the API, and of one object: the apply is refused where somebody wrote it in between.

use nprt_core::ports::Change;
use serde_json::Value;

use crate::fields::at;
use crate::owners::ours;

/// What the server keeps of an object by itself. Some kinds are written again by an apply that changes nothing:
/// then the generation and the times of the owners are others, and nothing else.
const BOOKS: [&str; 3] = ["generation", "managedFields", "resourceVersion"];

/// What became of an object that was `before` and is `after`.
pub(crate) fn change(before: Option<&Value>, after: &Value) -> Change {
    let Some(before) = before else { return Change::Created };
    if owned(before) == owned(after) && content(before) == content(after) {
        Change::Unchanged
    } else {
        Change::Configured
    }
}

/// Whether we own a field in `after` that we did not own in `before`. What we lost, another took.
pub(crate) fn gained(before: &Value, after: &Value) -> bool {
    owned(after).is_some_and(|after| !owned(before).is_some_and(|before| within(&after, &before)))
}

/// Whether `fields` has no field that is not of `all`.
fn within(fields: &Value, all: &Value) -> bool {
    let Some(steps) = fields.as_object() else { return true };
    steps.iter().all(|(step, inner)| all.get(step).is_some_and(|all| within(inner, all)))
}

/// The fields that we own and that are there: the server drops an empty list, and who owns it says nothing.
fn owned(object: &Value) -> Option<Value> {
    ours(object).map(|fields| present(fields, object))
}

fn present(fields: &Value, value: &Value) -> Value {
    let Some(steps) = fields.as_object().filter(|steps| !steps.is_empty()) else { return fields.clone() };
    let present = steps.iter().filter_map(|(step, inner)| match step.as_str() {
        "." => Some((step.clone(), inner.clone())),
        _ => Some((step.clone(), present(inner, at(Some(value), step)?))),
    });
    Value::Object(present.collect())
}

/// Whether the server would write an object again that stays as it is.
pub(crate) fn is_written_again(before: &Value, after: &Value) -> bool {
    let books = |object: &Value| BOOKS.map(|field| object["metadata"][field].clone());
    books(before) != books(after)
}

fn content(object: &Value) -> Value {
    let mut content = object.clone();
    if let Some(map) = content.as_object_mut() {
        map.shift_remove("status");
    }
    if let Some(metadata) = content.get_mut("metadata").and_then(Value::as_object_mut) {
        BOOKS.iter().for_each(|field| _ = metadata.shift_remove(*field));
    }
    content
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// An object of which we own two fields, an item of a list and its image, and a finalizer.
    fn object(replicas: u64, image: &str, label: &str) -> Value {
        json!({
            "metadata": {"resourceVersion": image, "labels": {"theirs": label}, "finalizers": ["x", "y"],
                "managedFields": [{"manager": "nprt", "operation": "Apply", "time": image, "fieldsV1": {
                    "f:metadata": {"f:finalizers": {"v:\"x\"": {}}},
                    "f:spec": {"f:replicas": {}, "f:containers": {"k:{\"name\":\"app\"}": {".": {}, "f:image": {}}}}}}]},
            "spec": {"replicas": replicas, "containers": [{"name": "other"}, {"name": "app", "image": image}]},
        })
    }

    #[test]
    fn content_and_our_fields_are_what_counts() {
        let before = object(1, "a", "1");
        let mut again = before.clone();
        again["metadata"]["resourceVersion"] = json!("9");
        again["metadata"]["generation"] = json!(9);
        again["metadata"]["managedFields"][0]["time"] = json!("later");
        again["status"] = json!({"ready": 1});
        assert_eq!(change(None, &before), Change::Created);
        assert_eq!(change(Some(&before), &again), Change::Unchanged);
        assert!(is_written_again(&before, &again) && !is_written_again(&before, &before));
        for other in [object(2, "a", "1"), object(1, "b", "1"), object(1, "a", "2")] {
            assert_eq!(change(Some(&before), &other), Change::Configured);
        }
    }

    #[test]
    fn an_empty_list_that_the_server_drops_is_no_change() {
        let before = object(1, "a", "1");
        let mut after = before.clone();
        after["metadata"]["managedFields"][0]["fieldsV1"]["f:spec"]["f:volumes"] = json!({});
        assert_eq!(change(Some(&before), &after), Change::Unchanged);
    }

    #[test]
    fn giving_a_field_up_or_taking_one_is_a_change() {
        let before = object(1, "a", "1");
        let mut after = before.clone();
        after["metadata"]["managedFields"][0]["fieldsV1"]["f:spec"]
            .as_object_mut()
            .unwrap()
            .shift_remove("f:replicas");
        assert_eq!(change(Some(&before), &after), Change::Configured);
        assert!(gained(&after, &before) && !gained(&before, &after) && !gained(&before, &before));
        let mut theirs = before.clone();
        theirs["metadata"]["managedFields"][0]["manager"] = json!("kubectl");
        assert_eq!(change(Some(&theirs), &before), Change::Configured);
        assert!(gained(&theirs, &before) && !gained(&before, &theirs));
    }
}
