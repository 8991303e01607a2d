use std::collections::VecDeque;
use std::io::{self, BufRead, Read};

use nprt_core::{Error, ErrorKind, Result};

use super::Line;

/// The longest line that is read, its end included.
const LONGEST: u64 = 64 * 1024 * 1024;

/// What lines of JSON say, as [`replay`](super) has it, one after another with the numbers of their lines, from 1;
/// one line at a time is kept.
///
/// An error names its line: `Invalid` for one that is not as the format says, `Unavailable` where the reader fails.
#[derive(Debug)]
pub struct Lines<R> {
    reader: R,
    line: Vec<u8>,
    number: u64,
    /// What of the last line is still to be said.
    rest: VecDeque<Line>,
}

impl<R: BufRead> Lines<R> {
    /// Reads from there.
    pub fn new(reader: R) -> Self {
        Self { reader, line: Vec::new(), number: 0, rest: VecDeque::new() }
    }

    fn read(&mut self) -> Result<Option<(u64, Line)>> {
        loop {
            if let Some(line) = self.rest.pop_front() {
                return Ok(Some((self.number, line)));
            }
            self.line.clear();
            self.number += 1;
            let number = self.number;
            let mut reader = self.reader.by_ref().take(LONGEST + 1);
            let length = reader.read_until(b'\n', &mut self.line).map_err(|error| failed(error, number))?;
            if length == 0 {
                return Ok(None);
            }
            if length as u64 > LONGEST {
                return Err(
                    Error::invalid("replay.read", "expected a line of at most 64 MiB").with("line", number)
                );
            }
            if !self.line.trim_ascii().is_empty() {
                self.rest = Line::read(&self.line).map_err(|error| error.with("line", number))?.into();
            }
        }
    }
}

impl<R: BufRead> Iterator for Lines<R> {
    type Item = Result<(u64, Line)>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

fn failed(error: io::Error, line: u64) -> Error {
    Error::new(ErrorKind::Unavailable, "replay.read", error.to_string()).with("line", line).with_source(error)
}
