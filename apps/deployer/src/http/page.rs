//! What a browser is shown.

use axum::http::StatusCode;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use nprt::ErrorKind;
use nprt::model::{Revision, ServiceName, Tag};
use nprt::pipeline::{Progress, Running};
use nprt::render::{CanaryOverview, Overview, ServiceOverview};
use nprt::report::Version;

use super::asked::Asked;
use super::problem::Problem;
use super::read::Row;
use crate::compose::Told;

/// All services of the token.
pub(crate) fn index(asked: &Asked, rows: &[Row<'_>]) -> Response {
    let overview = Overview { at: asked.app.clock().now(), services: rows.iter().map(service).collect() };
    page(nprt::render::overview_html(&overview))
}

fn service(row: &Row<'_>) -> ServiceOverview {
    let name = row.name.to_string();
    match &row.status {
        Ok(status) => ServiceOverview {
            canary: status.canary.as_ref().map(|canary| trial(row, canary)),
            stable: status.stable.as_ref().map(version),
            operation: status.operation.clone(),
            error: None,
            name,
        },
        Err(problem) => {
            ServiceOverview { error: Some(problem.detail().to_owned()), name, ..Default::default() }
        }
    }
}

fn trial(row: &Row<'_>, canary: &Running) -> CanaryOverview {
    let verdict = row.judged.as_ref().map(|judged| &judged.verdict);
    CanaryOverview {
        version: version(canary),
        started: canary.started,
        held: canary.held.as_ref().map(|held| format!("by {}: {}", held.by, held.reason)),
        drift: canary.drift.clone(),
        verdict: verdict.map(|verdict| (verdict.decision.clone(), verdict.reason.clone())),
        // The server may be behind a path of a proxy.
        report: Some(format!("{}/canary", row.name)),
    }
}

fn version(running: &Running) -> Version {
    let (tag, revision) = (running.tag.as_ref(), running.revision.as_ref());
    Version { tag: tag.map(Tag::to_string), revision: revision.map(Revision::to_string) }
}

/// The report of the canary that runs, or else of the one that ended last.
pub(crate) async fn report(asked: &Asked, service: &ServiceName) -> Result<Response, Problem> {
    let pipeline = asked.composed.pipeline(Told::Decisions);
    asked
        .in_time(async {
            // It is never closed.
            let room = asked.app.drawings().acquire_owned().await;
            let measured = pipeline.measure_canary(service, &Progress::silent()).await?;
            // A canary of days takes a while to draw, also when nobody waits for it any more, and other requests go on
            // meanwhile.
            let drawn = tokio::task::spawn_blocking(move || {
                let _until_then = room;
                measured.report().map(|report| nprt::render::html(&report))
            });
            let fault = |_| {
                let status = StatusCode::INTERNAL_SERVER_ERROR;
                Problem::new(status, ErrorKind::Unexpected, "internal error")
            };
            Ok(page(drawn.await.map_err(fault)??))
        })
        .await
}

fn page(html: String) -> Response {
    // Only a header can forbid to be shown inside another page.
    let policy = format!("{}; frame-ancestors 'none'", nprt::render::CONTENT_SECURITY_POLICY);
    let headers = [(CONTENT_TYPE, "text/html; charset=utf-8".to_owned()), (CONTENT_SECURITY_POLICY, policy)];
    (headers, html).into_response()
}
