//! Deploy, canary, promote, roll back.

use std::sync::Arc;
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use nprt::model::{ServiceName, Track, VersionRef};
use nprt::pipeline::{Caller, Deployment, Judgement, Pipeline, Progress, Request, Rollback, Status};
use nprt::wrap::in_time;
use nprt::{Error, ErrorKind};
use serde_json::{Value, json};

use super::answer::answer;
use super::asked::Asked;
use super::problem::Problem;
use super::{params, preview};
use crate::config::Action;

/// How long a promotion waits for the verdict that is told with it.
const AT_ONCE: Duration = Duration::from_secs(2);

pub(crate) async fn deploy(asked: Asked) -> Response {
    start(&asked, Track::Stable).await.unwrap_or_else(IntoResponse::into_response)
}

pub(crate) async fn canary(asked: Asked) -> Response {
    start(&asked, Track::Canary).await.unwrap_or_else(IntoResponse::into_response)
}

async fn start(asked: &Asked, track: Track) -> Result<Response, Problem> {
    let (operation, action) = match track {
        Track::Stable => ("deploy", Action::Deploy),
        Track::Canary => ("canary", Action::Canary),
    };
    let (service, _) = asked.service(&[action])?;
    let params = asked.params(params::VERSION)?;
    let version = params.version()?.ok_or_else(|| {
        Problem::invalid("expected a commit, a tag or both").with_available(["commit", "tag"])
    })?;
    let caller = asked.caller(&params.reason)?;
    let (composed, told) = (Arc::clone(&asked.composed), asked.told(params.notify));
    let request = Request { version, caller, wait: params.wait, branches: asked.token.branches.clone() };
    let (clock, name) = (asked.app.clock(), service.clone());
    let work = move |progress: Progress| async move {
        let (member, pipeline) = (composed.member(&name)?, composed.pipeline(told));
        if params.dry_run {
            return Ok(preview::json(&pipeline.preview(&name, &request, track, &progress).await?));
        }
        match track {
            Track::Stable => written(&pipeline.deploy(&name, &request, &progress).await?),
            Track::Canary => {
                let mut done = written(&pipeline.canary(&name, &request, &progress).await?)?;
                if let Value::Object(done) = &mut done {
                    done.insert("expected".to_owned(), crate::expected::expected(member, &*clock).await);
                }
                Ok(done)
            }
        }
    };
    Ok(answer(asked, operation, params.dry_run, &service, work).await)
}

fn written(done: &Deployment) -> Result<Value, Problem> {
    serde_json::to_value(done).map_err(|error| {
        Error::new(ErrorKind::Unexpected, "deployer.answer", "cannot be written").with_source(error).into()
    })
}

pub(crate) async fn promote(asked: Asked) -> Response {
    start_promotion(&asked).await.unwrap_or_else(IntoResponse::into_response)
}

async fn start_promotion(asked: &Asked) -> Result<Response, Problem> {
    let (service, _) = asked.service(&[Action::Deploy])?;
    let params = asked.params(params::VERSION)?;
    let version = params.version()?;
    let caller = asked.caller(&params.reason)?;
    let (composed, told) = (Arc::clone(&asked.composed), asked.told(params.notify));
    let (app, name, branches) = (asked.app.clone(), service.clone(), asked.token.branches.clone());
    let work = move |progress: Progress| async move {
        let pipeline = composed.pipeline(told);
        let canary = pipeline.status(&name).await?.canary;
        let known = canary.as_ref().and_then(|canary| app.verdicts().of(&name, canary));
        let running = canary.and_then(|canary| canary.tag.zip(canary.revision));
        let version = match (version, running) {
            (Some(version), _) => version,
            (None, Some((tag, revision))) => {
                VersionRef::new(Some(&revision.to_string()), Some(tag.as_str()))?
            }
            (None, None) => {
                let message = "there is no canary: it was rolled back, or never started";
                return Err(Error::new(ErrorKind::Conflict, "deployer.promote", message).into());
            }
        };
        if params.dry_run {
            let request = Request::new(version, caller).of_branches(branches);
            return Ok(preview::json(&pipeline.preview_promotion(&name, &request, &progress).await?));
        }
        let judged = match known {
            Some(judged) => Some(judged),
            None => judged_at_once(pipeline, &name).await,
        };
        let caller = caller.knowing(judged);
        let request = Request { version, caller, wait: params.wait, branches };
        written(&pipeline.promote(&name, &request, &progress).await?)
    };
    Ok(answer(asked, "promote", params.dry_run, &service, work).await)
}

/// What the metrics say of the canary, to be told with its promotion, if they answer at once.
async fn judged_at_once(pipeline: &Pipeline, name: &ServiceName) -> Option<Arc<Judgement>> {
    let silent = Progress::silent();
    let judged = in_time(AT_ONCE, pipeline.judge_canary(name, &silent)).await;
    judged?.ok().map(Arc::new)
}

pub(crate) async fn rollback(asked: Asked) -> Response {
    start_rollback(&asked).await.unwrap_or_else(IntoResponse::into_response)
}

async fn start_rollback(asked: &Asked) -> Result<Response, Problem> {
    let (service, _) = asked.service(&[Action::Canary, Action::Deploy])?;
    let params = asked.params(params::ROLLBACK)?;
    // Nothing is asked for it: a rollback waits for no metrics.
    let caller = asked.caller(&params.reason)?.knowing(asked.app.verdicts().last(&service));
    let (composed, told, name) = (Arc::clone(&asked.composed), asked.told(params.notify), service.clone());
    let may_cancel = asked.token.has_action(Action::Deploy);
    let work = move |progress: Progress| async move {
        let pipeline = composed.pipeline(told);
        if params.dry_run {
            let would = pipeline.preview_rollback(&name, &progress).await?;
            // What such a token cancels nothing of.
            let cancelled = would.cancelled.filter(|_| may_cancel);
            return Ok(json!(Rollback { cancelled, ..would }));
        }
        let done = if may_cancel {
            pipeline.rollback(&name, &caller, &progress).await?
        } else {
            roll_back_the_canary(pipeline, &name, &caller, &progress).await?
        };
        Ok(json!(done))
    };
    Ok(answer(asked, "rollback", params.dry_run, &service, work).await)
}

/// The rollback of a token that may not change stable: it cancels nothing, since that could be a deploy.
async fn roll_back_the_canary(
    pipeline: &Pipeline,
    name: &ServiceName,
    caller: &Caller,
    progress: &Progress,
) -> nprt::Result<Rollback> {
    let Status { service, stable, canary, .. } = pipeline.status(name).await?;
    let Some(canary) = canary else {
        let (removed, ending, warnings) = Default::default();
        return Ok(Rollback { service, canary, stable, removed, ending, cancelled: None, warnings });
    };
    let done = pipeline.roll_back_if(name, &canary, caller, None, progress).await?;
    done.ok_or_else(|| {
        Error::new(ErrorKind::Conflict, "deployer.rollback", "the canary is another one by now")
            .with("service", service)
    })
}
