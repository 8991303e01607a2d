use std::borrow::Cow;

/// Any text as one that HTML and XML can hold. (It is escaped when it is written.)
pub(crate) fn text(text: &str) -> Cow<'_, str> {
    if text.contains(is_unfit) { Cow::Owned(text.replace(is_unfit, "\u{fffd}")) } else { Cow::Borrowed(text) }
}

/// Characters that XML does not allow, and those that turn the direction of what comes after them.
fn is_unfit(character: char) -> bool {
    match character {
        '\t' | '\n' | '\r' => false,
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fffe}' | '\u{ffff}' => true,
        _ => character.is_control(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_page_can_hold_is_replaced() {
        assert_eq!(text("a\u{0}b\u{1b}[31m\u{202e}c"), "a\u{fffd}b\u{fffd}[31m\u{fffd}c");
        assert!(matches!(text("größer <b>\n"), Cow::Borrowed(_)));
    }
}
