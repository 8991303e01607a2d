"""An application with OpenTelemetry's SDK: does what the lines of its input say, and answers each with one line."""

import json
import sys

from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.metrics import Observation
from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider, ObservableCounter
from opentelemetry.sdk.metrics.export import AggregationTemporality, PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import (
    ExplicitBucketHistogramAggregation,
    ExponentialBucketHistogramAggregation,
    View,
)
from opentelemetry.sdk.resources import Resource

# The bounds that the semantic conventions advise, in seconds.
BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]


def started(endpoint, resource, temporality, exponential):
    kind = AggregationTemporality[temporality]
    kinds = {instrument: kind for instrument in (Counter, Histogram, ObservableCounter)}
    exporter = OTLPMetricExporter(endpoint, compression=Compression.Gzip, preferred_temporality=kinds)
    aggregation = (
        ExponentialBucketHistogramAggregation() if exponential else ExplicitBucketHistogramAggregation(BOUNDS)
    )
    # It exports when it is told to.
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=3_600_000)
    view = View(instrument_name="http.server.request.duration", aggregation=aggregation)
    return MeterProvider([reader], Resource(resource), views=[view])


def started_by_environment():
    return MeterProvider([PeriodicExportingMetricReader(OTLPMetricExporter())])


provider = histogram = None
for line in sys.stdin:
    do = json.loads(line)
    if "start" in do:
        if provider:
            provider.shutdown()
        provider = started(**do["start"]) if do["start"] else started_by_environment()
        meter = provider.get_meter("shop")
        histogram = meter.create_histogram("http.server.request.duration", unit="s")
        meter.create_observable_up_down_counter(
            "process.memory.usage", [lambda options: [Observation(123_456_789)]], unit="By"
        )
    for attributes, samples in do.get("record", []):
        for sample in samples:
            histogram.record(sample, attributes)
    print("ok" if provider.force_flush() else "not exported", flush=True)
