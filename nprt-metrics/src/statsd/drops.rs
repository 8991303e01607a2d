use std::fs::File;
use std::io::Read;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::{Duration, Instant};

/// The datagrams that the kernel dropped because nobody took them in time: what `/proc/net/udp` says of a socket.
#[derive(Debug)]
pub(super) struct Drops {
    inode: Option<String>,
    known: u64,
    looked: Instant,
}

/// How often it looks.
const PERIOD: Duration = Duration::from_secs(1);
/// So much of the kernel's list is read: of some 30,000 sockets.
const LONGEST: u64 = 4 << 20;

impl Drops {
    /// Those of a UDP socket; of another one, and where there is no such list, none are known.
    pub(super) fn of(socket: BorrowedFd<'_>) -> Self {
        let link = std::fs::read_link(format!("/proc/self/fd/{}", socket.as_raw_fd())).ok();
        let inode = link.and_then(|link| {
            let inode = link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?;
            Some(inode.to_owned())
        });
        Self { inode, known: 0, looked: Instant::now() }
    }

    /// How many there are more than at the last look, once a second.
    pub(super) fn more(&mut self) -> u64 {
        if self.looked.elapsed() < PERIOD {
            return 0;
        }
        self.looked = Instant::now();
        let now = self.read().unwrap_or(self.known);
        let more = now.saturating_sub(self.known);
        self.known = now;
        more
    }

    fn read(&self) -> Option<u64> {
        let inode = self.inode.as_deref()?;
        ["/proc/net/udp", "/proc/net/udp6"].into_iter().find_map(|path| {
            let mut list = String::new();
            File::open(path).ok()?.take(LONGEST).read_to_string(&mut list).ok()?;
            list.lines().find_map(|line| dropped(line, inode))
        })
    }
}

/// The last field of the line of that inode.
fn dropped(line: &str, inode: &str) -> Option<u64> {
    let mut fields = line.split_ascii_whitespace().skip(9);
    (fields.next() == Some(inode)).then(|| fields.nth(2)?.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_the_socket_is_read() {
        let line = "  518: 0100007F:1FBD 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 90125 2 0000000000000000 37";
        assert_eq!(dropped(line, "90125"), Some(37));
        assert_eq!(dropped(line, "9012"), None);
        assert_eq!(dropped("  sl  local_address rem_address", "90125"), None);
    }
}
