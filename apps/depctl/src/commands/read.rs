//! Commands that change nothing.

use std::fmt::Write;

use nprt_pipeline::{Held, Running, Status};

use super::Context;
use crate::clean::{clean, line};
use crate::failure::{Exit, Result};
use crate::style::{self, BOLD, PLAIN};
use crate::table::Table;
use crate::wire::{Entry, Listing, Shown, Tags};

pub(super) async fn ls(context: &Context) -> Result<Exit> {
    let value = context.client.get(&[]).await?;
    context.output.answer(value, |listing: &Listing| {
        let mut table = Table::new(&["SERVICE", "STABLE", "CANARY", "VERDICT", "OPERATION"]);
        listing.services.iter().for_each(|service| table.styled(row(service)));
        table.render()
    })?;
    Ok(Exit::Success)
}

fn row(service: &Entry) -> [(String, anstyle::Style); 5] {
    let verdict = service.verdict.clone().unwrap_or_else(|| "-".to_owned());
    let shown = style::verdict(&verdict);
    let mut operation = service.operation.clone().unwrap_or_else(|| "-".to_owned());
    if service.held {
        operation = if operation == "-" { "held".to_owned() } else { format!("held; {operation}") };
    }
    let (operation, style) = match &service.error {
        Some(error) => (format!("error: {error}"), style::BAD),
        None => (operation, PLAIN),
    };
    [
        (service.name.clone(), PLAIN),
        (version(service.stable.as_ref()), PLAIN),
        (version(service.canary.as_ref()), PLAIN),
        (verdict, shown),
        (operation, style),
    ]
}

pub(super) fn version(running: Option<&Running>) -> String {
    running.map_or_else(|| "-".to_owned(), |running| line(&running.describe()))
}

pub(super) async fn show(context: &Context, service: &str) -> Result<Exit> {
    let value = context.client.get(&[service]).await?;
    context.output.answer(value, |shown: &Shown| {
        let mut text = heading(&shown.service);
        tracks(&mut text, shown.stable.as_ref(), shown.canary.as_ref());
        if !shown.images.is_empty() {
            text += "images\n";
            for image in &shown.images {
                let name = image.as_str().map_or_else(|| image.to_string(), str::to_owned);
                let _ = writeln!(text, "  {}", line(&name));
            }
        }
        if !shown.config.is_null() {
            let config = serde_saphyr::to_string(&shown.config).unwrap_or_else(|_| shown.config.to_string());
            text += "configuration\n";
            for line in clean(&config).lines() {
                let _ = writeln!(text, "  {line}");
            }
        }
        text
    })?;
    Ok(Exit::Success)
}

fn heading(service: &str) -> String {
    format!("{BOLD}{}{BOLD:#}\n", line(service))
}

/// A line for each track, and what is known of who started it and until when.
fn tracks(text: &mut String, stable: Option<&Running>, canary: Option<&Running>) {
    for (track, running) in [("stable", stable), ("canary", canary)] {
        let mut said = version(running);
        if let Some(running) = running {
            if let Some(caller) = &running.caller {
                let _ = write!(said, ", by {}", line(caller));
            }
            for (word, time) in [("since", running.started), ("until", running.expires)] {
                if let Some(time) = time {
                    let _ = write!(said, ", {word} {time}");
                }
            }
        }
        let _ = writeln!(text, "{track:<10} {said}");
    }
}

pub(super) async fn tags(context: &Context, service: &str) -> Result<Exit> {
    let value = context.client.get(&[service, "tags"]).await?;
    context.output.answer(value, |tags: &Tags| {
        let mut table = Table::new(&["IMAGE", "TAGS"]);
        for image in &tags.images {
            table.row([image.image.clone(), list(&image.tags)]);
        }
        table.row(["on all images".to_owned(), list(&tags.shared)]);
        table.render()
    })?;
    Ok(Exit::Success)
}

fn list(tags: &[String]) -> String {
    if tags.is_empty() { "-".to_owned() } else { tags.join(" ") }
}

pub(super) async fn status(context: &Context, service: &str) -> Result<Exit> {
    let value = context.client.get(&[service, "status"]).await?;
    context.output.answer(value, |status: &Status| {
        let mut text = heading(status.service.as_str());
        tracks(&mut text, status.stable.as_ref(), status.canary.as_ref());
        let operation = status.operation.as_deref().unwrap_or("none");
        let _ = writeln!(text, "{:<10} {}", "operation", line(operation));
        let _ = writeln!(
            text,
            "{:<10} {}",
            "autopilot",
            held(status.canary.as_ref().and_then(|canary| canary.held.as_ref()))
        );
        text += &drift(status.canary.as_ref().map_or(&[], |canary| &canary.drift));
        text
    })?;
    Ok(Exit::Success)
}

/// A line for each field that others have set on stable and that the canary lacks.
pub(super) fn drift(fields: &[String]) -> String {
    let mut text = String::new();
    for field in fields {
        let _ = writeln!(text, "{:<10} {}", "drift", line(field));
    }
    text
}

/// What the autopilot may do.
pub(super) fn held(held: Option<&Held>) -> String {
    let Some(held) = held else { return "goes on".to_owned() };
    let mut text = format!("held by {} since {}", line(&held.by), held.since);
    if !held.reason.is_empty() {
        let _ = write!(text, ": {}", line(&held.reason));
    }
    text
}
