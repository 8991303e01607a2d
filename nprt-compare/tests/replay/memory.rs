//! What a replay keeps does not grow with the runs.

use std::io::{self, BufReader, Read};

use allocation_counter::measure;
use nprt_compare::replay::Replay;

use crate::judging::policy;

/// Runs of two minutes each, generated while they are read.
struct Runs {
    next: usize,
    runs: usize,
    line: Vec<u8>,
    read: usize,
}

impl Read for Runs {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.read == self.line.len() {
            let (run, minute, track) =
                (self.next / 4, self.next / 2 % 2, ["stable", "canary"][self.next % 2]);
            if run == self.runs {
                return Ok(0);
            }
            self.line = format!(
                r#"{{"run": "run-{run:08}", "minute": {minute}, "track": "{track}", "metric": "latency", "samples": [0.125, 0.25, 0.5]}}"#
            )
            .into_bytes();
            self.line.push(b'\n');
            (self.next, self.read) = (self.next + 1, 0);
        }
        let count = (&self.line[self.read..]).read(buffer)?;
        self.read += count;
        Ok(count)
    }
}

#[test]
fn ten_thousand_runs_take_no_more_than_two_thousand() {
    let most = |runs| {
        let mut verdicts = 0;
        let measured = measure(|| {
            let reader = BufReader::new(Runs { next: 0, runs, line: Vec::new(), read: 0 });
            verdicts = Replay::new(policy(), reader).unwrap().map(Result::unwrap).count();
        });
        assert_eq!(verdicts, 2 * runs);
        measured.bytes_max
    };
    let (few, many) = (most(2_000), most(10_000));
    assert_eq!(few, many);
    assert!(many < 300_000, "{many} bytes");
}
