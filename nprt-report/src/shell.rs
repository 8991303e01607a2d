use jiff::Timestamp;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use nprt_compare::report::Version;

use crate::text::text;
use crate::{CONTENT_SECURITY_POLICY, chart};

const STYLE: &str = include_str!("page.css");

/// A whole page, with all that it needs in it.
pub(crate) fn shell(title: &str, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(CONTENT_SECURITY_POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { (text(title)) }
                style { (PreEscaped(chart::COLOURS)) (PreEscaped(STYLE)) (PreEscaped(chart::STYLE)) }
            }
            body { (body) }
        }
    }
}

pub(crate) fn version(version: &Version) -> Markup {
    // A revision is told by its first twelve letters, like everywhere.
    let short = |revision: &str| revision.chars().take(12).collect::<String>();
    html! {
        @match (&version.tag, &version.revision) {
            // A tag that we made ends with the revision.
            (Some(tag), Some(revision)) if !tag.contains(&short(revision)) => { b { (text(tag)) } " (" (text(&short(revision))) ")" }
            (Some(tag), _) => b { (text(tag)) },
            (None, Some(revision)) => b { (text(&short(revision))) },
            (None, None) => "of unknown version",
        }
    }
}

/// A verdict in its colour; its word says the same.
pub(crate) fn badge(verdict: &str) -> Markup {
    html! { span class={ "badge " (verdict) } { (verdict) } }
}

/// To the second.
pub(crate) fn time(at: Timestamp) -> Markup {
    let whole = Timestamp::from_second(at.as_second()).unwrap_or(at);
    html! { time datetime=(whole) { (at.strftime("%Y-%m-%d %H:%M:%S")) } }
}
