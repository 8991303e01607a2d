//! What the Web API answers: always status 200, but for too many requests and faults of Slack's own.

use nprt_core::{Error, ErrorKind, Result};
use serde_json::Value;

use super::OPERATION;

/// `answer`, if it says that it is `ok`.
pub(super) fn accepted(answer: Value) -> Result<Value> {
    match answer["ok"].as_bool() {
        Some(true) => Ok(answer),
        Some(false) => Err(refused(&answer)),
        None => Err(Error::new(ErrorKind::Unexpected, OPERATION, "the server does not answer as Slack")),
    }
}

/// The error that Slack names by a code, which decides about a retry.
fn refused(answer: &Value) -> Error {
    let code = answer["error"].as_str().filter(|code| is_code(code)).unwrap_or("no error named");
    let error = Error::new(kind(code), OPERATION, code);
    match code {
        "not_in_channel" => error.with("expected", "the app invited to the channel"),
        "missing_scope" => {
            let needed = answer["needed"].as_str().filter(|needed| needed.split(',').all(is_code));
            error.with("needed", needed.unwrap_or("chat:write"))
        }
        _ => error,
    }
}

/// Whether it is a name such as Slack's codes and scopes are: any other text could hold a secret.
fn is_code(text: &str) -> bool {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b':' | b'.');
    (1..=64).contains(&text.len()) && text.bytes().all(fits)
}

fn kind(code: &str) -> ErrorKind {
    match code {
        "not_authed" | "invalid_auth" | "token_revoked" | "token_expired" | "account_inactive" => {
            ErrorKind::Unauthenticated
        }
        "not_in_channel"
        | "missing_scope"
        | "no_permission"
        | "access_denied"
        | "not_allowed_token_type"
        | "restricted_action"
        | "restricted_action_read_only_channel"
        | "restricted_action_thread_only_channel"
        | "restricted_action_non_threadable_channel"
        | "restricted_action_thread_locked"
        | "ekm_access_denied"
        | "enterprise_is_restricted"
        | "org_login_required"
        | "two_factor_setup_required"
        | "team_access_not_granted"
        | "as_user_not_supported" => ErrorKind::Forbidden,
        "channel_not_found" | "is_archived" | "team_not_found" => ErrorKind::NotFound,
        "ratelimited" | "rate_limited" | "message_limit_exceeded" => ErrorKind::RateLimited,
        "internal_error"
        | "fatal_error"
        | "service_unavailable"
        | "request_timeout"
        | "team_added_to_org" => ErrorKind::Unavailable,
        "no_text"
        | "msg_too_long"
        | "msg_blocks_too_long"
        | "invalid_blocks"
        | "invalid_blocks_format"
        | "invalid_metadata_format"
        | "invalid_metadata_schema"
        | "metadata_too_large"
        | "metadata_must_be_sent_from_app"
        | "cannot_reply_to_message"
        | "invalid_arguments"
        | "invalid_json"
        | "json_not_object"
        | "markdown_text_conflict"
        | "method_not_supported_for_channel_type"
        | "channel_type_not_supported"
        | "messages_tab_disabled"
        | "restricted_too_many_attachments"
        | "too_many_attachments" => ErrorKind::Invalid,
        _ => ErrorKind::Unexpected,
    }
}
