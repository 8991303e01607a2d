use nprt_core::{Error, Result};
use nprt_http::base_url;

use super::client::Client;
use super::{AggregatorConfig, RemoteAggregator};

impl AggregatorConfig {
    /// Validates everything and makes the backend; it does not connect.
    ///
    /// # Errors
    /// `Invalid`, naming the field.
    pub fn build(self) -> Result<RemoteAggregator> {
        let url = base_url("aggregator.config", &self.url)?;
        let limits = [self.max_response_bytes, self.max_kept_bytes];
        for (field, limit) in ["max_response_bytes", "max_kept_bytes"].into_iter().zip(limits) {
            if limit == 0 {
                return Err(Error::invalid("aggregator.config", "expected at least 1").with("field", field));
            }
        }
        let http = nprt_http::client(&self.http)?;
        let client = Client::new(http, &url, self.token, limits)?;
        Ok(RemoteAggregator { client })
    }
}
