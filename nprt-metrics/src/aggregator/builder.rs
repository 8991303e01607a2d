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
        if self.max_response_bytes == 0 {
            let error = Error::invalid("aggregator.config", "expected at least 1");
            return Err(error.with("field", "max_response_bytes"));
        }
        let http = nprt_http::client(&self.http)?;
        let client = Client::new(http, &url, self.token, self.max_response_bytes)?;
        Ok(RemoteAggregator { client })
    }
}
