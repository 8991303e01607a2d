"""What real client libraries expose, for the tests of the profiles: python3 producers.py prometheus-client|opentelemetry.

pip install prometheus_client==0.26.0 opentelemetry-sdk==1.45.2 opentelemetry-exporter-prometheus==0.66b2"""
import sys

from prometheus_client import REGISTRY, Counter, Histogram, generate_latest

# How long requests took, in seconds, by route and status.
REQUESTS = [("/cart", "200", [0.04] * 40 + [0.3] * 12 + [0.9] * 8), ("/cart", "503", [0.001] * 3)]

if sys.argv[1] == "prometheus-client":
    seconds = Histogram("http_request_duration_seconds", "Time of requests", ["route", "code"], buckets=[0.1, 0.5, 1])
    total = Counter("http_requests", "Requests", ["route", "code"])
    for route, code, took in REQUESTS:
        for time in took:
            seconds.labels(route, code).observe(time)
            total.labels(route, code).inc()
else:
    from opentelemetry.exporter.prometheus import PrometheusMetricReader
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.resources import Resource

    resource = Resource.create({"service.name": "web", "service.version": "main-3f2a91c"})
    meter = MeterProvider([PrometheusMetricReader()], resource).get_meter("http")
    seconds = meter.create_histogram(
        "http.server.request.duration", "s", "Duration of HTTP server requests.", explicit_bucket_boundaries_advisory=[0.1, 0.5, 1]
    )
    for route, code, took in REQUESTS:
        for time in took:
            labels = {"http.request.method": "GET", "http.route": route, "http.response.status_code": int(code)}
            seconds.record(time, labels | ({"error.type": code} if code[0] == "5" else {}))
    # No answer at all.
    seconds.record(2, {"http.request.method": "GET", "http.route": "/cart", "error.type": "TimeoutError"})

sys.stdout.write(generate_latest(REGISTRY).decode())
