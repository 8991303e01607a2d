use nprt_core::model::{Block, Secret};
use nprt_core::ports::Lost;
use nprt_core::{Error, ErrorKind, Result};
use nprt_http::{read_body, request_error, retry_after, status_error};
use reqwest::{StatusCode, Url};
use serde::de::DeserializeOwned;

use super::wire::{AllLost, BLOCKS, Blocks, Fault, KNOWN_SINCE, KnownSince, LOST, Question, Span, VERSION};

/// The only place that asks.
#[derive(Debug)]
pub(super) struct Client {
    http: reqwest::Client,
    blocks: Url,
    known_since: Url,
    lost: Url,
    token: Option<Secret>,
    limit: usize,
}

impl Client {
    pub(super) fn new(http: reqwest::Client, url: &Url, token: Option<Secret>, limit: usize) -> Result<Self> {
        let join = |path: &str| {
            url.join(path)
                .map_err(|_| Error::invalid("aggregator.config", "no path can be added to the address"))
        };
        let (blocks, known_since, lost) = (join(BLOCKS)?, join(KNOWN_SINCE)?, join(LOST)?);
        Ok(Self { http, blocks, known_since, lost, token, limit })
    }

    /// The first minute that an answer can hold.
    pub(super) async fn known_since(&self) -> Result<Option<i64>> {
        let operation = "aggregator.known_since";
        let answer: KnownSince = self.get(operation, &self.known_since).await?;
        same_version(operation, answer.version)?;
        Ok(answer.known_since)
    }

    /// What it did not keep.
    pub(super) async fn lost(&self, span: &Span) -> Result<Vec<Lost>> {
        let operation = "aggregator.lost";
        let mut url = self.lost.clone();
        url.set_query(Some(&span.to_query()));
        let answer: AllLost = self.get(operation, &url).await?;
        same_version(operation, answer.version)?;
        Ok(answer.lost)
    }

    /// All that is asked for, be it in several answers.
    pub(super) async fn blocks(&self, question: &Question) -> Result<Vec<Block>> {
        let operation = "aggregator.blocks";
        let (mut rest, mut all) = (question.clone(), Vec::new());
        loop {
            let mut url = self.blocks.clone();
            url.set_query(Some(&rest.to_query()));
            let answer: Blocks = self.get(operation, &url).await?;
            same_version(operation, answer.version)?;
            let asked = rest.minutes.start..answer.next.unwrap_or(rest.minutes.end);
            let strange = |block: &&Block| !asked.contains(&block.minute) || block.metric != question.metric;
            if let Some(block) = answer.blocks.iter().find(strange) {
                return Err(unexpected(operation, "a block that was not asked for")
                    .with("metric", &block.metric)
                    .with("minute", block.minute));
            }
            all.extend(answer.blocks);
            match answer.next {
                None => break,
                Some(next) if next > rest.minutes.start && next < rest.minutes.end => {
                    rest.minutes.start = next;
                }
                Some(next) => {
                    return Err(unexpected(operation, "an answer that does not go on").with("next", next));
                }
            }
        }
        if !all.is_sorted_by(|a, b| a.order() < b.order()) {
            return Err(unexpected(operation, "blocks that are not in order, or come twice"));
        }
        Ok(all)
    }

    async fn get<T: DeserializeOwned>(&self, operation: &'static str, url: &Url) -> Result<T> {
        let mut request = self.http.get(url.clone());
        if let Some(token) = &self.token {
            request = request.bearer_auth(token.expose());
        }
        let response = request.send().await.map_err(|error| request_error(operation, error))?;
        let (status, wait) = (response.status(), retry_after(response.headers()));
        let body = read_body(operation, response, self.limit).await?;
        if status == StatusCode::OK {
            let unreadable =
                |error| unexpected(operation, "the answer is no aggregator's").with_source(error);
            return serde_json::from_slice(&body).map_err(|error: serde_json::Error| unreadable(error));
        }
        // Only what an aggregator itself says: a proxy's page may hold anything, and its 404 is of no metric.
        let fault: Option<Fault> = serde_json::from_slice(&body).ok();
        Err(match fault.filter(|fault| !self.repeats_token(fault)) {
            Some(fault) => status_error(operation, status, &fault.error).with_available(fault.available),
            None if status == StatusCode::NOT_FOUND => unexpected(operation, "there is no aggregator"),
            None => status_error(operation, status, ""),
        }
        .with_retry_after(wait))
    }

    fn repeats_token(&self, fault: &Fault) -> bool {
        let said = |token: &Secret| {
            let all = std::iter::once(&fault.error).chain(&fault.available);
            all.into_iter().any(|text| text.contains(token.expose()))
        };
        self.token.as_ref().is_some_and(said)
    }
}

fn same_version(operation: &'static str, version: u32) -> Result<()> {
    if version == VERSION {
        return Ok(());
    }
    Err(unexpected(operation, "an answer of another version")
        .with("version", version)
        .with_available([VERSION]))
}

fn unexpected(operation: &'static str, message: &str) -> Error {
    Error::new(ErrorKind::Unexpected, operation, message)
}
