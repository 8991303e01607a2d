//! What tracing shows of an operation: a span for it, and one for each of its phases. Whoever embeds nprt gets them
//! with any subscriber of `tracing`. `otel.name` and `otel.status_code` are what OpenTelemetry's layer calls a span by
//! and whether it failed.

use std::future::Future;

use nprt_core::Result;
use nprt_core::model::{Revision, ServiceName, Tag};
use tracing::field::Empty;
use tracing::{Instrument, Span};

/// Runs an operation on the service in a span of its own.
pub(crate) async fn operation<T>(
    name: &str,
    service: &ServiceName,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    let span = tracing::info_span!(
        "operation",
        otel.name = name,
        otel.status_code = Empty,
        "error.type" = Empty,
        nprt.service = %service,
        "vcs.ref.head.revision" = Empty,
        nprt.tag = Empty,
    );
    said(work).instrument(span).await
}

/// Runs a phase of an operation in a span of its own.
pub(crate) async fn phase<T>(name: &'static str, work: impl Future<Output = Result<T>>) -> Result<T> {
    let span = tracing::info_span!("phase", otel.name = name, otel.status_code = Empty, "error.type" = Empty);
    said(work).instrument(span).await
}

/// Says on the operation's span which version it is about.
pub(crate) fn about(revision: &Revision, tag: &Tag) {
    let span = Span::current();
    span.record("vcs.ref.head.revision", tracing::field::display(revision));
    span.record("nprt.tag", tracing::field::display(tag));
}

/// Says on the span of `work` how it failed: its kind, since texts are for people.
async fn said<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let done = work.await;
    if let Err(error) = &done {
        let span = Span::current();
        span.record("otel.status_code", "ERROR");
        span.record("error.type", error.kind().as_str());
    }
    done
}
