use std::sync::Arc;

use nprt_core::model::MetricName;
use nprt_core::ports::Clock;
use nprt_core::{Error, Result};
use nprt_http::base_url;

use super::client::Client;
use super::{BugsnagErrors, BugsnagErrorsConfig, backend};
use crate::events::{ReleasePattern, Tracker, is_token};
use crate::limits::check_limits;

const OPERATION: &str = "bugsnag.config";

impl BugsnagErrorsConfig {
    /// Validates everything and makes the backend; it does not connect. `clock` decides which minutes are complete.
    ///
    /// # Errors
    /// `Invalid`, naming the field.
    pub fn build(self, clock: Arc<dyn Clock>) -> Result<BugsnagErrors> {
        let invalid =
            |field: &'static str, message: &str| Error::invalid(OPERATION, message).with("field", field);
        if self.projects.is_empty() {
            return Err(invalid("projects", "expected the id of at least one service's project"));
        }
        if let Some((service, _)) = self.projects.iter().find(|(_, project)| !is_id(project)) {
            let error =
                invalid("projects", "expected the id of a project, for example 515fb9337c1074f6fd000003");
            return Err(error.with("service", service));
        }
        if !is_token(&self.token) {
            return Err(invalid("token", "expected a token without spaces"));
        }
        if self.release_stage.as_ref().is_some_and(String::is_empty) {
            return Err(invalid("release_stage", "expected a name, or nothing for all"));
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
            token: self.token,
            release_stage: self.release_stage,
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
        Ok(BugsnagErrors { client, tracker, projects: self.projects })
    }
}

fn is_id(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric())
}
