//! Commands that change something, after a question where that is production.

use std::time::Duration;

use nprt_core::model::{Revision, Tag};
use nprt_pipeline::{Held, Status};
use serde_json::Value;

use super::{Context, name, read, stream, summary, watch};
use crate::cli::{
    Asking, CanaryArgs, ChangeArgs, Format, HoldArgs, How, PromoteArgs, RollbackArgs, VersionArgs,
};
use crate::client::JSON;
use crate::confirm::confirm;
use crate::failure::{Exit, Failure, Result};
use crate::wire::Preview;
use crate::{clean, diff, git, output};

type Parameters = Vec<(&'static str, String)>;

pub(super) async fn deploy(context: &Context, change: ChangeArgs) -> Result<Exit> {
    start(context, "deploy", change).await.map(|_| Exit::Success)
}

pub(super) async fn canary(context: &Context, CanaryArgs { change, watch }: CanaryArgs) -> Result<Exit> {
    let service = start(context, "canary", change).await?;
    if watch { watch::until_verdict(context, &service).await } else { Ok(Exit::Success) }
}

/// Deploys or starts a canary; says of which service.
async fn start(context: &Context, action: &'static str, change: ChangeArgs) -> Result<String> {
    let ChangeArgs { service, version, how: How { asking, wait, dry_run } } = change;
    let service = name(service)?;
    let (version, what) = pick(context, version)?;
    let mut parameters = version;
    parameters.extend(common(&asking, wait));
    let path = [service.as_str(), action];
    if dry_run {
        preview(context, &path, parameters, &asking).await?;
        return Ok(service);
    }
    confirm(&context.connection, &format!("{action} {what}"), &service, asking.yes)?;
    let done = put(context, &path, &parameters, &asking).await?;
    context.output.answer(done, summary::deployment)?;
    Ok(service)
}

/// Shows what would change.
async fn preview(context: &Context, path: &[&str], parameters: Parameters, asking: &Asking) -> Result<()> {
    let value = would(context, path, parameters, asking).await?;
    if context.output.format != Format::Table {
        return context.output.value(&value);
    }
    let preview: Preview = output::read(value)?;
    output::text(&diff::preview(&preview)?)
}

/// What the server answers to a dry run.
async fn would(
    context: &Context,
    path: &[&str],
    mut parameters: Parameters,
    asking: &Asking,
) -> Result<Value> {
    parameters.push(("dry_run", "true".to_owned()));
    let timeout = Duration::from_secs(asking.timeout);
    let response = context.client.put(path, &parameters, JSON, timeout).await?;
    context.client.value(response).await
}

/// The version that is asked for, as parameters and in words: `HEAD` where none is named.
fn pick(context: &Context, VersionArgs { commit, tag }: VersionArgs) -> Result<(Parameters, String)> {
    let is_head = commit.as_deref().is_some_and(|commit| matches!(commit, "HEAD" | "@"));
    let commit = if is_head || (commit.is_none() && tag.is_none()) {
        let head = git::pushed_head()?;
        if git::has_changes() {
            context.output.note("note: changes that are not committed are in no version");
        }
        Some(head)
    } else {
        commit
    };
    version(commit, tag)
}

fn version(commit: Option<String>, tag: Option<String>) -> Result<(Parameters, String)> {
    let given: Parameters = [("commit", commit), ("tag", tag)]
        .into_iter()
        .filter_map(|(key, value)| Some((key, value?)))
        .collect();
    if let Some((key, _)) = given.iter().find(|(_, value)| value.is_empty()) {
        return Err(Failure::usage(format!("--{key} is empty")));
    }
    let what = given.iter().map(|(key, value)| format!("{key} {}", clean::line(value))).collect::<Vec<_>>();
    Ok((given, what.join(", ")))
}

/// What goes along with every change.
fn common(asking: &Asking, wait: Option<u64>) -> Parameters {
    let wait = wait.map(|seconds| seconds.to_string());
    let notify = asking.notify.map(|notify| notify.to_string());
    let given = [("reason", asking.reason.clone()), ("notify", notify), ("wait", wait)];
    given.into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
}

/// Promotes the canary. Where a person is asked, it is the one that was shown, or none.
pub(super) async fn promote(context: &Context, promote: PromoteArgs) -> Result<Exit> {
    let PromoteArgs { service, commit, tag, how: How { asking, wait, dry_run } } = promote;
    let service = name(service)?;
    let (mut parameters, mut what) = version(commit, tag)?;
    if dry_run {
        parameters.extend(common(&asking, wait));
        preview(context, &[&service, "promote"], parameters, &asking).await?;
        return Ok(Exit::Success);
    }
    if parameters.is_empty() && context.connection.production && !asking.yes {
        let status: Status = output::read(context.client.get(&[&service, "status"]).await?)?;
        let Some(canary) = status.canary else {
            return Err(Failure::new(Exit::Refused, format!("{service} has no canary to promote")));
        };
        what = format!("the canary {}", clean::line(&canary.describe()));
        let revision = canary.revision.as_ref().map(Revision::to_string);
        (parameters, _) = version(revision, canary.tag.as_ref().map(Tag::to_string))?;
    }
    let what =
        if what.is_empty() { "promotion of the canary".to_owned() } else { format!("promotion of {what}") };
    confirm(&context.connection, &what, &service, asking.yes)?;
    parameters.extend(common(&asking, wait));
    let done = put(context, &[&service, "promote"], &parameters, &asking).await?;
    context.output.answer(done, summary::deployment)?;
    Ok(Exit::Success)
}

pub(super) async fn rollback(
    context: &Context,
    RollbackArgs { service, asking, dry_run }: RollbackArgs,
) -> Result<Exit> {
    let service = name(service)?;
    if dry_run {
        let would = would(context, &[&service, "rollback"], common(&asking, None), &asking).await?;
        context.output.answer(would, summary::would_roll_back)?;
        return Ok(Exit::Success);
    }
    confirm(&context.connection, "rollback", &service, asking.yes)?;
    let done = put(context, &[&service, "rollback"], &common(&asking, None), &asking).await?;
    context.output.answer(done, summary::rollback)?;
    Ok(Exit::Success)
}

pub(super) async fn hold(
    context: &Context,
    HoldArgs { service, asking }: HoldArgs,
    hold: bool,
) -> Result<Exit> {
    let service = name(service)?;
    let action = if hold { "hold" } else { "resume" };
    confirm(&context.connection, action, &service, asking.yes)?;
    let done = put(context, &[&service, action], &common(&asking, None), &asking).await?;
    context.output.answer(done, |done: &HoldAnswer| {
        format!("{}: autopilot {}\n", clean::line(&done.service), read::held(done.held.as_ref()))
    })?;
    Ok(Exit::Success)
}

#[derive(Debug, serde::Deserialize)]
struct HoldAnswer {
    service: String,
    held: Option<Held>,
}

async fn put(context: &Context, path: &[&str], parameters: &Parameters, asking: &Asking) -> Result<Value> {
    stream::change(context, path, parameters, Duration::from_secs(asking.timeout)).await
}
