//! What there is of one service.

use std::sync::Arc;

use axum::Json;
use axum::response::{IntoResponse, Response};
use nprt::model::{Reference, Revision};
use nprt::pipeline::{Progress, Status};
use nprt::ports::VcsSource;
use serde_json::{Value, json};

use super::accept::Form;
use super::asked::Asked;
use super::problem::Problem;
use super::{page, summary};
use crate::compose::{Member, Told};
use crate::config::Action;

/// `GET /{service}`
pub(crate) async fn service(asked: Asked) -> Result<Json<Value>, Problem> {
    let (service, member) = asked.service(&[Action::Read])?;
    asked.takes_json()?;
    let pipeline = asked.composed.pipeline(Told::Decisions);
    asked
        .in_time(async {
            let status = pipeline.status(&service).await?;
            let images = match revision(member, &status).await {
                Ok(revision) => pipeline.images(&service, &revision, &Progress::silent()).await,
                Err(error) => Err(error),
            };
            // What runs is shown also while version control does not answer.
            let (images, error) = match images {
                Ok(images) => (images, None),
                Err(error) => (Vec::new(), Some(error.to_string())),
            };
            let mut shown = json!({
                "service": service,
                "config": summary::of(&member.config),
                "stable": status.stable,
                "canary": status.canary,
                "images": images,
            });
            if let (Value::Object(shown), Some(error)) = (&mut shown, error) {
                shown.insert("error".to_owned(), error.into());
            }
            Ok(Json(shown))
        })
        .await
}

/// The revision whose manifests say what a service is made of: stable's, or the newest where none runs.
pub(crate) async fn revision(member: &Member, status: &Status) -> nprt::Result<Revision> {
    match status.stable.as_ref().and_then(|stable| stable.revision.clone()) {
        Some(revision) => Ok(revision),
        None => Ok(member.ports.vcs.resolve(&Reference::new("HEAD")?).await?.revision),
    }
}

/// `GET /{service}/status`
pub(crate) async fn status(asked: Asked) -> Result<Json<Value>, Problem> {
    let (service, _) = asked.service(&[Action::Read])?;
    asked.takes_json()?;
    let pipeline = asked.composed.pipeline(Told::Decisions);
    asked
        .in_time(async {
            let status = pipeline.status(&service).await?;
            let held = status.canary.as_ref().and_then(|canary| canary.held.clone());
            let mut shown = json!(status);
            if let Value::Object(shown) = &mut shown {
                shown.insert("held".to_owned(), json!(held));
            }
            Ok(Json(shown))
        })
        .await
}

/// `GET /{service}/canary`: the verdict so far, judged anew; for a browser the report.
pub(crate) async fn canary(asked: Asked) -> Result<Response, Problem> {
    let (service, _) = asked.service(&[Action::Read])?;
    if asked.form(&[Form::Json, Form::Html])? == Form::Html {
        return page::report(&asked, &service).await;
    }
    let pipeline = asked.composed.pipeline(Told::Decisions);
    asked
        .in_time(async {
            let judged = pipeline.judge_canary(&service, &Progress::silent()).await?;
            let shown = json!(judged);
            asked.app.verdicts().keep(Arc::new(judged));
            Ok(Json(shown).into_response())
        })
        .await
}
