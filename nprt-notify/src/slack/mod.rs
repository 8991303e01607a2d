//! Slack, by an incoming webhook: one message a notification.
//!
//! Text of services and commits goes into `plain_text` objects, with `&`, `<` and `>` escaped, so that it
//! can neither mention anybody nor format or link anything. The one piece of markup is the link at the end,
//! and only where it is a web address.
//!
//! Written after <https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks> (answers),
//! <https://docs.slack.dev/reference/block-kit/blocks> (blocks and their limits) and
//! <https://docs.slack.dev/apis/web-api/rate-limits> (one message a second, else 429 with `Retry-After`).
//! Tested against a fake that keeps those pages' rules, not against Slack.
//!
//! Limits: a summary has at most 3,000 characters and a detail 2,000; all details together at most 8,000,
//! since Slack refuses messages that are long in all (`msg_blocks_too_long`). What is cut says so.
//!
//! ```no_run
//! use nprt_core::model::Secret;
//! use nprt_notify::slack::Slack;
//!
//! # fn main() -> nprt_core::Result<()> {
//! let url = std::env::var("SLACK_WEBHOOK_URL").unwrap_or_default();
//! let slack = Slack::builder(Secret::new(url)).build()?;
//! # Ok(())
//! # }
//! ```

mod backend;
mod builder;
mod client;
mod config;
mod message;

pub use backend::Slack;
pub use builder::SlackBuilder;
pub use config::SlackConfig;
