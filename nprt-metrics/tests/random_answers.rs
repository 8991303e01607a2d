//! What anybody may send, bent at random: nothing panics. `NPRT_FUZZ_SECONDS=60` goes on for longer.
#![allow(clippy::unwrap_used, reason = "a test says what it expects")]
#![cfg(all(feature = "prometheus", feature = "datadog", feature = "aggregator", feature = "statsd"))]

mod support;

use std::time::{Duration, Instant};

use nprt_metrics::{aggregator, datadog, prometheus, statsd};

/// A small generator of random numbers (xorshift): a failure comes again with its seed.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end.max(1) as u64).unwrap()
    }
}

const BITS: [&[u8]; 30] = [
    b"\"",
    b"\\",
    b"[",
    b"]",
    b"{",
    b"}",
    b",",
    b":",
    b"null",
    b"1e308",
    b"-1e999",
    b"NaN",
    b"+Inf",
    b"9223372036854775807",
    b"-9223372036854775808",
    b"18446744073709551616",
    b"0.1",
    b"\xff\xfe",
    b"\\u0000",
    b"\n",
    b"|",
    b"#",
    b"|@0.5",
    b"stable",
    b"canary",
    b"\"metric\"",
    b"\"values\"",
    b"\"next\"",
    b"60000",
    b"\"le\"",
];

fn bend(random: &mut Random, whole: &[u8]) -> Vec<u8> {
    let mut bent = whole.to_vec();
    for _ in 0..1 + random.below(6) {
        let at = random.below(bent.len() + 1);
        match random.below(3) {
            0 => drop(bent.splice(at..at, BITS[random.below(BITS.len())].iter().copied())),
            1 => drop(bent.drain(at..(at + random.below(12)).min(bent.len()))),
            _ => {
                let from = random.below(bent.len() + 1);
                let part = bent[from..(from + random.below(30)).min(bent.len())].to_vec();
                drop(bent.splice(at..at, part));
            }
        }
    }
    bent
}

#[test]
fn nothing_that_is_bent_at_random_panics() {
    let matrix = br#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"track":"stable","pod":"p","le":"+Inf","code":"500"},"values":[[1740000060,"1"],[1740000120,"2.5"]]}]},"warnings":[]}"#;
    let columns = br#"{"data":{"attributes":{"series":[{"group_tags":["track:stable","pod_name:p"],"query_index":0}],"times":[1740000060000],"values":[[1.5]]}},"errors":null}"#;
    let blocks = br#"{"version":1,"blocks":[{"minute":5,"track":"stable","metric":"latency","samples":[0.1,2]}],"next":null}"#;
    let line = b"request.latency:0.25:0.5|d|@0.5|#service:shop,track:canary,version:v,pod:a,route:/cart\nprocess.cpu:+1|g|#service:shop,track:stable,pod:b";
    let seconds = std::env::var("NPRT_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(2);
    let (end, mut random) = (Instant::now() + Duration::from_secs(seconds), Random(0x5eed_1234_5678_9abd));
    let clock = support::clock_at(0);
    let aggregator = statsd::Aggregator::new(&statsd::StatsdConfig::default(), clock.clone()).unwrap();
    let (mut minute, recording) = (1, prometheus::Recording::default());
    while Instant::now() < end {
        for _ in 0..200 {
            prometheus::fuzz_answer(&bend(&mut random, matrix));
            datadog::fuzz_answer(&bend(&mut random, columns));
            aggregator::fuzz_answer(&bend(&mut random, blocks));
            let _ = prometheus::recorded(&bend(&mut random, matrix), &recording);
            aggregator.ingest(&bend(&mut random, line));
        }
        minute += 1;
        support::go_to(&clock, minute);
    }
}
