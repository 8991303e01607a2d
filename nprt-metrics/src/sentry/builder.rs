use std::sync::Arc;

use nprt_core::model::MetricName;
use nprt_core::ports::Clock;
use nprt_core::{Error, Result};
use nprt_http::base_url;

use super::client::Client;
use super::{Sentry, SentryConfig, backend};
use crate::events::{ReleasePattern, Tracker, is_token};
use crate::limits::check_limits;

const OPERATION: &str = "sentry.config";

impl SentryConfig {
    /// Validates everything and makes the backend; it does not connect. `clock` decides which minutes are complete.
    ///
    /// # Errors
    /// `Invalid`, naming the field.
    pub fn build(self, clock: Arc<dyn Clock>) -> Result<Sentry> {
        let invalid =
            |field: &'static str, message: &str| Error::invalid(OPERATION, message).with("field", field);
        if !is_slug(&self.organization) {
            return Err(invalid("organization", "expected a slug: letters, digits, `_` and `-`"));
        }
        if !is_slug(&self.project.replace("{service}", "x")) {
            return Err(invalid("project", "expected a slug, in which {service} may stand"));
        }
        if !is_token(&self.token) {
            return Err(invalid("token", "expected a token without spaces"));
        }
        if self.environment.as_ref().is_some_and(String::is_empty) {
            return Err(invalid("environment", "expected a name, or nothing for all"));
        }
        let release = ReleasePattern::new(&self.release).map_err(|message| invalid("release", message))?;
        let limits = [
            ("max_response_bytes", self.max_response_bytes),
            ("max_events", self.max_events),
            ("max_blocks", self.max_blocks),
        ];
        check_limits(OPERATION, &limits)?;
        let url = base_url(OPERATION, &self.url)?;
        let client = Client {
            http: nprt_http::client(&self.http)?,
            url,
            organization: self.organization,
            token: self.token,
            environment: self.environment,
            class: self.class,
            limit: self.max_response_bytes,
        };
        let tracker = Tracker {
            operation: backend::OPERATION,
            clock,
            metric: MetricName::new(MetricName::ERRORS)?,
            release,
            max_events: self.max_events,
            max_blocks: self.max_blocks,
            delay_seconds: self.delay_seconds,
        };
        Ok(Sentry { client, tracker, project: self.project })
    }
}

fn is_slug(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
}
