use std::sync::Arc;

use jiff::Timestamp;
use nprt_compare::replay::Bare;
use nprt_core::model::{Block, TimeRange};
use nprt_core::ports::{Clock, Measured, MetricQuery, MetricsBackend, Versions};
use nprt_core::{Error, ErrorKind, Result};
use serde::Serialize;

use super::wire::{
    AllLost, BLOCKS, Blocks, Fault, FaultReason, KNOWN_SINCE, KnownSince, LOST, Question, Span, VERSION,
};

/// Bytes from which on an answer is not made longer.
const PAGE: usize = 4 << 20;
/// How many minutes to read at a time, which is the least that an answer holds: a single minute may fill a service's share.
const STEP: i64 = 1;
/// Over two months; a longer range is a mistake.
const MOST_MINUTES: i64 = 100_000;

/// Answers the questions of [`RemoteAggregator`](super::RemoteAggregator)s by asking a backend: the part of a server
/// that knows the wire. Who is let in, and how requests arrive, is for the server that holds it.
#[derive(Debug, Clone)]
pub struct Endpoint {
    backend: Arc<dyn MetricsBackend>,
    clock: Arc<dyn Clock>,
}

/// An answer, whose body is JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The status of HTTP.
    pub status: u16,
    /// The body, to be sent as `application/json`.
    pub body: Vec<u8>,
}

impl Endpoint {
    /// Answers with what `backend` knows; `clock` is the backend's.
    #[must_use]
    pub fn new(backend: Arc<dyn MetricsBackend>, clock: Arc<dyn Clock>) -> Self {
        Self { backend, clock }
    }

    /// Answers a `GET` of `path`, with or without a slash in front, by its query, without the question mark. It never
    /// fails: an error is an answer too. It is a read, and cancel-safe.
    pub async fn answer(&self, path: &str, query: &str) -> Reply {
        let answer =
            match path.trim_start_matches('/') {
                BLOCKS => self.blocks(query).await,
                KNOWN_SINCE => self.known_since().await,
                LOST => self.lost(query).await,
                _ => Err(Error::new(ErrorKind::NotFound, "aggregator.answer", "no such path")
                    .with_available([BLOCKS, KNOWN_SINCE, LOST])),
            };
        let (status, body) = match answer {
            Ok(body) => (200, Ok(body)),
            Err(error) => (status_of(&error), fault(&error)),
        };
        match body {
            Ok(body) => Reply { status, body },
            Err(_) => Reply { status: 500, body: Vec::new() },
        }
    }

    async fn known_since(&self) -> Result<Vec<u8>> {
        let known_since = self.first_known().await?;
        json(&KnownSince { version: VERSION, known_since })
    }

    async fn first_known(&self) -> Result<Option<i64>> {
        let since = self.backend.known_since().await?;
        Ok(since
            .map(|since| TimeRange::before(since, std::time::Duration::ZERO).complete_minutes(since).start))
    }

    async fn lost(&self, query: &str) -> Result<Vec<u8>> {
        let Span { service, minutes } = Span::read(query)?;
        let start = minutes.start.max(self.first_known().await?.unwrap_or(i64::MIN));
        let end = minutes.end.min(Block::minute_of(self.clock.now()));
        let range = TimeRange::new(time(start)?, time(end.max(start))?)?;
        let lost = self.backend.lost(&service, range).await?;
        json(&AllLost { version: VERSION, lost })
    }

    async fn blocks(&self, query: &str) -> Result<Vec<u8>> {
        let Question { service, metric, minutes } = Question::read(query)?;
        let start = minutes.start.max(self.first_known().await?.unwrap_or(i64::MIN));
        let end = minutes.end.min(Block::minute_of(self.clock.now()));
        if end.saturating_sub(start) > MOST_MINUTES {
            return Err(Error::invalid("aggregator.blocks", "the range is too long")
                .with("most", format_args!("{MOST_MINUTES} minutes")));
        }
        let (mut measured, mut bytes, mut at) = (Measured::default(), 0, start);
        // An empty range too: whether there is such a metric is for the backend to say.
        loop {
            let until = at.saturating_add(STEP).min(end).max(at);
            let range = TimeRange::new(time(at)?, time(until)?)?;
            let query = MetricQuery {
                service: service.clone(),
                metric: metric.clone(),
                range,
                versions: Versions::default(),
            };
            let more = self.backend.blocks(&query).await?;
            for block in &more.blocks {
                // And the comma behind it.
                bytes += json(&Bare(block))?.len() + 1;
            }
            measured.merge(more);
            at = until;
            if at >= end || bytes >= PAGE {
                break;
            }
        }
        json(&Blocks::new(measured, (at < end).then_some(at)))
    }
}

fn time(minute: i64) -> Result<Timestamp> {
    Timestamp::from_second(minute.saturating_mul(60))
        .map_err(|_| Error::invalid("aggregator.blocks", "expected a minute that is a time"))
}

fn status_of(error: &Error) -> u16 {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotConfigured => 404,
        ErrorKind::Invalid => 400,
        _ if error.is_temporary() => 503,
        _ => 500,
    }
}

fn fault(error: &Error) -> Result<Vec<u8>> {
    let mut said = error.message().to_owned();
    for (name, value) in error.context() {
        said.push_str(&format!("; {name}: {value}"));
    }
    let reason = error.is_not_configured().then_some(FaultReason::NotConfigured);
    json(&Fault { version: VERSION, error: said, available: error.available().to_vec(), reason })
}

fn json(said: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(said).map_err(|error| {
        Error::new(ErrorKind::Unexpected, "aggregator.answer", "what was measured cannot be written")
            .with_source(error)
    })
}
