//! What a change did, in a few lines.

use std::fmt::Write;

use nprt_core::ports::Change;
use nprt_pipeline::Rollback;

use super::read::version;
use crate::clean::line;
use crate::style::GOOD;
use crate::wire::{Done, Expected};

pub(super) fn deployment(Done { deployment: done, expected }: &Done) -> String {
    let count = |change| done.applied.iter().filter(|applied| applied.change == change).count();
    let short = done.revision.short();
    let what = line(&format!("{}: {} ({short}) runs on {}", done.service, done.tag, done.track));
    let mut text = format!("{GOOD}{what}{GOOD:#}\n");
    let counts = [
        (count(Change::Created), "created"),
        (count(Change::Configured), "configured"),
        (count(Change::Unchanged), "unchanged"),
        (done.removed.len(), "removed"),
        (done.pruned.len(), "pruned"),
        (done.withheld.len(), "withheld until the promotion"),
    ];
    let counts = counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"));
    let counts = counts.collect::<Vec<_>>().join(", ");
    let _ = writeln!(text, "objects: {}", if counts.is_empty() { "none" } else { &counts });
    if let Some(expected) = expected {
        text += &expectation(expected);
    }
    warnings(&mut text, &done.warnings);
    text
}

/// How long the verdict takes, at the present traffic.
fn expectation(Expected { detect_minutes, pass_minutes, why }: &Expected) -> String {
    let why = why.as_ref().map(|why| format!(": {}", line(why))).unwrap_or_default();
    let minutes = |minutes: Option<f64>| match minutes {
        Some(minutes) => format!("after about {minutes:.0} min"),
        None => "at a time that is not known".to_owned(),
    };
    match (*detect_minutes, *pass_minutes) {
        (None, None) => format!("expected: not known{why}\n"),
        (detect, pass) => {
            format!("expected: +25 % is found {}, a pass {}{why}\n", minutes(detect), minutes(pass))
        }
    }
}

pub(super) fn rollback(done: &Rollback) -> String {
    let service = line(done.service.as_str());
    let (canary, stable) = (version(done.canary.as_ref()), version(done.stable.as_ref()));
    let what = match &done.canary {
        Some(_) => format!("{service}: the canary {canary} was removed, {stable} serves on"),
        None => format!("{service}: there was no canary, {stable} serves on"),
    };
    let mut text = format!("{GOOD}{what}{GOOD:#}\n");
    let (removed, ending) = (done.removed.len(), done.ending.len());
    let _ = writeln!(text, "objects: {removed} removed; pods that are still ending: {ending}");
    if let Some(cancelled) = &done.cancelled {
        let _ = writeln!(text, "cancelled: {}", line(cancelled));
    }
    warnings(&mut text, &done.warnings);
    text
}

pub(super) fn would_roll_back(would: &Rollback) -> String {
    let service = line(would.service.as_str());
    let (canary, stable) = (version(would.canary.as_ref()), version(would.stable.as_ref()));
    let mut text = String::new();
    for object in &would.removed {
        let _ = writeln!(text, "{} would be removed", line(&object.to_string()));
    }
    if let Some(cancelled) = &would.cancelled {
        let _ = writeln!(text, "{} would be cancelled", line(cancelled));
    }
    warnings(&mut text, &would.warnings);
    let what = match &would.canary {
        Some(_) => format!("the canary {canary} would be removed, {stable} would serve on"),
        None => format!("there is no canary, {stable} serves"),
    };
    let _ = writeln!(text, "{service}: {what}; nothing was changed");
    text
}

fn warnings(text: &mut String, warnings: &[String]) {
    for warning in warnings {
        let _ = writeln!(text, "warning: {}", line(warning));
    }
}
