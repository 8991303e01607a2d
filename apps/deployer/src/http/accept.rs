//! Which form of an answer a client prefers, by RFC 9110, section 12.5.1.

use axum::http::HeaderMap;
use axum::http::header::ACCEPT;

/// A form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Json,
    Html,
    /// Server-sent events.
    Events,
}

impl Form {
    pub(crate) fn mime(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Html => "text/html",
            Self::Events => "text/event-stream",
        }
    }
}

/// The one of `offers` that the client likes best; of those that it likes alike the one that it names most closely,
/// then the one that it names first, then the one that is offered first. `None` where it takes none.
pub(crate) fn preferred(headers: &HeaderMap, offers: &[Form]) -> Option<Form> {
    // A header that is there twice is one list; what is no text is a range that nothing matches.
    let lines: Vec<&str> = headers.get_all(ACCEPT).iter().map(|line| line.to_str().unwrap_or("?")).collect();
    let ranges: Vec<Range<'_>> = lines.iter().flat_map(|line| line.split(',')).filter_map(range).collect();
    if lines.iter().all(|line| line.trim().is_empty()) {
        return offers.first().copied();
    }
    let mut best: Option<(Form, Liking)> = None;
    for offer in offers {
        let Some(liking) = liking(&ranges, offer.mime()) else { continue };
        if best.is_none_or(|(_, other)| liking.beats(other)) {
            best = Some((*offer, liking));
        }
    }
    best.map(|(form, _)| form)
}

/// `text/html;q=0.8`
#[derive(Debug, Clone, Copy)]
struct Range<'a> {
    mime: &'a str,
    /// In thousandths.
    weight: u16,
}

/// A range, unless it is empty or its weight is none.
fn range(text: &str) -> Option<Range<'_>> {
    let mut parts = text.split(';').map(str::trim);
    let mime = parts.next().filter(|mime| !mime.is_empty())?;
    let weight =
        parts.filter_map(|part| part.split_once('=')).find(|(name, _)| name.eq_ignore_ascii_case("q"));
    let weight = weight.map_or(Some(1000), |(_, weight)| thousandths(weight))?;
    Some(Range { mime, weight })
}

fn thousandths(weight: &str) -> Option<u16> {
    let (whole, rest) = weight.split_once('.').unwrap_or((weight, ""));
    let is_short = rest.len() <= 3 && rest.bytes().all(|byte| byte.is_ascii_digit());
    let rest: u16 = format!("{rest:0<3}").parse().ok().filter(|_| is_short)?;
    match whole {
        "0" => Some(rest),
        "1" if rest == 0 => Some(1000),
        _ => None,
    }
}

#[derive(Debug, Clone, Copy)]
struct Liking {
    weight: u16,
    closeness: u8,
    place: usize,
}

impl Liking {
    fn beats(self, other: Self) -> bool {
        let rank = |liking: Self| (liking.weight, liking.closeness, std::cmp::Reverse(liking.place));
        rank(self) > rank(other)
    }
}

/// By the range that matches most closely; none where that has no weight.
fn liking(ranges: &[Range<'_>], mime: &str) -> Option<Liking> {
    let family = mime.split('/').next().unwrap_or_default();
    let closeness = |range: &str| match range {
        "*/*" => Some(0),
        exact if exact.eq_ignore_ascii_case(mime) => Some(2),
        range => range.strip_suffix("/*").filter(|range| range.eq_ignore_ascii_case(family)).map(|_| 1),
    };
    let matching = ranges.iter().enumerate().filter_map(|(place, range)| {
        Some(Liking { weight: range.weight, closeness: closeness(range.mime)?, place })
    });
    let closest = matching.max_by_key(|liking| (liking.closeness, std::cmp::Reverse(liking.place)));
    closest.filter(|liking| liking.weight > 0)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn choose(accept: &[&str], offers: &[Form]) -> Option<Form> {
        let mut headers = HeaderMap::new();
        for line in accept {
            headers.append(ACCEPT, HeaderValue::from_str(line).unwrap());
        }
        preferred(&headers, offers)
    }

    #[test]
    fn a_page_is_for_who_prefers_it() {
        use Form::{Events, Html, Json};
        let firefox = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        for (accept, form) in [
            (&[][..], Some(Json)),
            (&[""], Some(Json)),
            (&["*/*"], Some(Json)),
            (&[firefox], Some(Html)),
            (&["text/html"], Some(Html)),
            (&["TEXT/HTML; charset=utf-8"], Some(Html)),
            (&["text/*"], Some(Html)),
            (&["application/json, text/html"], Some(Json)),
            (&["text/html, application/json"], Some(Html)),
            (&["text/html;q=0.5, application/json;q=0.6"], Some(Json)),
            (&["text/html;q=0.5", "application/json;q=0.4"], Some(Html)),
            (&["text/html;q=0.5, */*;q=0.5"], Some(Html)),
            (&["text/html;q=0, */*;q=0.1"], Some(Json)),
            (&["*/*, application/json;q=0"], Some(Html)),
            (&["application/json;q=0.0"], None),
            (&["text/csv"], None),
            (&["text/html;q=2, application/json;q=0.1"], Some(Json)),
            (&["text/html;q=0.1234"], None),
        ] {
            assert_eq!(choose(accept, &[Json, Html]), form, "{accept:?}");
        }
        for (accept, form) in [
            ("*/*", Json),
            ("text/event-stream", Events),
            ("text/event-stream, application/json", Events),
            ("text/event-stream, */*", Events),
            ("application/json, text/event-stream;q=0.9", Json),
        ] {
            assert_eq!(choose(&[accept], &[Json, Events]), Some(form), "{accept}");
        }
    }
}
