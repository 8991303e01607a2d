//! Text from outside, made fit for a receiver: cut to its limits, without control characters.

use nprt_core::model::shown;

const CUT: &str = "… (cut)";

/// `text` with each character as `form` writes it, of at most `longest` UTF-16 units (as servers written in
/// other languages count), ending with `… (cut)` where it had to be cut.
///
/// [Hidden characters](nprt_core::model::find_hidden) become U+FFFD: they deceive who reads, and some receivers refuse a whole
/// message for one.
pub(crate) fn fit(text: &str, longest: usize, form: impl Fn(char) -> Option<&'static str>) -> String {
    let room = longest.saturating_sub(CUT.chars().count());
    let (mut fitted, mut units, mut end) = (String::new(), 0, 0);
    for c in shown(text).chars() {
        match form(c) {
            Some(form) => fitted.push_str(form),
            None => fitted.push(c),
        }
        units += form(c).map_or(c.len_utf16(), str::len);
        if units <= room {
            end = fitted.len();
        }
        if units > longest {
            fitted.truncate(end);
            fitted.push_str(CUT);
            break;
        }
    }
    fitted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(_: char) -> Option<&'static str> {
        None
    }

    #[test]
    fn cuts_only_what_is_too_long_and_says_so() {
        assert_eq!(fit("0123456789", 10, plain), "0123456789");
        assert_eq!(fit("0123456789a", 10, plain), "012… (cut)");
        assert_eq!(fit("", 10, plain), "");
        // One character, two units.
        assert_eq!(fit("🚀🚀🚀🚀🚀", 10, plain), "🚀🚀🚀🚀🚀");
        assert_eq!(fit("🚀🚀🚀🚀🚀🚀", 10, plain), "🚀… (cut)");
    }

    #[test]
    fn never_cuts_a_form_in_half() {
        let form = |c| (c == '&').then_some("&amp;");
        assert_eq!(fit("&&", 10, form), "&amp;&amp;");
        assert_eq!(fit("&&&", 10, form), "… (cut)");
        assert_eq!(fit("&&&", 12, form), "&amp;… (cut)");
    }

    #[test]
    fn hidden_characters_are_replaced() {
        assert_eq!(fit("a\u{0}\n\t\u{1b}[31m\u{202e}", 100, plain), "a\u{fffd}\n\t\u{fffd}[31m\u{fffd}");
    }
}
