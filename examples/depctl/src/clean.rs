//! What others wrote, made fit for a terminal.

/// Without control characters, by which a text could move the cursor or set the title of the window. Line ends
/// and tabs stay.
pub(crate) fn clean(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect()
}

/// The same on one line.
pub(crate) fn line(text: &str) -> String {
    clean(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_moves_the_cursor() {
        assert_eq!(clean("a\u{1b}[2Jb\u{7}\u{9b}c\n\td"), "a[2Jbc\n\td");
        assert_eq!(line(" a\n\r\n b\u{1b} "), "a b");
    }
}
