use std::borrow::Cow;

/// `text` fit to be shown to a person: each [hidden](find_hidden) character is U+FFFD, and all others stay. It still has to be
/// escaped for HTML, or whatever else it goes into.
#[must_use]
pub fn shown(text: &str) -> Cow<'_, str> {
    if find_hidden(text).is_none() {
        return Cow::Borrowed(text);
    }
    let mut before = None;
    let mut characters = text.chars().peekable();
    let mut shown = String::with_capacity(text.len());
    while let Some(c) = characters.next() {
        shown.push(if is_hidden(before, c, characters.peek().copied()) {
            char::REPLACEMENT_CHARACTER
        } else {
            c
        });
        before = Some(c);
    }
    Cow::Owned(shown)
}

/// `name` fit to be shown within a line, and still another than all other names: each [hidden](find_hidden) or control
/// character is written out, such as `\\u{202e}`.
#[must_use]
pub fn written_out(name: &str) -> Cow<'_, str> {
    if find_hidden(name).is_none() && !name.contains(char::is_control) {
        return Cow::Borrowed(name);
    }
    let mut before = None;
    let mut characters = name.chars().peekable();
    let mut written = String::with_capacity(name.len());
    while let Some(c) = characters.next() {
        if c.is_control() || is_hidden(before, c, characters.peek().copied()) {
            written.extend(c.escape_unicode());
        } else {
            written.push(c);
        }
        before = Some(c);
    }
    Cow::Owned(written)
}

/// The first character by which `text` could look like another one, or do something to a terminal: control characters other
/// than line feed and tab, characters that turn the direction of writing, and invisible ones. The two joiners (U+200C and
/// U+200D) are fine inside a word or an emoji, where Persian, Hindi and others need them.
#[must_use]
pub fn find_hidden(text: &str) -> Option<char> {
    let mut before = None;
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        if is_hidden(before, c, characters.peek().copied()) {
            return Some(c);
        }
        before = Some(c);
    }
    None
}

fn is_hidden(before: Option<char>, c: char, after: Option<char>) -> bool {
    match c {
        '\n' | '\t' => false,
        // A joiner joins two letters of a script that has joiners, or two emoji: none of them is ASCII or invisible itself.
        '\u{200c}' | '\u{200d}' => ![before, after].into_iter().all(|c| c.is_some_and(is_joined)),
        _ => c.is_control() || turns(c) || is_invisible(c),
    }
}

fn is_joined(c: char) -> bool {
    !c.is_ascii()
        && !c.is_whitespace()
        && !matches!(c, '\u{200c}' | '\u{200d}')
        && !c.is_control()
        && !turns(c)
        && !is_invisible(c)
}

/// Whether it turns the direction of what comes after it.
fn turns(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{206f}')
}

/// Whether it takes no room, or ends a line where nobody expects it.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}' | '\u{2028}' | '\u{2029}' | '\u{2060}'..='\u{2065}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hides_is_replaced_and_what_people_write_stays() {
        for (text, expected) in [
            ("a\u{0}b\u{1b}[31m\u{9b}c\r\u{7f}", "a\u{fffd}b\u{fffd}[31m\u{fffd}c\u{fffd}\u{fffd}"),
            ("safe\u{202e}exe.\u{2066}x\u{200f}\u{61c}", "safe\u{fffd}exe.\u{fffd}x\u{fffd}\u{fffd}"),
            ("c\u{200b}i \u{feff}\u{2060}\u{ad}", "c\u{fffd}i \u{fffd}\u{fffd}\u{fffd}"),
            ("ci\u{200d}", "ci\u{fffd}"),
            ("c\u{200d}i", "c\u{fffd}i"),
            ("é\u{200d}\u{200d}é", "é\u{fffd}\u{fffd}é"),
            ("a\u{2028}b\u{e0041}", "a\u{fffd}b\u{fffd}"),
        ] {
            assert_eq!(shown(text), expected, "{text:?}");
            assert!(find_hidden(text).is_some(), "{text:?}");
        }
        let names = ["a\u{202e}b", "a\u{202d}b", "a\u{200b}b", "a\u{1b}b", "a\nb", "a\tb", "ab", "a b"];
        let written: std::collections::BTreeSet<_> = names.iter().map(|name| written_out(name)).collect();
        assert_eq!(written.len(), names.len(), "{written:?}");
        assert!(
            written.iter().all(|name| find_hidden(name).is_none() && !name.contains('\n')),
            "{written:?}"
        );
        assert_eq!(written_out("a\u{202e}b"), "a\\u{202e}b");
        for fine in [
            "größer <b>\n\tZoë",
            "می\u{200c}خواهم",
            "👩\u{200d}💻 ❤\u{fe0f}\u{200d}🔥",
            "日本語 עברית العربية",
            "",
        ] {
            assert!(matches!(shown(fine), Cow::Borrowed(_)) && find_hidden(fine).is_none(), "{fine}");
        }
    }
}
