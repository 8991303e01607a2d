//! Slack: one message a notification, by an incoming webhook or by a bot's token and `chat.postMessage`.
//!
//! A bot's messages about one canary make one thread: the first of them is the parent, be it the canary's start or
//! its end, and the later ones reply. Those that need a look are shown in the channel too. Nothing of this is kept
//! here: each message carries service, revision and start of its canary as Slack's message metadata, and before
//! a message is posted, the channel's history since the canary's start is looked through for it. So the thread
//! survives a restart, is seen by every replica, and outlives the canary's objects in the cluster. Where it is not
//! found (the scope is missing, Slack is slow, more than 1,000 messages came meanwhile), the message stands by
//! itself. A webhook has no threads: Slack does not say which message it made.
//!
//! Text of services and commits goes into `plain_text` objects, with `&`, `<` and `>` escaped, so that it
//! can neither mention anybody nor format or link anything; a verdict goes as a table into preformatted rich text, in
//! which nothing is markup. The one piece of markup is the link at the end, and only where it is a web address.
//!
//! Written after <https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks> and
//! <https://docs.slack.dev/reference/methods/chat.postMessage> (answers),
//! <https://docs.slack.dev/reference/methods/conversations.history> and
//! <https://docs.slack.dev/messaging/message-metadata> (threads),
//! <https://docs.slack.dev/reference/block-kit/blocks> (blocks and their limits) and
//! <https://docs.slack.dev/apis/web-api/rate-limits> (one message a second, else 429 with `Retry-After`).
//! Tested against a fake that keeps those pages' rules, not against Slack.
//!
//! Limits: a summary and a verdict's table have at most 3,000 characters each and a detail 2,000; all details
//! together at most 6,000, since Slack refuses messages that are long in all (`msg_blocks_too_long`). What is cut
//! says so.
//!
//! ```no_run
//! use nprt_core::model::Secret;
//! use nprt_notify::slack::Slack;
//!
//! # fn main() -> nprt_core::Result<()> {
//! let secret = |name| Secret::new(std::env::var(name).unwrap_or_default());
//! let by_webhook = Slack::webhook(secret("SLACK_WEBHOOK_URL")).build()?;
//! let by_bot = Slack::bot(secret("SLACK_TOKEN"), "C0123456789").build()?;
//! # Ok(())
//! # }
//! ```

mod backend;
mod builder;
mod client;
mod config;
mod message;
mod table;
mod thread;

pub use backend::Slack;
pub use builder::SlackBuilder;
pub use config::SlackConfig;
#[doc(hidden)]
pub use thread::fuzz_answer;
