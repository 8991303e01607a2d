//! A signed webhook: each notification as JSON by `POST` to a receiver of one's own.
//!
//! It follows [Standard Webhooks](https://www.standardwebhooks.com) 1.0.0, for which there are libraries in most
//! languages:
//!
//! | header | |
//! |---|---|
//! | `webhook-id` | which notification it is: the same for each try, to pass over what came already |
//! | `webhook-timestamp` | when this try was made, in seconds since 1970: refuse what is older than some minutes |
//! | `webhook-signature` | `v1,` and, in base64, the HMAC-SHA256 of `<id>.<timestamp>.<body>` by the secret |
//!
//! The body is one JSON object, whose schema is [`WEBHOOK_SCHEMA`]:
//!
//! ```json
//! {
//!   "type": "nprt.rolled_back",
//!   "timestamp": "2026-11-23T12:31:07Z",
//!   "data": {
//!     "service": "shop",
//!     "severity": "warning",
//!     "revision": "0123456789abcdef0123456789abcdef01234567",
//!     "summary": "shop: the canary main-0123456789ab (0123456789ab) was rolled back",
//!     "details": [{"name": "caller", "value": "autopilot"}],
//!     "canary": {"revision": "0123456789abcdef0123456789abcdef01234567", "started": "2026-11-23T12:00:00Z"},
//!     "verdict": null,
//!     "link": "https://deployer.example.org/shop/canary"
//!   }
//! }
//! ```
//!
//! `type` is `nprt.` and the [`Occasion`](nprt_core::ports::Occasion); `verdict` a whole
//! [`Verdict`](nprt_core::verdict::Verdict) or `null`. Nothing is cut. Any status of 200 to 299 accepts it.
//!
//! ```no_run
//! use nprt_core::model::Secret;
//! use nprt_notify::webhook::Webhook;
//!
//! # fn main() -> nprt_core::Result<()> {
//! // Made by `echo "whsec_$(openssl rand -base64 32)"`.
//! let secret = Secret::new(std::env::var("WEBHOOK_SECRET").unwrap_or_default());
//! let webhook = Webhook::builder("https://hooks.example.org/nprt", secret).build()?;
//! # Ok(())
//! # }
//! ```

mod backend;
mod builder;
mod client;
mod config;
mod payload;
mod signature;

pub use backend::Webhook;
pub use builder::WebhookBuilder;
pub use config::WebhookConfig;

/// The JSON schema (draft 2020-12) of the body. It refers to that of a
/// [`Verdict`](nprt_core::verdict::VERDICT_SCHEMA).
pub const WEBHOOK_SCHEMA: &str = include_str!("webhook.schema.json");
