use std::collections::BTreeMap;
use std::ops::Range;

use jiff::Timestamp;
use nprt_core::model::{Block, BlockData, ServiceName, Track};
use nprt_core::ports::{LeftOutReason, Measured, MetricQuery};

use super::ReleasePattern;

/// One occurrence of an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ErrorEvent {
    pub(crate) at: Timestamp,
    /// The release that it happened in, where the event says so.
    pub(crate) release: Option<String>,
    pub(crate) class: String,
}

/// Events of both tracks, counted by minute, version and class.
#[derive(Debug)]
pub(crate) struct Counting<'a> {
    query: &'a MetricQuery,
    release: &'a ReleasePattern,
    minutes: Range<i64>,
    counts: BTreeMap<(i64, Track, String), BTreeMap<String, u64>>,
    of_others: u64,
    measured: Measured,
}

impl<'a> Counting<'a> {
    pub(crate) fn new(query: &'a MetricQuery, release: &'a ReleasePattern, minutes: Range<i64>) -> Self {
        let (counts, measured) = (BTreeMap::new(), Measured::default());
        Self { query, release, minutes, counts, of_others: 0, measured }
    }

    /// Counts one. It is left out where it says no release, and ignored where that is of neither track.
    pub(crate) fn add(&mut self, event: ErrorEvent) {
        let minute = Block::minute_of(event.at);
        if !self.minutes.contains(&minute) {
            return;
        }
        let service: &ServiceName = &self.query.service;
        let Some(release) = event.release.filter(|release| !release.is_empty()) else {
            self.measured.leave_out(LeftOutReason::NoTrack, minute, None, 1);
            return;
        };
        let version = self.release.version(&release, service);
        let of = version.and_then(|version| Some((version, self.query.versions.track(version)?)));
        let Some((version, track)) = of else {
            self.of_others += 1;
            return;
        };
        let classes = self.counts.entry((minute, track, version.to_owned())).or_default();
        *classes.entry(event.class).or_default() += 1;
    }

    /// Leaves out an event that cannot be read.
    pub(crate) fn leave_out_unreadable(&mut self) {
        self.measured.leave_out(LeftOutReason::Malformed, None, None, 1);
    }

    /// Everything beside the blocks.
    pub(crate) fn measured(&mut self) -> &mut Measured {
        &mut self.measured
    }

    /// What was measured.
    ///
    /// # Errors
    /// Where there are more than `max_blocks` blocks.
    pub(crate) fn finish(self, max_blocks: usize) -> Result<Measured, String> {
        let Self { query, counts, of_others, mut measured, .. } = self;
        if counts.len() > max_blocks {
            return Err(format!(
                "the answer makes {} blocks of at most {max_blocks}: ask for less, or raise max_blocks",
                counts.len()
            ));
        }
        if of_others > 0 {
            measured.note(&format!("events of releases that do not run were ignored: {of_others}"));
        }
        let block = |((minute, track, version), classes)| Block {
            minute,
            track,
            version: Some(version),
            pod: None,
            route: None,
            metric: query.metric.clone(),
            data: BlockData::Classes(classes),
        };
        measured.blocks = counts.into_iter().map(block).collect();
        Ok(measured)
    }
}
