//! Splits a file into documents as kubectl does: before it parses anything.

/// A part of a file between two separators.
pub(super) struct Chunk<'a> {
    /// The line on which its text begins, from 1.
    pub(super) first_line: usize,
    /// The rest of the separator's line.
    pub(super) separator: &'a str,
    /// The text, without the separator.
    pub(super) text: &'a str,
}

impl Chunk<'_> {
    /// The line of the first that says something; `None` where nothing does.
    pub(super) fn begins(&self) -> Option<usize> {
        let says = |line: &str| {
            let line = line.trim_matches([' ', '\n']);
            !line.is_empty() && !line.starts_with('#')
        };
        self.text.lines().position(says).map(|offset| self.first_line + offset)
    }

    /// Whether more than a comment follows `---` on the separator's line.
    pub(super) fn is_badly_separated(&self) -> bool {
        let rest = self.separator.trim();
        !rest.is_empty() && !rest.starts_with('#')
    }
}

/// Splits at each line that begins with `---`, even inside quotes.
pub(super) fn split(text: &str) -> impl Iterator<Item = Chunk<'_>> {
    let (mut lines, mut offset, mut number) = (text.split_inclusive('\n'), 0, 0);
    let mut next = Some((1, "", 0));
    std::iter::from_fn(move || {
        let (first_line, separator, start) = next.take()?;
        for line in lines.by_ref() {
            let begins = offset;
            (offset, number) = (offset + line.len(), number + 1);
            if let Some(rest) = line.strip_prefix("---") {
                next = Some((number + 1, rest, offset));
                return Some(Chunk { first_line, separator, text: &text[start..begins] });
            }
        }
        Some(Chunk { first_line, separator, text: &text[start..] })
    })
}
