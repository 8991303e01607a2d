//! Through the embedded statsd server, with lines between that cost themselves.

use std::fmt::Write as _;

use nprt_core::ports::LeftOutReason;
use nprt_metrics::statsd::{Aggregator, StatsdConfig};

use crate::answered::{counted, measures, sent};
use crate::data::{MINUTES, Requests, SERVICES, requests, version};
use crate::support::{MINUTE, clock_at, go_to};

/// The requests as a client sends them.
fn lines(of: &Requests) -> String {
    let tags = format!(
        "|#service:{},track:{},version:{},pod:{},route:{}",
        of.service,
        of.track,
        version(of.track),
        of.pod,
        of.route
    );
    let mut lines = String::new();
    for took in &of.took {
        writeln!(lines, "request.latency:{}|ms{tags}", f64::from(*took) / 1e3).unwrap();
    }
    for (status, failed) in of.failed.iter().filter(|(_, failed)| *failed > 0) {
        writeln!(lines, "request.errors:{failed}|c{tags},error:{status}").unwrap();
    }
    let failed: u32 = of.failed.iter().map(|(_, failed)| failed).sum();
    writeln!(lines, "request.count:{}|c{tags}", of.took.len() + failed as usize).unwrap();
    if of.minute % 10 == 5 {
        writeln!(lines, "request.latency:nan|ms{tags}\nrequest.latency:-3|ms{tags}").unwrap();
    }
    lines
}

#[tokio::test]
async fn statsd_measures_it() {
    let data = requests();
    let clock = clock_at(-1);
    let backend = Aggregator::new(&StatsdConfig::default(), clock.clone()).unwrap();
    for minute in 0..MINUTES {
        go_to(&clock, minute);
        data.iter().filter(|of| of.minute == minute).for_each(|of| backend.ingest(lines(of).as_bytes()));
    }
    go_to(&clock, MINUTES);
    let all = measures(&backend, &data, MINUTE, 0.004).await;
    for ((service, _), answered) in SERVICES.into_iter().zip(all) {
        let expected = sent(&data, |of| of.service == service);
        assert_eq!(counted(&answered.metrics[1].blocks, |_| true), expected);
        let bad = |reason| {
            let left = answered.latency().left_out.iter().filter(|left| left.reason == reason);
            left.map(|left| left.points).sum::<u64>()
        };
        let places = data.iter().filter(|of| of.service == service && of.minute % 10 == 5).count() as u64;
        assert_eq!(bad(LeftOutReason::NotANumber), places);
        assert_eq!(bad(LeftOutReason::Negative), places);
    }
}
