//! How well-known producers name what they measure.

mod client;
mod data;
mod envoy;
mod istio;
mod kong;
mod kubernetes;
mod linkerd;
mod nginx_ingress;
mod opentelemetry;
mod traefik;

use serde::Deserialize;

use super::config::MetricSource;

/// The names, units and labels by which a producer measures; `docs/metrics.md` has what to write and to scrape for
/// each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// The common names of Prometheus' client libraries: `http_request_duration_seconds` and `http_requests_total`
    /// with the label `code`, `process_cpu_seconds_total` and `process_resident_memory_bytes`.
    PrometheusClient,
    /// OpenTelemetry's `http.server.request.duration`.
    Opentelemetry,
    /// Istio's sidecars and waypoints, `istio_request_duration_milliseconds`, as the destination reports.
    Istio,
    /// Linkerd's proxies, `response_latency_ms`, inbound.
    Linkerd,
    /// Envoy's clusters, `envoy_cluster_upstream_rq_time`.
    Envoy,
    /// ingress-nginx, `nginx_ingress_controller_request_duration_seconds`.
    NginxIngress,
    /// Traefik's services, `traefik_service_request_duration_seconds`.
    Traefik,
    /// Kong's Prometheus plugin, `kong_request_latency_ms`.
    Kong,
    /// What cAdvisor and kube-state-metrics know of pods: CPU, memory, throttling, restarts and OOM kills.
    Kubernetes,
}

impl Profile {
    /// Every profile, by name.
    pub const ALL: [(&str, Self); 9] = [
        ("prometheus-client", Self::PrometheusClient),
        ("opentelemetry", Self::Opentelemetry),
        ("istio", Self::Istio),
        ("linkerd", Self::Linkerd),
        ("envoy", Self::Envoy),
        ("nginx-ingress", Self::NginxIngress),
        ("traefik", Self::Traefik),
        ("kong", Self::Kong),
        ("kubernetes", Self::Kubernetes),
    ];

    /// What it measures, and how.
    #[must_use]
    pub fn source(self) -> MetricSource {
        match self {
            Self::PrometheusClient => &client::DATA,
            Self::Opentelemetry => &opentelemetry::DATA,
            Self::Istio => &istio::DATA,
            Self::Linkerd => &linkerd::DATA,
            Self::Envoy => &envoy::DATA,
            Self::NginxIngress => &nginx_ingress::DATA,
            Self::Traefik => &traefik::DATA,
            Self::Kong => &kong::DATA,
            Self::Kubernetes => &kubernetes::DATA,
        }
        .source()
    }
}
