//! What a dry run would change, as a unified diff.

use std::fmt::Write;

use anstyle::AnsiColor;
use serde_json::Value;
use similar::TextDiff;

use crate::clean::clean;
use crate::failure::{Failure, Result};
use crate::style::BOLD;
use crate::wire::{Preview, Previewed};

/// The diffs of all objects that change, one after the other; then what is removed, and what waits.
pub(crate) fn preview(preview: &Preview) -> Result<String> {
    let Preview { service, track, revision, tag, objects, .. } = preview;
    let mut text = String::new();
    for object in objects.iter().filter(|object| object.change != "unchanged") {
        text += &of_object(object)?;
    }
    for (objects, what) in [
        (&preview.removed, "would be removed"),
        (&preview.pruned, "would be deleted: the manifests no longer have it"),
        (&preview.withheld, "stays as it is until the promotion"),
    ] {
        for object in objects {
            let _ = writeln!(text, "{} {what}", clean(&object.to_string()));
        }
    }
    for warning in &preview.warnings {
        let _ = writeln!(text, "warning: {}", clean(warning));
    }
    let changed = objects.iter().filter(|object| object.change != "unchanged").count();
    let unchanged = objects.len() - changed;
    let short = revision.get(..12).unwrap_or(revision);
    let of = clean(&format!("{service}: {tag} ({short}) on {track}"));
    let _ = writeln!(
        text,
        "{of} would change {changed} objects and leave {unchanged} unchanged; nothing was changed"
    );
    Ok(text)
}

/// In the form of `diff -u`, with `/dev/null` for an object that is not there before or after.
fn of_object(object: &Previewed) -> Result<String> {
    let (before, after) = (yaml(object.before.clone())?, yaml(object.after.clone())?);
    let name = |side: &str, value: Option<&Value>| match value {
        Some(_) => clean(&format!("{side}/{}", object.object)),
        None => "/dev/null".to_owned(),
    };
    let headers = (name("live", object.before.as_ref()), name("new", object.after.as_ref()));
    let diff = TextDiff::from_lines(&before, &after);
    let unified = diff.unified_diff().context_radius(3).header(&headers.0, &headers.1).to_string();
    Ok(unified.lines().fold(String::new(), |text, line| text + &coloured(line) + "\n"))
}

/// What the cluster itself writes into an object: it differs at every look and says nothing about a version.
const OWN: [&str; 6] =
    ["creationTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid"];

fn yaml(value: Option<Value>) -> Result<String> {
    match value.map(without_own) {
        None => Ok(String::new()),
        Some(value) => serde_saphyr::to_string(&value)
            .map(|text| clean(&text))
            .map_err(|error| Failure::usage(format!("an object cannot be shown as YAML: {error}"))),
    }
}

fn without_own(mut object: Value) -> Value {
    if let Some(fields) = object.as_object_mut() {
        fields.shift_remove("status");
        if let Some(metadata) = fields.get_mut("metadata").and_then(Value::as_object_mut) {
            OWN.iter().for_each(|field| drop(metadata.shift_remove(*field)));
        }
    }
    object
}

fn coloured(line: &str) -> String {
    let style = match line.as_bytes() {
        [b'+', b'+', b'+', ..] | [b'-', b'-', b'-', ..] => BOLD,
        [b'+', ..] => AnsiColor::Green.on_default(),
        [b'-', ..] => AnsiColor::Red.on_default(),
        [b'@', ..] => AnsiColor::Cyan.on_default(),
        _ => return line.to_owned(),
    };
    format!("{style}{line}{style:#}")
}
