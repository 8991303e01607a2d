//! A notification as the JSON of a Slack message.

use nprt_core::ports::{Detail, Notification, Severity};
use nprt_core::verdict::Verdict;
use serde_json::{Value, json};
use url::Url;

use super::table::table;
use crate::text::fit;

/// A section's text.
const SUMMARY: usize = 3000;
/// One field of a section: name, newline and value.
const FIELD: usize = 2000;
const FIELD_NAME: usize = 200;
const FIELDS_A_SECTION: usize = 10;
/// A message has at most 50 blocks; four are the header, the summary, the verdict and the context.
const FIELDS: usize = FIELDS_A_SECTION * 46;
/// All fields together, so that the message as a whole stays below what Slack takes.
const FIELDS_LENGTH: usize = 6000;
/// The text for notifications on a phone.
const FALLBACK: usize = 1000;
/// Slack's limit for a link.
const LINK: usize = 3000;

pub(super) fn message(notification: &Notification) -> Value {
    let Notification { service, occasion, severity, revision, summary, details, verdict, link, .. } =
        notification;
    let title = format!("{service}: {}", occasion.as_str());
    let mut blocks = vec![json!({"type": "header", "text": plain(&format!("{} {title}", sign(*severity)))})];
    if !summary.trim().is_empty() {
        blocks.push(json!({"type": "section", "text": plain(&escape(summary, SUMMARY))}));
    }
    blocks.extend(verdict.iter().map(preformatted));
    let fields = fields(details);
    let cut = details.len() - fields.len();
    blocks.extend(fields.chunks(FIELDS_A_SECTION).map(|fields| json!({"type": "section", "fields": fields})));
    let mut context = vec![plain(severity.as_str())];
    context.extend(revision.iter().map(|revision| plain(&format!("revision {}", revision.short()))));
    if cut > 0 {
        context.push(plain(&format!("… {cut} more details (cut)")));
    }
    context.extend(link.iter().filter(|link| !link.trim().is_empty()).map(|link| link_to(link)));
    blocks.push(json!({"type": "context", "elements": context}));
    json!({
        "text": escape(&format!("{title}: {summary}"), FALLBACK),
        "mrkdwn": false,
        "unfurl_links": false,
        "unfurl_media": false,
        "blocks": blocks,
    })
}

fn sign(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "✅",
        Severity::Warning => "⚠️",
        Severity::Error => "❌",
    }
}

/// As many details as there is room for, each as a field.
fn fields(details: &[Detail]) -> Vec<Value> {
    let mut room = FIELDS_LENGTH;
    let fitting = |detail: &Detail| {
        let name = escape(shown(&detail.name), FIELD_NAME);
        let value = escape(shown(&detail.value), FIELD - FIELD_NAME - 1);
        let field = format!("{name}\n{value}");
        room = room.checked_sub(field.encode_utf16().count())?;
        Some(plain(&field))
    };
    details.iter().take(FIELDS).map_while(fitting).collect()
}

/// Slack refuses an empty text.
fn shown(text: &str) -> &str {
    if text.trim().is_empty() { "–" } else { text }
}

/// Its text is no markup: nothing in it is escaped.
fn preformatted(verdict: &Verdict) -> Value {
    let text = json!({"type": "text", "text": table(verdict)});
    json!({"type": "rich_text", "elements": [{"type": "rich_text_preformatted", "elements": [text]}]})
}

fn plain(text: &str) -> Value {
    json!({"type": "plain_text", "text": text, "emoji": false})
}

/// Slack's three control characters, as it asks for them; and no longer than it takes.
fn escape(text: &str, longest: usize) -> String {
    fit(text, longest, |c| match c {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        _ => None,
    })
}

/// A link where `link` is a web address, else its text.
fn link_to(link: &str) -> Value {
    let web = |url: &Url| matches!(url.scheme(), "http" | "https") && url.as_str().len() <= LINK / 2;
    match Url::parse(link).ok().filter(web) {
        Some(url) => {
            // `|` ends an address in Slack's markup.
            let address = escape(&url.as_str().replace('|', "%7C"), LINK);
            json!({"type": "mrkdwn", "text": format!("<{address}|Details>"), "verbatim": true})
        }
        None => plain(&escape(link, FIELD)),
    }
}
