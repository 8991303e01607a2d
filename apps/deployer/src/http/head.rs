//! Heads of HTTP/1 that another server could understand otherwise, so that it would see a second request where we see a body,
//! or the other way round. hyper forgives some of them before anybody can look: so they are found in what comes, before hyper
//! has it, and made unreadable. hyper then answers 400 and ends the connection.

use std::mem;

/// Nobody may have it in a head.
const UNREADABLE: u8 = 0;
/// How HTTP/2 begins, as far as it looks like a head.
const HTTP2: &[u8] = b"PRI * HTTP/2.0\r\n\r\n";

/// What comes on a connection, request by request.
#[derive(Debug)]
pub(super) struct Heads {
    now: Part,
    is_first: bool,
    /// The most bytes of a head that is looked at. hyper's buffer holds less, so it refuses a larger head.
    most: usize,
}

#[derive(Debug)]
enum Part {
    /// What has arrived of a request head.
    Head(Vec<u8>),
    /// Of a body: how much is still to come.
    Body(u64),
    /// The rest of the connection, in which there are no more heads: a body whose end hyper finds, after which it closes, or
    /// HTTP/2, or what is refused.
    Rest,
}

/// How long the body is that follows a head.
#[derive(Debug, PartialEq, Eq)]
enum Length {
    Known(u64),
    Chunked,
}

impl Heads {
    /// `most` must be more bytes than hyper buffers of a head.
    pub(super) fn new(most: usize) -> Self {
        Self { now: Part::Head(Vec::new()), is_first: true, most }
    }

    /// Looks at what has come, and makes unreadable what must be refused.
    pub(super) fn look(&mut self, mut bytes: &mut [u8]) {
        while !bytes.is_empty() {
            let taken = match &mut self.now {
                Part::Rest => return,
                Part::Body(left) => {
                    let taken = bytes.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                    *left -= taken as u64;
                    if *left == 0 {
                        self.now = Part::Head(Vec::new());
                    }
                    taken
                }
                Part::Head(_) => self.line(bytes),
            };
            bytes = bytes.get_mut(taken..).unwrap_or_default();
        }
    }

    /// Looks at the rest of a line of a head; says how much that is.
    fn line(&mut self, bytes: &mut [u8]) -> usize {
        let Part::Head(head) = &mut self.now else { return 0 };
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let taken = end.map_or(bytes.len(), |at| at + 1);
        head.extend_from_slice(bytes.get(..taken).unwrap_or_default());
        if head.len() > self.most {
            self.now = Part::Rest;
            return taken;
        }
        let Some(end) = end else { return taken };
        let next = match after(head, self.is_first) {
            Ok(None) => return taken,
            Ok(Some(next)) => next,
            Err(()) => {
                if let Some(last) = bytes.get_mut(end) {
                    *last = UNREADABLE;
                }
                Part::Rest
            }
        };
        self.is_first = false;
        self.now = next;
        taken
    }
}

/// What comes after the lines so far, the last of which has just ended: `None` is another one.
fn after(head: &mut Vec<u8>, is_first: bool) -> Result<Option<Part>, ()> {
    let line = head.strip_suffix(b"\r\n").ok_or(())?;
    let line = line.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    if line.contains(&b'\r') {
        return Err(());
    }
    if !line.is_empty() {
        return Ok(None);
    }
    if head.as_slice() == b"\r\n" {
        // An empty line before a request is allowed.
        head.clear();
        return Ok(None);
    }
    let head = mem::take(head);
    if is_first && head == HTTP2 {
        return Ok(Some(Part::Rest));
    }
    Ok(Some(match length(&head).ok_or(())? {
        Length::Known(0) => Part::Head(Vec::new()),
        Length::Known(length) => Part::Body(length),
        Length::Chunked => Part::Rest,
    }))
}

