//! Colours: few, and only where stdout or stderr is a terminal (see `anstream`).

use anstyle::{AnsiColor, Style};

pub(crate) const PLAIN: Style = Style::new();
pub(crate) const BOLD: Style = Style::new().bold();
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
pub(crate) const DOUBT: Style = AnsiColor::Yellow.on_default();

/// Of a verdict's word.
pub(crate) fn verdict(word: &str) -> Style {
    match word {
        "pass" => GOOD,
        "regression" => BAD,
        "inconclusive" => DOUBT,
        _ => PLAIN,
    }
}
