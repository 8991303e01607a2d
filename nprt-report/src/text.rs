/// Any text as one that a person can trust, and that HTML and XML can hold. (It is escaped when it is written.)
pub(crate) use nprt_core::model::shown as text;

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;

    #[test]
    fn what_no_page_can_hold_is_replaced() {
        assert_eq!(text("a\u{0}b\u{1b}[31m\u{202e}c"), "a\u{fffd}b\u{fffd}[31m\u{fffd}c");
        assert!(matches!(text("größer <b>\n"), Cow::Borrowed(_)));
    }
}
