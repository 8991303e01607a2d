use nprt::pipeline::{Preview, PreviewedObject};
use serde_json::{Value, json};

/// What a deploy, a canary or a promotion would do, without the values of Secrets.
pub(crate) fn json(preview: &Preview) -> Value {
    let Preview { service, track, revision, tag, objects, removed, pruned, withheld, warnings } = preview;
    let object = |one: &PreviewedObject| {
        json!({
            "object": one.object,
            "change": one.change,
            "before": one.before.as_ref().map(nprt::model::Object::redacted),
            "after": one.after.redacted(),
        })
    };
    json!({
        "service": service,
        "track": track,
        "revision": revision,
        "tag": tag,
        "objects": objects.iter().map(object).collect::<Vec<_>>(),
        "removed": removed,
        "pruned": pruned,
        "withheld": withheld,
        "warnings": warnings,
    })
}
