//! What a process uses, by what the kernel says of it.

use std::{fmt, fs};

/// Memory in KiB.
#[derive(Clone, Copy)]
pub(crate) struct Memory {
    /// All that is in memory and mapped, files such as the program itself included.
    pub(crate) rss: u64,
    /// The same, where what other processes map too counts in part.
    pub(crate) pss: u64,
    /// What it wrote to: heap and stacks.
    pub(crate) anonymous: u64,
}

impl Memory {
    /// Of a process, by `/proc/PID/smaps_rollup`.
    pub(crate) fn of(pid: u32) -> Self {
        let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap();
        let field = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.split_ascii_whitespace().next().unwrap().parse().unwrap()
        };
        Self { rss: field("Rss:"), pss: field("Pss:"), anonymous: field("Anonymous:") }
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rss, pss, anonymous } = self;
        write!(f, "RSS {rss} KiB (PSS {pss}, anonymous {anonymous})")
    }
}

/// Whether the process ever started another: one that has ended left the count of its page faults, and one that has
/// not is a child.
pub(crate) fn has_had_children(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    // After the name: state, parent, …; see proc_pid_stat(5).
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let faults_of_children = fields.split_ascii_whitespace().nth(8).unwrap();
    let is_parent = fs::read_dir(format!("/proc/{pid}/task")).unwrap().any(|task| {
        let children = fs::read_to_string(task.unwrap().path().join("children")).unwrap_or_default();
        !children.trim().is_empty()
    });
    is_parent || faults_of_children != "0"
}
