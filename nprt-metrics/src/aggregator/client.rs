use nprt_core::model::{Block, BlockData, Secret};
use nprt_core::ports::{Lost, Measured};
use nprt_core::{Error, ErrorKind, Result};
use nprt_http::{Limit, check_values, read_body, request_error, retry_after, status_error};
use reqwest::{StatusCode, Url};
use serde::de::DeserializeOwned;

use super::wire::{
    AllLost, BLOCKS, Blocks, Fault, FaultReason, KNOWN_SINCE, KnownSince, LOST, Question, Span, VERSION,
};

/// The only place that asks.
#[derive(Debug)]
pub(super) struct Client {
    http: reqwest::Client,
    blocks: Url,
    known_since: Url,
    lost: Url,
    token: Option<Secret>,
    limit: usize,
    /// Bytes that all answers to a question may take together.
    most_kept: usize,
}

impl Client {
    pub(super) fn new(
        http: reqwest::Client,
        url: &Url,
        token: Option<Secret>,
        [limit, most_kept]: [usize; 2],
    ) -> Result<Self> {
        let join = |path: &str| {
            url.join(path)
                .map_err(|_| Error::invalid("aggregator.config", "no path can be added to the address"))
        };
        let (blocks, known_since, lost) = (join(BLOCKS)?, join(KNOWN_SINCE)?, join(LOST)?);
        Ok(Self { http, blocks, known_since, lost, token, limit, most_kept })
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
    pub(super) async fn blocks(&self, question: &Question) -> Result<Measured> {
        let operation = "aggregator.blocks";
        let (mut rest, mut all, mut kept) = (question.clone(), Measured::default(), 0);
        loop {
            let mut url = self.blocks.clone();
            url.set_query(Some(&rest.to_query()));
            let answer: Blocks = self.get(operation, &url).await.map_err(not_of_a_metric)?;
            same_version(operation, answer.version)?;
            let asked = rest.minutes.start..answer.next.unwrap_or(rest.minutes.end);
            let strange = |block: &&Block| !asked.contains(&block.minute) || block.metric != question.metric;
            if let Some(block) = answer.blocks.iter().find(strange) {
                return Err(unexpected(operation, "a block that was not asked for")
                    .with("metric", &block.metric)
                    .with("minute", block.minute));
            }
            if let Some(left_out) = answer
                .left_out
                .iter()
                .find(|left_out| left_out.minute.is_some_and(|minute| !asked.contains(&minute)))
            {
                return Err(unexpected(operation, "points left out of a minute that was not asked for")
                    .with("minute", left_out.minute.unwrap_or_default()));
            }
            kept += answer.blocks.iter().map(size).sum::<usize>();
            if kept > self.most_kept {
                return Err(unexpected(operation, "the answers are too long in all")
                    .with("limit", format_args!("{} bytes", self.most_kept))
                    .with("option", "max_kept_bytes"));
            }
            let next = answer.next;
            if !answer.blocks.is_sorted_by(|a, b| a.order() < b.order()) {
                return Err(unexpected(operation, "blocks that are not in order, or come twice"));
            }
            all.merge(answer.into_measured());
            match next {
                None => break,
                Some(next) if next > rest.minutes.start && next < rest.minutes.end => {
                    rest.minutes.start = next;
                }
                Some(next) => {
                    return Err(unexpected(operation, "an answer that does not go on").with("next", next));
                }
            }
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
        let body = read_body(operation, response, Limit::by("max_response_bytes", self.limit)).await?;
        if status == StatusCode::OK {
            // A sample takes two bytes at the least, and eight in memory.
            check_values(operation, &body, Limit::by("max_kept_bytes", self.most_kept / 8))?;
            let unreadable =
                |error| unexpected(operation, "the answer is no aggregator's").with_source(error);
            return serde_json::from_slice(&body).map_err(|error: serde_json::Error| unreadable(error));
        }
        // Only what an aggregator itself says: a proxy's page may hold anything, and its 404 is of no metric.
        let few = check_values(operation, &body, 10_000).ok();
        let fault: Option<Fault> = few.and_then(|()| serde_json::from_slice(&body).ok());
        Err(match fault.filter(|fault| !self.repeats_token(fault)) {
            Some(fault) if fault.reason == Some(FaultReason::NotConfigured) => {
                let said: String = fault.error.chars().take(300).collect();
                Error::new(ErrorKind::NotConfigured, operation, said).with_available(fault.available)
            }
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

/// Only an aggregator that says so lacks a metric: a 404 alone may mean anything.
fn not_of_a_metric(error: Error) -> Error {
    if !error.is_not_found() {
        return error;
    }
    let message =
        format!("{}; an older aggregator does not say whether the metric is configured", error.message());
    unexpected(error.operation(), &message).with_available(error.available())
}

/// About how much memory a block takes.
fn size(block: &Block) -> usize {
    let names = [&block.version, &block.pod, &block.route].into_iter().flatten().map(String::len);
    let data = match &block.data {
        BlockData::Samples(samples) => samples.len() * 8,
        BlockData::Histogram { edges, counts } => (edges.len() + counts.len()) * 8,
        BlockData::Classes(classes) => classes.keys().map(|class| class.len() + 80).sum(),
        BlockData::Value(_) | BlockData::Requests { .. } => 0,
    };
    300 + names.sum::<usize>() + data
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