/// How long the body is, where there is one way alone to understand it.
fn length(head: &[u8]) -> Option<Length> {
    let mut lines = head.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    // A tunnel has no requests any more.
    if lines.next()?.starts_with(b"CONNECT ") {
        return None;
    }
    let (mut length, mut is_chunked) = (None, false);
    for line in lines.filter(|line| !line.is_empty()) {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let (name, value) = (line.get(..colon)?, line.get(colon + 1..)?.trim_ascii());
        // A line that goes on in the next one, or a name that ends with a space.
        if name.is_empty() || name.iter().any(u8::is_ascii_whitespace) {
            return None;
        }
        if name.eq_ignore_ascii_case(b"content-length") {
            let is_number = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
            let number: u64 = str::from_utf8(value).ok()?.parse().ok().filter(|_| is_number)?;
            length.replace(number).is_none().then_some(())?;
        }
        if name.eq_ignore_ascii_case(b"transfer-encoding") {
            // Once, and in no other way.
            (!mem::replace(&mut is_chunked, true) && value.eq_ignore_ascii_case(b"chunked")).then_some(())?;
        }
    }
    match (length, is_chunked) {
        (Some(_), true) => None,
        (None, true) => Some(Length::Chunked),
        (length, false) => Some(Length::Known(length.unwrap_or(0))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether something is refused, however it is cut.
    fn refuses(text: &str) -> bool {
        let look = |step: usize| {
            let mut heads = Heads::new(1000);
            let mut bytes = text.as_bytes().to_vec();
            bytes.chunks_mut(step).for_each(|part| heads.look(part));
            bytes
        };
        let whole = look(text.len());
        for step in 1..text.len() {
            assert_eq!(look(step), whole, "{text:?} by {step}");
        }
        whole != text.as_bytes()
    }

    #[test]
    fn a_head_has_one_meaning() {
        for (lines, expected) in [
            ("", false),
            ("Content-Length: 0\r\n", false),
            ("content-length:3\r\n", false),
            ("Transfer-Encoding: Chunked\r\n", false),
            ("X: a: b\r\nY:\r\n", false),
            ("X: a\n", true),
            ("X: a\rb\r\n", true),
            ("X: a\r\r\n", true),
            ("Content-Length: 3\r\nContent-Length: 3\r\n", true),
            ("Content-Length: 3\r\nContent-Length: 4\r\n", true),
            ("Content-Length: 3, 3\r\n", true),
            ("Content-Length: +3\r\n", true),
            ("Content-Length: 0x3\r\n", true),
            ("Content-Length:\r\n", true),
            ("Content-Length: 99999999999999999999\r\n", true),
            ("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", true),
            ("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", true),
            ("Transfer-Encoding: identity, chunked\r\n", true),
            ("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n", true),
            ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", true),
            ("Transfer-Encoding: chunked, chunked\r\n", true),
            ("Transfer-Encoding: xchunked\r\n", true),
            ("Transfer-Encoding:\x0bchunked\r\n", true),
            ("Transfer-Encoding : chunked\r\n", true),
            ("X: a\r\n b\r\n", true),
            (" X: a\r\n", true),
            ("X\r\n", true),
        ] {
            assert_eq!(refuses(&format!("PUT / HTTP/1.1\r\nHost: d\r\n{lines}\r\n")), expected, "{lines:?}");
        }
        for text in ["PUT / HTTP/1.1\nHost: d\r\n\r\n", "\nGET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\n\n"] {
            assert!(refuses(text), "{text:?}");
        }
        assert!(refuses("CONNECT d:80 HTTP/1.1\r\nHost: d\r\n\r\n"));
        assert!(!refuses("\r\n\r\nGET / HTTP/1.1\r\nHost: d\r\n\r\n"));
    }

    #[test]
    fn a_body_is_none_and_what_comes_after_it_is_one() {
        let put = "PUT / HTTP/1.1\r\nContent-Length: 4\r\n\r\na\nb\n";
        let get = "GET / HTTP/1.1\r\n\r\n";
        assert!(!refuses(&[put, get, put, get].concat()));
        assert!(refuses(&[put, get, "GET / HTTP/1.1\n"].concat()));
        assert!(refuses(&[put, "\n"].concat()));
        // HTTP/2, at the beginning alone.
        let other = "PRI * HTTP/2.0\r\n\r\n";
        assert!(!refuses(&[other, "SM\r\n\r\nX\n\n"].concat()));
        assert!(refuses(&[get, other, "SM\r\n\r\n\n\n"].concat()));
        // A head beyond the limit passes unchanged: it doesn't fit into hyper's buffer either.
        assert!(!refuses(&format!("GET / HTTP/1.1\r\nX: {}\r\n\n", "x".repeat(2000))));
    }
}
