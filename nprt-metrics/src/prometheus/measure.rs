//! What the series of one metric become: the same for a server's answer and for a recorded one.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use nprt_core::model::Block;
use nprt_core::ports::Measured;

use super::buckets::{EDGE, edge, histograms};
use super::config::PrometheusMetric;
use super::increase::Forms;
use super::native::natives;
use super::plan::Plan;
use super::series::{LabelSet, Series, read_all};
use super::status::Statuses;
use super::totals::Counters;
use crate::assemble::{Assembly, Line};
use crate::{Labels, RequestOutcome};

/// A metric, with the labels of its source.
#[derive(Debug, Clone)]
pub(super) struct Measure {
    pub(super) labels: Arc<Labels>,
    pub(super) status: Arc<Statuses>,
    pub(super) metric: PrometheusMetric,
    /// Its queries, in order; none of a recorded one.
    pub(super) forms: Vec<Forms>,
}

impl Measure {
    /// A query of its forms with everything filled in. A service's name is a DNS label and a label's is checked, so that
    /// neither can leave its place.
    pub(super) fn fill(&self, query: &str, service: &str, routes: bool) -> String {
        // `{service}` last: no other placeholder can come in through it, since a name holds no brace.
        query.replace("{window}", "1m").replace("{by}", &self.by(routes)).replace("{service}", service)
    }

    /// The labels to aggregate by.
    pub(super) fn by(&self, routes: bool) -> String {
        let labels = match routes {
            true => Cow::Borrowed(&*self.labels),
            false => Cow::Owned(Labels { route: None, ..(*self.labels).clone() }),
        };
        match &self.metric {
            PrometheusMetric::Histogram { .. } => labels.by([EDGE]),
            PrometheusMetric::Classes { .. } => labels.by([labels.class.as_str()]),
            PrometheusMetric::Requests { errors: None, .. } => labels.by(self.status.labels()),
            PrometheusMetric::Value { .. } | PrometheusMetric::Requests { errors: Some(_), .. } => {
                labels.by([])
            }
        }
    }

    /// How to ask for `minutes` of it, where its queries read so many series.
    pub(super) fn plan(&self, series: u64, minutes: &Range<i64>, max_series: u64) -> Plan {
        let totals = self.counters().is_some()
            && self.labels.pod.is_some()
            && self.forms.iter().all(|forms| forms.totals.is_some());
        Plan::of(series, minutes, max_series, totals)
    }

    /// Which counters its queries read; `None` where two queries read different ones, or none at all.
    pub(super) fn counters(&self) -> Option<Counters> {
        match self.metric {
            PrometheusMetric::Histogram { .. } | PrometheusMetric::Requests { errors: None, .. } => {
                Some(Counters::Steady)
            }
            PrometheusMetric::Classes { .. } => Some(Counters::Sparse),
            PrometheusMetric::Value { .. } | PrometheusMetric::Requests { errors: Some(_), .. } => None,
        }
    }

    /// What the series say that its queries were answered with.
    pub(super) fn blocks(
        &self,
        assembly: Assembly<'_>,
        answers: Vec<Vec<Series>>,
        left: &mut Measured,
    ) -> Result<Vec<Block>, String> {
        let mut answers = answers.into_iter();
        let first = answers.next().unwrap_or_default();
        let (native, first): (Vec<_>, Vec<_>) =
            first.into_iter().partition(|series| !series.histograms.is_empty());
        if let PrometheusMetric::Histogram { unit, .. } = &self.metric {
            let edge = |labels: &LabelSet| edge(labels).map(|edge| unit.convert(edge));
            let natives = natives(&self.labels, &native, *unit, left)?;
            return histograms(assembly, &read_all(&self.labels, first, edge, left)?, natives, left);
        }
        if let Some(series) = native.first() {
            return Err(format!("expected numbers, found a native histogram; series {}", series.metric));
        }
        match &self.metric {
            PrometheusMetric::Histogram { unit, .. } | PrometheusMetric::Value { unit, .. } => {
                let mut lines = self.plain(first, left)?;
                let points = lines.iter_mut().flat_map(|line| &mut line.points);
                points.for_each(|(_, value)| *value = unit.convert(*value));
                assembly.values(&lines, left)
            }
            PrometheusMetric::Classes { .. } => {
                let class = |labels: &LabelSet| Ok(labels.get(&self.labels.class).map(str::to_owned));
                assembly.classes(&read_all(&self.labels, first, class, left)?, left)
            }
            PrometheusMetric::Requests { errors: None, .. } => {
                assembly.outcomes(&self.outcomes(first, left)?, left)
            }
            PrometheusMetric::Requests { errors: Some(_), .. } => {
                let requests = self.plain(first, left)?;
                let errors = self.plain(answers.next().unwrap_or_default(), left)?;
                assembly.requests(&requests, &errors, left)
            }
        }
    }

    /// How the requests of each series ended, where it is known. Where it is of none, that is an error: the settings do
    /// not fit.
    fn outcomes(
        &self,
        series: Vec<Series>,
        left: &mut Measured,
    ) -> Result<Vec<Line<Option<RequestOutcome>>>, String> {
        let mut unknown = None;
        let outcome = |labels: &LabelSet| {
            let outcome = self.status.outcome(labels);
            if let Err(message) = &outcome {
                unknown.get_or_insert_with(|| format!("{message}; series {labels}"));
            }
            Ok(outcome.ok())
        };
        let lines = read_all(&self.labels, series, outcome, left)?;
        if let Some(message) = unknown {
            if lines.iter().all(|line| line.part.is_none()) {
                return Err(message);
            }
            left.note(&message);
        }
        Ok(lines)
    }

    fn plain(&self, series: Vec<Series>, left: &mut Measured) -> Result<Vec<Line>, String> {
        read_all(&self.labels, series, |_| Ok(()), left)
    }
}
