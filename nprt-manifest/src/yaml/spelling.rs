//! Spellings that kubectl's parser reads differently from ours, or refuses.

use std::ops::Range;

use granit_parser::{ScalarStyle, Span};

const ESCAPE: &str = "kubectl does not read the escape `\\/`: write `/`";
const SURROGATE: &str =
    "kubectl does not read surrogate pairs: write the character itself, or `\\U` and eight digits";
const TAB: &str =
    "the first line of this block begins with a tab: use spaces, or state the indentation after `|` or `>`";

/// Checks a scalar as it stands in `text`.
pub(super) fn scalar(span: Span, text: &str, style: ScalarStyle, in_flow: bool) -> Result<(), &'static str> {
    let source = span.slice(text).unwrap_or_default();
    match style {
        ScalarStyle::DoubleQuoted => double_quoted(source),
        ScalarStyle::Literal | ScalarStyle::Folded => block(before(span, text), source),
        ScalarStyle::Plain if in_flow => flow(source, after(span, text)),
        _ => Ok(()),
    }
}

/// Checks the name of an anchor.
pub(super) fn anchor(name: &str, span: Span, text: &str) -> Result<(), &'static str> {
    let is_plain = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    if is_plain && after(span, text).starts_with([' ', '\t', '\n']) {
        return Ok(());
    }
    Err("the name of an anchor consists of letters, digits, `_` and `-`, and a space follows it")
}

/// Checks that a tag ends at a space: kubectl reads brackets and commas as part of it.
pub(super) fn tag(span: Span, text: &str) -> Result<(), &'static str> {
    let Some(tag) = span.tag_span() else { return Ok(()) };
    let name = tag.slice(text).unwrap_or_default();
    let is_plain = name.chars().all(|c| c.is_ascii_alphanumeric() || "!<>:,./_-".contains(c));
    if is_plain && after(tag, text).starts_with([' ', '\n']) {
        return Ok(());
    }
    Err("a tag consists of letters, digits and `!<>:,./_-`, and a space follows it")
}

/// Checks what stands between two values outside brackets: no tab may indent a line.
pub(super) fn between(text: &str, range: Range<usize>) -> Result<(), &'static str> {
    let (before, between) = (&text[..range.start], &text[range]);
    let mut indents = before.bytes().rev().take_while(|&byte| byte != b'\n').all(is_indent);
    for byte in between.bytes() {
        match byte {
            b'\n' => indents = true,
            b'\t' if indents => return Err("a tab indents this line: use spaces"),
            byte => indents = indents && is_indent(byte),
        }
    }
    Ok(())
}

fn is_indent(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'-' | b'?' | b':')
}

fn after(span: Span, text: &str) -> &str {
    span.end.byte_offset().and_then(|end| text.get(end..)).unwrap_or_default()
}

fn before(span: Span, text: &str) -> &str {
    span.start.byte_offset().and_then(|start| text.get(..start)).unwrap_or_default()
}

/// Inside brackets, a colon ends a plain scalar only before a space, and a question mark begins a key.
fn flow(source: &str, rest: &str) -> Result<(), &'static str> {
    if source.starts_with(['?', ':']) || source.ends_with('?') || source.contains("? ") {
        return Err(
            "kubectl reads this `?` or `:` inside brackets as the mark of a key or a value: quote the string",
        );
    }
    if source.contains('\n') && rest.trim_start().starts_with(':') {
        return Err("a key cannot span several lines: write it on one line, or quote it");
    }
    if rest.strip_prefix(':').is_some_and(|rest| rest.starts_with([',', '[', ']', '{', '}'])) {
        return Err("expected a space after `:`");
    }
    Ok(())
}

fn double_quoted(source: &str) -> Result<(), &'static str> {
    let mut characters = source.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            continue;
        }
        match characters.next() {
            Some('/') => return Err(ESCAPE),
            Some('u') => {
                let digits: String = characters.clone().take(4).collect();
                if u32::from_str_radix(&digits, 16).is_ok_and(|code| (0xD800..0xE000).contains(&code)) {
                    return Err(SURROGATE);
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// The first line sets the indentation, unless the header does: then no tab may begin it.
fn block(before: &str, source: &str) -> Result<(), &'static str> {
    let header = before.trim_end().rsplit('\n').next().unwrap_or_default();
    let indicators = header.rsplit(['|', '>']).next().unwrap_or_default();
    let is_set = indicators.split('#').next().unwrap_or_default().contains(|c: char| c.is_ascii_digit());
    if source.starts_with('\t') && !is_set {
        return Err(TAB);
    }
    Ok(())
}
