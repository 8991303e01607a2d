//! The report of a canary: one HTML file.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{Context, name};
use crate::cli::{Format, ReportArgs};
use crate::failure::{Exit, Failure, Result};
use crate::output::write;

pub(super) async fn run(context: &Context, ReportArgs { service, save }: ReportArgs) -> Result<Exit> {
    let service = name(service)?;
    if context.output.format != Format::Table {
        let value = context.client.get(&[&service, "canary"]).await?;
        context.output.value(&value)?;
        return Ok(Exit::Success);
    }
    let page = context.client.page(&[&service, "canary"]).await?;
    match save {
        Some(path) if path == Path::new("-") => {
            let written = std::io::stdout().lock().write_all(&page);
            written.map_err(|error| Failure::usage(format!("stdout cannot be written: {error}")))?;
        }
        Some(path) => {
            write(&path, &page)?;
            context.output.note(&format!("saved {}", path.display()));
        }
        None => open(context, &keep(&service, &page)?)?,
    }
    Ok(Exit::Success)
}

/// Writes the page into a file of its own, which stays for the browser; nobody else can read it.
fn keep(service: &str, page: &[u8]) -> Result<PathBuf> {
    let failed = |error: std::io::Error| Failure::usage(format!("the report cannot be kept: {error}"));
    let plain: String = service.chars().filter(|c| c.is_alphanumeric() || "-_".contains(*c)).collect();
    let prefix = format!("depctl-{plain}-");
    let mut file = tempfile::Builder::new().prefix(&prefix).suffix(".html").tempfile().map_err(failed)?;
    file.write_all(page).map_err(failed)?;
    let (_, path) = file.keep().map_err(|error| failed(error.error))?;
    Ok(path)
}

/// Opens the file in `$BROWSER`, or as the system does.
fn open(context: &Context, path: &Path) -> Result<()> {
    let browser = std::env::var("BROWSER").ok().filter(|browser| !browser.is_empty());
    let programs = browser.as_deref().into_iter().chain(["xdg-open", "open"]);
    for program in programs {
        let quiet = Stdio::null;
        let started = Command::new(program).arg(path).stdin(quiet()).stdout(quiet()).stderr(quiet()).spawn();
        if started.is_ok() {
            context.output.note(&format!("opened {}", path.display()));
            return Ok(());
        }
    }
    let failure = Failure::usage("no browser was found to open the report");
    Err(failure.with(format!("it is in {}; or save it by --save FILE", path.display())))
}
