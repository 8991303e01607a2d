//! Counts the lines of what `svn diff` prints.

use nprt_core::model::ChangedLines;

/// The lines that a diff adds and removes, or `None` where it breaks off or is no diff.
///
/// A hunk says how many lines it has; only these are looked at, so that content which looks like the lines
/// around it (`--- x`, `@@ …`) counts for what it is. Binary files have no hunks and count nothing.
pub(super) fn count(diff: &[u8]) -> Option<ChangedLines> {
    let mut changed = ChangedLines { added: 0, removed: 0 };
    let (mut before, mut after) = (0, 0);
    for line in Lines(diff) {
        if (before, after) == (0, 0) {
            if line.starts_with(b"@@ -") {
                (before, after) = lengths(line)?;
            }
            continue;
        }
        match line.first()? {
            b' ' => (before, after) = (less(before)?, less(after)?),
            b'-' => (before, changed.removed) = (less(before)?, changed.removed + 1),
            b'+' => (after, changed.added) = (less(after)?, changed.added + 1),
            // "\ No newline at end of file".
            b'\\' => {}
            _ => return None,
        }
    }
    ((before, after) == (0, 0)).then_some(changed)
}

fn less(lines: u64) -> Option<u64> {
    lines.checked_sub(1)
}

/// The two lengths of `@@ -1,3 +1,4 @@`; one that is left out is 1.
fn lengths(header: &[u8]) -> Option<(u64, u64)> {
    let mut words = str::from_utf8(header).ok()?.split(' ').skip(1);
    let mut length = |sign| {
        let range = words.next()?.strip_prefix(sign)?;
        range.split_once(',').map_or(Some(1), |(_, length)| length.parse().ok())
    };
    Some((length('-')?, length('+')?))
}

/// Lines as subversion sees them: they end with `\n`, `\r\n` or `\r`.
struct Lines<'a>(&'a [u8]);

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.0.is_empty() {
            return None;
        }
        let end = self.0.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(self.0.len());
        let (line, rest) = self.0.split_at(end);
        let ending = if rest.starts_with(b"\r\n") { 2 } else { rest.len().min(1) };
        self.0 = &rest[ending..];
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(diff: &str) -> Option<(u64, u64)> {
        count(diff.as_bytes()).map(|changed| (changed.added, changed.removed))
    }

    #[test]
    fn the_lines_of_hunks_count_and_no_others() {
        let header = "Index: a\n====\n--- a\t(revision 2)\n+++ a\t(revision 3)\n";
        let cases = [
            ("", (0, 0)),
            (
                "Index: b\n====\nCannot display: file marked as a binary type.\nsvn:mime-type = image/png\n",
                (0, 0),
            ),
            ("@@ -0,0 +1 @@\n+one\n", (1, 0)),
            (
                "@@ -1,3 +1,4 @@\n 1\n-2\n-3\n\\ No newline at end of file\n+two\n+3\n+4\n\\ No newline at end of file\n",
                (3, 2),
            ),
            // Content that looks like what stands between hunks.
            ("@@ -1,2 +1,2 @@\n--- x\n-++ y\n+++ y\n+@@ -1 +1,9 @@\n@@ -8 +8 @@\n-\n+\n", (3, 3)),
            // Each of the three endings ends a line.
            ("@@ -1,2 +1,3 @@\n one\r two\r\n+three\n", (1, 0)),
        ];
        for (hunks, expected) in cases {
            assert_eq!(
                counted(&format!("{header}{hunks}{header}{hunks}")),
                Some((expected.0 * 2, expected.1 * 2))
            );
        }
    }

    #[test]
    fn what_is_no_whole_diff_is_not_counted() {
        for broken in [
            "@@ -1,2 +1,2 @@\n one\n",
            "@@ -1 +1 @@\n?\n",
            "@@ -1 +1 @@\n\n",
            "@@ -x +1 @@\n",
            "@@ -1 @@\n",
            "@@ -1 +0,0 @@\n+\n",
        ] {
            assert_eq!(counted(broken), None, "{broken}");
        }
    }
}
