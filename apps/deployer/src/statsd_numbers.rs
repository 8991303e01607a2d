//! What `deployer statsd` heard so far, as metrics of its own. Every label has few values: services have room, or none.

use nprt::statsd::StatsdStats;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

type Counts<L> = Family<Vec<(&'static str, L)>, Counter>;

/// In the OpenMetrics text format.
pub(crate) fn numbers(stats: &StatsdStats) -> String {
    let mut registry = Registry::with_prefix("statsd");
    for (name, help, count) in [
        ("packets", "Datagrams", stats.packets),
        ("kernel_dropped_packets", "Datagrams that the kernel dropped: its buffer was full", stats.dropped),
        ("receive_errors", "Datagrams that could not be received", stats.receive_errors),
        ("forwarded_packets", "Datagrams that were sent on", stats.forwarded),
        ("not_forwarded_packets", "Datagrams that could not be sent on", stats.not_forwarded),
    ] {
        let counter = Counter::<u64>::default();
        counter.inc_by(count);
        registry.register(name, help, counter);
    }
    registry.register("lines", "Lines, by what became of them and why", lines(stats));
    let (refused, left_out) = (Counts::default(), Counts::default());
    let (dropped, bytes) = (Counts::default(), Family::<Vec<(&str, String)>, Gauge>::default());
    for (service, of) in &stats.services {
        let label = vec![("service", service.clone())];
        refused.get_or_create(&label).inc_by(of.refused);
        dropped.get_or_create(&label).inc_by(of.minutes_dropped);
        bytes.get_or_create(&label).set(i64::try_from(of.bytes).unwrap_or(i64::MAX));
        for (reason, count) in &of.left_out {
            let label = vec![("service", service.clone()), ("reason", reason.as_str().to_owned())];
            left_out.get_or_create(&label).inc_by(*count);
        }
    }
    registry.register("refused_lines", "Lines for which there was no room, by service", refused);
    registry.register("left_out_lines", "Lines that make no sense, by service and why", left_out);
    registry.register("dropped_minutes", "Minutes that were forgotten early, by service", dropped);
    registry.register("memory_bytes", "Bytes that are taken of the room, by service", bytes);
    let mut text = String::new();
    // Writing to a text does not fail.
    let _ = encode(&mut text, &registry);
    text
}

fn lines(stats: &StatsdStats) -> Counts<&'static str> {
    let lines = Counts::default();
    let one = [
        ("used", stats.used),
        ("unmapped", stats.unmapped),
        ("wrong_type", stats.wrong_type),
        ("unattributed", stats.unattributed),
        ("failed", stats.failed),
        ("refused", stats.refused),
        ("unnamed", stats.unnamed),
        ("event", stats.events),
        ("service_check", stats.service_checks),
    ];
    for (fate, count) in one {
        lines.get_or_create(&vec![("fate", fate)]).inc_by(count);
    }
    for (reason, count) in &stats.malformed {
        lines.get_or_create(&vec![("fate", "malformed"), ("reason", reason.as_str())]).inc_by(*count);
    }
    for (reason, count) in &stats.left_out {
        lines.get_or_create(&vec![("fate", "left_out"), ("reason", reason.as_str())]).inc_by(*count);
    }
    lines
}
