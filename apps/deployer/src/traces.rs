//! Traces to a collector of OpenTelemetry, by OTLP over HTTP. It is set up by the standard variables, `OTEL_*`, and is
//! on where one of them names an endpoint.

use async_trait::async_trait;
use axum::http::HeaderMap;
use bytes::Bytes;
use http::{Request, Response};
use nprt_http::ClientConfig;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{TraceContextExt, TracerProvider};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::{HeaderExtractor, HttpClient, HttpError};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tokio::runtime::Handle;
use tracing::level_filters::LevelFilter;
use tracing::{Metadata, Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::registry::LookupSpan;

/// The most that a collector may answer.
const ANSWER_BYTES: usize = 1 << 20;

/// What sends the traces.
#[derive(Debug)]
pub(crate) struct Traces(SdkTracerProvider);

impl Traces {
    /// `None` where no variable asks for traces.
    ///
    /// # Errors
    /// Where one that does is wrong.
    pub(crate) fn start(runtime: &Handle) -> Result<Option<Self>, String> {
        if !is_asked_for() {
            return Ok(None);
        }
        if let Some(other) = variable("PROTOCOL").filter(|protocol| protocol != "http/protobuf") {
            return Err(format!("OTEL_EXPORTER_OTLP_PROTOCOL: expected http/protobuf, found {other:?}"));
        }
        let http = nprt_http::client(&ClientConfig::default()).map_err(|error| error.to_string())?;
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Client { http, runtime: runtime.clone() })
            .with_protocol(Protocol::HttpBinary)
            .build()
            // Its text may repeat the headers, which hold secrets.
            .map_err(|_| "OTEL_EXPORTER_OTLP_*: the exporter of traces cannot be made of them".to_owned())?;
        let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource());
        Ok(Some(Self(provider.build())))
    }

    /// Takes up our spans: those of requests, operations and their phases.
    pub(crate) fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let is_ours = |metadata: &Metadata<'_>| {
            metadata.is_span() && ["deployer", "nprt"].iter().any(|ours| metadata.target().starts_with(ours))
        };
        let ours = filter_fn(is_ours).with_max_level_hint(LevelFilter::INFO);
        tracing_opentelemetry::layer().with_tracer(self.0.tracer("deployer")).with_filter(ours)
    }

    /// Sends what is left.
    pub(crate) fn end(&self) {
        if let Err(error) = self.0.shutdown() {
            tracing::warn!(%error, "the last traces were not sent");
        }
    }
}

/// Makes the span part of the trace that the request says it belongs to, if it does, and says which trace it is.
pub(crate) fn join(span: &Span, headers: &HeaderMap) {
    let parent =
        TraceContextPropagator::new().extract_with_context(&Context::new(), &HeaderExtractor(headers));
    // Where there is no layer, there is no trace.
    let _ = span.set_parent(parent);
    let context = span.context();
    let trace = context.span().span_context().trace_id();
    if trace != opentelemetry::TraceId::INVALID {
        span.record("trace_id", tracing::field::display(trace));
    }
}

fn is_asked_for() -> bool {
    let is = |name: &str, value: &str| std::env::var(name).is_ok_and(|set| set.eq_ignore_ascii_case(value));
    variable("ENDPOINT").is_some() && !is("OTEL_SDK_DISABLED", "true") && !is("OTEL_TRACES_EXPORTER", "none")
}

/// A variable of the exporter: that for traces, or else that for everything.
fn variable(name: &str) -> Option<String> {
    let names = [format!("OTEL_EXPORTER_OTLP_TRACES_{name}"), format!("OTEL_EXPORTER_OTLP_{name}")];
    names.iter().find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
}

fn resource() -> Resource {
    let resource =
        Resource::builder().with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")));
    let attributes = std::env::var("OTEL_RESOURCE_ATTRIBUTES").unwrap_or_default();
    if std::env::var_os("OTEL_SERVICE_NAME").is_some() || attributes.contains("service.name=") {
        return resource.build();
    }
    resource.with_service_name("deployer").build()
}

/// The HTTP client of all backends. The exporter asks from a thread of its own, where no runtime is.
#[derive(Debug)]
struct Client {
    http: reqwest::Client,
    runtime: Handle,
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (http, request) = (self.http.clone(), request.try_into()?);
        let sent = self.runtime.spawn(async move {
            let answer = http.execute(request).await?;
            let mut response = Response::builder().status(answer.status());
            if let Some(headers) = response.headers_mut() {
                headers.clone_from(answer.headers());
            }
            let body = nprt_http::read_body("otel.export", answer, ANSWER_BYTES).await?;
            Ok(response.body(Bytes::from(body))?)
        });
        sent.await?
    }
}
