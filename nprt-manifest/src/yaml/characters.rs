//! Characters that kubectl refuses, or reads as a line break.

/// The first such character of `text`: its line, and what to write in its place.
pub(super) fn check(text: &str) -> Result<(), (usize, String)> {
    for (at, character) in text.char_indices() {
        let why = match character {
            '\t' | '\n' | ' '..='~' | '\u{a0}'..='\u{2027}' | '\u{202a}'..='\u{d7ff}' => continue,
            '\u{feff}' => "a byte order mark inside the file: remove it",
            '\u{e000}'..='\u{fffd}' | '\u{10000}'.. => continue,
            '\r' => "a carriage return without a line feed: end the line with a line feed",
            '\u{85}' | '\u{2028}' | '\u{2029}' => {
                "kubectl reads this character as a line break: write it as an escape in double quotes"
            }
            _ => "YAML does not allow this control character: write it as an escape in double quotes",
        };
        let line = 1 + text[..at].bytes().filter(|&byte| byte == b'\n').count();
        return Err((line, format!("{why} (U+{:04X})", u32::from(character))));
    }
    Ok(())
}
