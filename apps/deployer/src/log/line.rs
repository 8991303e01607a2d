use std::fmt::Write as _;
use std::io::{self, Write};

use nprt::model::find_hidden;

/// Writes each event of the log as one line in which nothing is hidden, whatever others put into it: characters that are no
/// text, or deceive who reads, are written as JSON writes them.
#[derive(Debug)]
pub(super) struct Line<W>(pub(super) W);

impl<W: Write> Write for Line<W> {
    /// An event is written at once.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let line = text.strip_suffix('\n').unwrap_or(&text);
        self.0.write_all(format!("{}\n", escaped(line)).as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

fn escaped(line: &str) -> String {
    let mut escaped = String::with_capacity(line.len());
    for c in line.chars() {
        match c {
            '\n' => escaped.push_str("\\n"),
            '\t' => escaped.push_str("\\t"),
            // The subscriber's own colours on a terminal; it escapes what is in values.
            '\x1b' => escaped.push(c),
            _ if find_hidden(c.encode_utf8(&mut [0; 4])).is_some() => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    // Writing to a text does not fail.
                    let _ = write!(escaped, "\\u{unit:04x}");
                }
            }
            _ => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line() {
        let mut written = Vec::new();
        Line(&mut written).write_all("a\nINFO b\r\u{202e}c\u{9b}31m\u{e0041} größer\n".as_bytes()).unwrap();
        assert_eq!(
            str::from_utf8(&written).unwrap(),
            "a\\nINFO b\\u000d\\u202ec\\u009b31m\\udb40\\udc41 größer\n"
        );
        assert!(!escaped("x\u{200d}y").contains('\u{200d}'));
    }
}
