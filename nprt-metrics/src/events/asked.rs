use std::ops::Range;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use nprt_core::model::Secret;
use nprt_core::ports::{Measured, MetricQuery};
use nprt_core::{Error, ErrorKind, Result};

use super::{Counting, ErrorEvent};

/// A month; a longer range is a mistake.
const MOST_MINUTES: i64 = 45_000;

/// The minutes of the question that were complete `delay_seconds` ago.
///
/// # Errors
/// `Invalid` for a range that is too long.
pub(crate) fn complete(
    operation: &'static str,
    query: &MetricQuery,
    now: Timestamp,
    delay_seconds: u32,
) -> Result<Range<i64>> {
    let delay = SignedDuration::from_secs(i64::from(delay_seconds));
    let minutes = query.range.complete_minutes(now.checked_sub(delay).unwrap_or(Timestamp::MIN));
    if minutes.end.saturating_sub(minutes.start) > MOST_MINUTES {
        return Err(Error::invalid(operation, "the range is too long")
            .with("most", format_args!("{MOST_MINUTES} minutes")));
    }
    Ok(minutes)
}

/// The time at which a minute begins.
pub(crate) fn start_of(minute: i64) -> Timestamp {
    Timestamp::from_second(minute.saturating_mul(60)).unwrap_or(Timestamp::MAX)
}

/// The events of the pages of one answer, up to a limit.
#[derive(Debug)]
pub(crate) struct Events {
    operation: &'static str,
    most: usize,
    seen: usize,
    pages: usize,
}

/// Some events of an answer.
#[derive(Debug)]
pub(crate) struct Page<N> {
    /// Those that count; `None` for one that cannot be read.
    pub(crate) events: Vec<Option<ErrorEvent>>,
    /// How many there were.
    pub(crate) all: usize,
    pub(crate) bytes: usize,
    /// Where the next page is, if there is one.
    pub(crate) next: Option<N>,
}

impl Events {
    pub(crate) fn new(operation: &'static str, most: usize) -> Self {
        Self { operation, most, seen: 0, pages: 0 }
    }

    /// Counts the events of a page; answers with where the next one is.
    ///
    /// # Errors
    /// `Unexpected` where they are too many: some of them would not be an answer.
    pub(crate) fn count<N>(&mut self, counting: &mut Counting<'_>, page: Page<N>) -> Result<Option<N>> {
        self.seen = self.seen.saturating_add(page.all);
        self.pages += 1;
        // A page that holds next to nothing is rare.
        if self.seen > self.most || self.pages > self.most / 10 + 10 {
            return Err(self.too_many());
        }
        let evidence = &mut counting.measured().evidence;
        evidence.points = evidence.points.saturating_add(page.all as u64);
        evidence.bytes = evidence.bytes.saturating_add(page.bytes as u64);
        evidence.resolution = Duration::from_secs(60);
        for event in page.events {
            match event {
                Some(event) => counting.add(event),
                None => counting.leave_out_unreadable(),
            }
        }
        Ok(page.next)
    }

    /// The error of more events than are read.
    pub(crate) fn too_many(&self) -> Error {
        Error::new(ErrorKind::Unexpected, self.operation, "there are more events than are read")
            .with("limit", format_args!("{} events", self.most))
            .with("option", "max_events")
    }
}

/// The answer of a backend.
///
/// # Errors
/// `Unexpected`, with the metric.
pub(crate) fn of_events(
    operation: &'static str,
    query: &MetricQuery,
    counted: Result<Measured, String>,
) -> Result<Measured> {
    counted.map_err(|message| {
        Error::new(ErrorKind::Unexpected, operation, message).with("metric", &query.metric)
    })
}

/// Whether it can be sent in a header.
pub(crate) fn is_token(token: &Secret) -> bool {
    !token.expose().is_empty() && token.expose().bytes().all(|b| b.is_ascii_graphic())
}
