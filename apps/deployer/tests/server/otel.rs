//! A deploy is one trace: what a collector of OpenTelemetry gets of it, and what the log says of it.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::{Span, span::SpanKind, status::StatusCode};
use prost::Message;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{ADMIN, Request, Server, World, tokens};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";
const SECRET: &str = "s3cret-collector";

/// A collector: what it was sent.
#[derive(Debug, Clone, Default)]
struct Collector(Arc<Mutex<Vec<(HeaderMap, Bytes)>>>);

impl Collector {
    /// Starts it; answers with its address.
    async fn start(&self) -> String {
        let kept = self.clone();
        let keep = async move |headers: HeaderMap, body: Bytes| kept.0.lock().unwrap().push((headers, body));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let routes = Router::new().route("/v1/traces", post(keep));
        tokio::spawn(async move { axum::serve(listener, routes).await });
        url
    }

    /// The spans, with the name of the service that sent each.
    fn spans(&self) -> Vec<(String, Span)> {
        let mut spans = Vec::new();
        for (_, body) in self.0.lock().unwrap().iter() {
            for of_resource in ExportTraceServiceRequest::decode(body.clone()).unwrap().resource_spans {
                let service = attribute(&of_resource.resource.unwrap().attributes, "service.name");
                for of_scope in of_resource.scope_spans {
                    spans.extend(of_scope.spans.into_iter().map(|span| (service.clone(), span)));
                }
            }
        }
        spans
    }
}

fn attribute(of: &[KeyValue], key: &str) -> String {
    let value = of.iter().find(|one| one.key == key).and_then(|one| one.value.clone());
    match value {
        Some(AnyValue { value: Some(Any::StringValue(text)) }) => text,
        Some(AnyValue { value: Some(Any::IntValue(number)) }) => number.to_string(),
        other => panic!("{key}: {other:?}"),
    }
}

fn hex(id: &[u8]) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn is_failed(span: &Span) -> bool {
    span.status.as_ref().is_some_and(|status| status.code() == StatusCode::Error)
}

#[tokio::test]
async fn a_deploy_is_one_trace() {
    let collector = Collector::default();
    let world = World::new();
    let config = world.config(json!({"tokens": tokens()}), json!({"autopilot": {"enabled": false}}));
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.start().await),
        ("OTEL_EXPORTER_OTLP_HEADERS", format!("x-secret={SECRET}")),
        ("OTEL_BSP_SCHEDULE_DELAY", "100".to_owned()),
        ("DEPLOYER_LOG_FORMAT", "json".to_owned()),
    ];
    let mut server = Server::serve_with(&config, ADMIN, &variables).await;

    let first = world.tag(0);
    let path = format!("/web/deploy?tag={first}&reason=secret-reason");
    let parent = |request: Request| request.header("traceparent", format!("00-{TRACE}-{PARENT}-01"));
    assert_eq!(server.send(Method::PUT, &path, parent).await.status(), 200);
    assert_eq!(server.put("/web/deploy?tag=main-0000000").await.0, 404);
    assert_eq!(server.get("/healthz").await.0, 200);
    assert!(server.terminate().await, "{}", server.log());

    let spans = collector.spans();
    assert!(spans.iter().all(|(service, _)| service == "deployer"));
    let of_trace = |id: &str| -> Vec<&Span> {
        spans.iter().map(|(_, span)| span).filter(|span| hex(&span.trace_id) == id).collect()
    };
    let names = |parent: &Span, spans: &[&Span]| -> Vec<String> {
        let mut found: Vec<&&Span> =
            spans.iter().filter(|span| span.parent_span_id == parent.span_id).collect();
        found.sort_by_key(|span| span.start_time_unix_nano);
        found.iter().map(|span| span.name.clone()).collect()
    };

    let trace = of_trace(TRACE);
    let find = |name: &str| *trace.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("{name}"));
    let (request, operation) = (find("PUT /{service}/deploy"), find("deploy"));
    assert_eq!((hex(&request.parent_span_id), request.kind()), (PARENT.to_owned(), SpanKind::Server));
    for (span, key, value) in [
        (request, "http.request.method", "PUT"),
        (request, "http.route", "/{service}/deploy"),
        (request, "url.path", "/web/deploy"),
        (request, "http.response.status_code", "200"),
        (request, "enduser.id", "admin"),
        (operation, "nprt.service", "web"),
        (operation, "nprt.tag", &first),
        (operation, "vcs.ref.head.revision", &world.commits[0]),
    ] {
        assert_eq!(attribute(&span.attributes, key), value, "{key}");
    }
    assert_eq!(names(request, &trace), ["deploy"]);
    let phases =
        ["resolve version", "read manifests", "find images", "transform", "dry run", "apply", "roll out"];
    assert_eq!(names(operation, &trace), phases);
    assert_eq!(trace.len(), 2 + phases.len(), "{trace:?}");
    assert!(!trace.iter().any(|span| is_failed(span)));

    // Another request is another trace, which says what failed. Looks at the server's health are none.
    let others: Vec<&Span> =
        spans.iter().map(|(_, span)| span).filter(|span| hex(&span.trace_id) != TRACE).collect();
    let [root] = others.iter().filter(|span| span.parent_span_id.is_empty()).collect::<Vec<_>>()[..] else {
        panic!("{others:?}")
    };
    assert!(others.iter().all(|span| span.trace_id == root.trace_id), "{others:?}");
    let failed: Vec<&str> =
        others.iter().filter(|span| is_failed(span)).map(|span| span.name.as_str()).collect();
    assert!(failed.contains(&"resolve version") && failed.contains(&"deploy"), "{failed:?}");
    let operation = others.iter().find(|span| span.name == "deploy").unwrap();
    assert_eq!(attribute(&operation.attributes, "error.type"), "not found");

    for (headers, body) in collector.0.lock().unwrap().iter() {
        assert!(headers["x-secret"] == SECRET && headers["content-type"] == "application/x-protobuf");
        let body = String::from_utf8_lossy(body);
        assert!(![ADMIN, SECRET, "secret-reason"].iter().any(|secret| body.contains(secret)), "{body}");
    }
    // The log's lines say which trace they belong to.
    let lines = server.log();
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let ended = lines.iter().find(|line| line["fields"]["message"] == "operation ended").unwrap();
    assert_eq!(ended["spans"][0]["trace_id"], TRACE, "{ended}");
}

#[tokio::test]
async fn without_an_endpoint_nothing_is_traced_and_a_wrong_protocol_is_refused() {
    let world = World::new();
    let config = world.config(json!({"tokens": tokens()}), json!({}));
    let server = Server::serve_with(&config, "", &[("DEPLOYER_LOG_FORMAT", "json".to_owned())]).await;
    assert_eq!(server.get("/version").await.0, 200);
    assert!(!server.log().contains("trace_id"), "{}", server.log());

    let output = std::process::Command::new(crate::support::DEPLOYER)
        .args(["serve", "--config"])
        .arg(&config)
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
        .env("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("expected http/protobuf, found \"grpc\""), "{said}");
}
