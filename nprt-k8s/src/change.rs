//! What an apply changed: the fields that we own, before and after. Others may write theirs between the two
//! looks at an object, and that is no change of ours.

use nprt_core::ports::Change;
use serde_json::Value;

use crate::adopt::{adopted, ours};
use crate::fields::at;
use crate::text::with_text;

/// What became of an object that was `before` and is `after`.
pub(crate) fn change(before: Option<&Value>, after: &Value) -> Change {
    let Some(before) = before else { return Change::Created };
    if adopted(before).is_some() {
        return Change::Configured;
    }
    let (before, after) = (&*with_text(before), &*with_text(after));
    match (ours(before), ours(after)) {
        (Some(old), Some(new)) if old == new && same(new, Some(before), Some(after)) => Change::Unchanged,
        _ => Change::Configured,
    }
}

/// Whether all of `fields` have one value in both.
fn same(fields: &Value, before: Option<&Value>, after: Option<&Value>) -> bool {
    match fields.as_object() {
        Some(fields) if !fields.is_empty() => {
            fields.iter().all(|(step, fields)| same(fields, at(before, step), at(after, step)))
        }
        _ => before == after,
    }
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
    fn only_what_we_own_is_a_change_of_ours() {
        let before = object(1, "a", "1");
        let mut written_by_others = object(1, "a", "2");
        written_by_others["metadata"]["resourceVersion"] = json!("9");
        written_by_others["metadata"]["finalizers"] = json!(["x"]);
        assert_eq!(change(None, &before), Change::Created);
        assert_eq!(change(Some(&before), &written_by_others), Change::Unchanged);
        assert_eq!(change(Some(&before), &object(2, "a", "1")), Change::Configured);
        assert_eq!(change(Some(&before), &object(1, "b", "1")), Change::Configured);
    }

    #[test]
    fn giving_a_field_up_or_taking_one_is_a_change() {
        let before = object(1, "a", "1");
        let mut after = before.clone();
        after["metadata"]["managedFields"][0]["fieldsV1"]["f:spec"]["f:replicas"].take();
        assert_eq!(change(Some(&before), &after), Change::Configured);
        let mut theirs = before.clone();
        theirs["metadata"]["managedFields"][0]["manager"] = json!("kubectl");
        assert_eq!(change(Some(&theirs), &before), Change::Configured);
    }
}
