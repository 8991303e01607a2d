use std::net::{SocketAddr, UdpSocket};

use cadence::prelude::*;
use cadence::{Metric, MetricBuilder, MetricResult, StatsdClient, UdpMetricSink};
use nprt_core::model::{ServiceName, Tag, Track};

use crate::Result;
use crate::random::Random;

/// A client as services have one.
pub(crate) fn client(statsd: SocketAddr) -> Result<StatsdClient> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    Ok(StatsdClient::from_sink("", UdpMetricSink::from(statsd, socket)?))
}

/// What a pod says of itself with every metric: whose it is, and of which version.
pub(crate) struct Labels<'a> {
    pub(crate) service: &'a ServiceName,
    pub(crate) track: Track,
    pub(crate) tag: &'a Tag,
    pub(crate) pod: String,
}

impl Labels<'_> {
    /// A request and what became of it: its seconds, or the class of its error.
    pub(crate) fn request(
        &self,
        client: &StatsdClient,
        answer: std::result::Result<f64, &'static str>,
    ) -> MetricResult<()> {
        self.send(client.count_with_tags("request.count", 1))?;
        match answer {
            Ok(seconds) => self.send(client.distribution_with_tags("request.latency", seconds)),
            Err(class) => self.send(client.count_with_tags("request.errors", 1).with_tag("error", class)),
        }
    }

    pub(crate) fn utilisation(&self, client: &StatsdClient, random: &mut Random) -> MetricResult<()> {
        self.send(client.gauge_with_tags("process.cpu", 0.2 + 0.02 * random.uniform()))?;
        self.send(client.gauge_with_tags("process.memory", 150e6 + 5e6 * random.uniform()))
    }

    fn send<'m, M: Metric + From<String>>(&'m self, metric: MetricBuilder<'m, '_, M>) -> MetricResult<()> {
        let metric = metric
            .with_tag("service", self.service.as_str())
            .with_tag("track", self.track.as_str())
            .with_tag("version", self.tag.as_str())
            .with_tag("pod", &self.pod);
        metric.try_send().map(drop)
    }
}
