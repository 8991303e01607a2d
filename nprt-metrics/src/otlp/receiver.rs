use std::sync::{Arc, Mutex, PoisonError};

use nprt_core::Result;

use super::OtlpConfig;
use super::attributes::Identities;
use super::message::Request;
use super::read::{Format, Refusal};
use super::reply::OtlpReply;
use super::source::{Sources, sources};
use super::streams::Streams;
use super::taking::Taking;
use super::tally::Tally;
use super::values::Values;
use crate::statsd::Aggregator;

/// Takes OTLP/HTTP metrics, and feeds an [`Aggregator`]: the part of a server that knows the protocol. Who is let in, and
/// how requests arrive, is for the server that holds it.
///
/// ```
/// use std::sync::Arc;
/// use nprt_core::clock::SystemClock;
/// use nprt_metrics::otlp::{OtlpConfig, OtlpReceiver};
/// use nprt_metrics::statsd::{Aggregator, StatsdConfig};
///
/// let otlp = OtlpConfig::default();
/// let config = StatsdConfig { otlp: Some(otlp.clone()), ..StatsdConfig::default() };
/// let aggregator = Arc::new(Aggregator::new(&config, Arc::new(SystemClock))?);
/// let receiver = OtlpReceiver::new(&otlp, aggregator)?;
/// let reply = receiver.answer(Some("application/json"), None, b"{}");
/// assert_eq!((reply.status, &*reply.body), (200, &b"{}"[..]));
/// # Ok::<(), nprt_core::Error>(())
/// ```
#[derive(Debug)]
pub struct OtlpReceiver {
    pub(super) config: OtlpConfig,
    pub(super) aggregator: Arc<Aggregator>,
    pub(super) sources: Sources,
    pub(super) identities: Identities,
    streams: Mutex<Streams>,
}

impl OtlpReceiver {
    /// Feeds `aggregator`, which was made with this configuration as [`StatsdConfig::otlp`](crate::statsd::StatsdConfig::otlp).
    ///
    /// # Errors
    /// `Invalid` for a wrong configuration, or another one than the aggregator's.
    pub fn new(config: &OtlpConfig, aggregator: Arc<Aggregator>) -> Result<Self> {
        let sources = sources(config, &aggregator)?;
        Ok(Self {
            config: config.clone(),
            aggregator,
            sources,
            identities: Identities::default(),
            streams: Mutex::default(),
        })
    }

    /// Bytes that a request may have as it is sent; one that has more need not be received.
    #[must_use]
    pub fn max_request_bytes(&self) -> usize {
        self.config.max_request_bytes
    }

    /// Takes in the body of a `POST` to `v1/metrics` with these headers, and says what to answer. It never fails: a refusal is
    /// an answer too. It works until it is done, for some 100 ms where the request is large: call it where that blocks nobody.
    pub fn answer(
        &self,
        content_type: Option<&str>,
        content_encoding: Option<&str>,
        body: &[u8],
    ) -> OtlpReply {
        match self.read(content_type, content_encoding, body) {
            Ok((format, request)) => {
                let tally = self.take(&request);
                OtlpReply::taken(format, tally.rejected, tally.why())
            }
            Err(refusal) => OtlpReply::of(&refusal, content_type),
        }
    }

    fn read(
        &self,
        content_type: Option<&str>,
        content_encoding: Option<&str>,
        body: &[u8],
    ) -> std::result::Result<(Format, Request), Refusal> {
        let format = Format::of(content_type)?;
        Ok((format, format.read(content_encoding, body, self.config.max_request_bytes)?))
    }

    fn take(&self, request: &Request) -> Tally {
        let mut tally = Tally::default();
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        let mut values = Values::default();
        for of_resource in &request.resource_metrics {
            let attributes = of_resource.resource.as_ref().map(|resource| resource.attributes.as_slice());
            let resource = self.identities.resource(of_resource.resource.as_ref());
            for of_scope in &of_resource.scope_metrics {
                let scope = self.identities.scope(resource, of_scope.scope.as_ref());
                for metric in &of_scope.metrics {
                    Taking {
                        receiver: self,
                        streams: &mut streams,
                        tally: &mut tally,
                        values: &mut values,
                        attributes: attributes.unwrap_or_default(),
                        resource,
                        scope,
                        metric,
                    }
                    .take();
                }
            }
        }
        values.add_to(self, &mut tally);
        streams.settle(|service, bytes| self.aggregator.charge(service, bytes));
        tally
    }
}
