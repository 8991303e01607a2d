//! What others wrote, made fit for a terminal.

use nprt_core::model::shown;

/// Without characters by which a text could move the cursor, set the title of the window, or look like another one. Line
/// ends and tabs stay.
pub(crate) fn clean(text: &str) -> String {
    text.chars().zip(shown(text).chars()).filter(|(c, shown)| c == shown).map(|(c, _)| c).collect()
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
        assert_eq!(clean("a\u{1b}[2Jb\u{7}\u{9b}c\u{202e}\n\td"), "a[2Jbc\n\td");
        assert_eq!(line(" a\n\r\n b\u{1b} "), "a b");
    }
}
