use std::collections::BTreeMap;

use nprt_core::model::{Block, MetricName, TimeRange};
use nprt_core::{Error, Result};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::config::{CanaryConfig, ScoreThresholds};
use super::recorded::Recorded;
use super::result::Judgement;
use super::source::Source;
use super::{judge, validate};

/// A Kayenta config over our own blocks: what a policy says for the preset `kayenta`. Plain data;
/// [`KayentaRule::from_json`] validates it.
///
/// ```
/// use nprt_compare::kayenta::KayentaRule;
///
/// let text = r#"{
///     "config": {
///         "name": "cart",
///         "metrics": [{"name": "Slow requests", "groups": ["latency"]},
///                     {"name": "cpu mean", "groups": ["system"]}],
///         "classifier": {"groupWeights": {"latency": 70, "system": 30}}
///     },
///     "sources": {"Slow requests": {"metric": "latency", "statistic": "p95"}},
///     "thresholds": {"pass": 95, "marginal": 75}
/// }"#;
/// let rule = KayentaRule::from_json(text)?;
/// let metrics: Vec<_> = rule.metrics().map(|metric| metric.to_string()).collect();
/// assert_eq!(metrics, ["latency", "cpu"]);
/// # Ok::<(), nprt_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KayentaRule {
    /// The config.
    pub config: CanaryConfig,
    /// Which of our metrics each metric of the config is, by its name there. One whose name says it
    /// ([`Source::of_name`]) needs none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sources: BTreeMap<String, Source>,
    /// Thresholds that go before those of the config.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thresholds: Option<ScoreThresholds>,
}

/// What Kayenta itself is sent for a run: the config and, beside much else, the thresholds.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AdHoc {
    canary_config: CanaryConfig,
    #[serde(default)]
    execution_request: ExecutionRequest,
}

#[derive(Default, Deserialize)]
struct ExecutionRequest {
    thresholds: Option<ScoreThresholds>,
}

/// What tells the forms apart.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Form {
    config: Option<IgnoredAny>,
    canary_config: Option<IgnoredAny>,
}

impl KayentaRule {
    /// Reads it, or Kayenta's JSON as it is: a config, or the request for an ad-hoc run
    /// (`canaryConfig` and `executionRequest`). Then it validates it.
    ///
    /// # Errors
    /// `Invalid` with line and column for what is none of them, and as [`KayentaRule::validate`].
    pub fn from_json(text: &str) -> Result<Self> {
        let rule = Self::read(text)?;
        rule.validate()?;
        Ok(rule)
    }

    /// Reads the same forms and does not validate: for Kayenta's own series and [`judge`](super::judge()), which
    /// validates the config and needs no sources.
    ///
    /// # Errors
    /// `Invalid` with line and column for what is none of them.
    pub fn read(text: &str) -> Result<Self> {
        Self::parse(text).map_err(|source| {
            Error::invalid(
                "kayenta.config",
                format!("neither a Kayenta config nor a rule with one: {source}"),
            )
        })
    }

    fn parse(text: &str) -> Result<Self, serde_json::Error> {
        let form: Form = serde_json::from_str(text)?;
        let plain = |config, thresholds| Self { config, sources: BTreeMap::new(), thresholds };
        if form.config.is_some() {
            serde_json::from_str(text)
        } else if form.canary_config.is_some() {
            let AdHoc { canary_config, execution_request } = serde_json::from_str(text)?;
            Ok(plain(canary_config, execution_request.thresholds))
        } else {
            Ok(plain(serde_json::from_str(text)?, None))
        }
    }

    /// Whether it makes sense.
    ///
    /// # Errors
    /// `Invalid` as [`CanaryConfig::validate`], without or with impossible thresholds, for a source of no
    /// metric, and for a metric, not muted, without a source.
    pub fn validate(&self) -> Result<()> {
        self.config.validate()?;
        let Some(thresholds) = self.thresholds.or(self.config.classifier.score_thresholds) else {
            return Err(invalid("no thresholds, neither in the config nor beside it"));
        };
        validate::thresholds(&thresholds)?;
        let known = || self.config.metrics.iter().map(|metric| metric.name.as_str());
        if let Some(unknown) = self.sources.keys().find(|name| known().all(|known| known != *name)) {
            return Err(invalid("a source for no metric of the config")
                .with("metric", unknown)
                .with_available(known()));
        }
        let counting = self.config.metrics.iter().filter(|metric| !metric.analysis().muted);
        for metric in counting {
            if self.source(&metric.name).is_none() {
                let expected = "no source: say in `sources` which of our metrics it is, or by a name such as \
                                `latency p95`";
                return Err(invalid(expected).with("metric", &metric.name));
            }
        }
        Ok(())
    }

    /// The metrics that it reads, in the config's order, each once: what to ask a backend for.
    pub fn metrics(&self) -> impl Iterator<Item = MetricName> {
        let mut metrics = Vec::new();
        for (_, source) in self.sources() {
            if !metrics.contains(&source.metric) {
                metrics.push(source.metric);
            }
        }
        metrics.into_iter()
    }

    /// Judges the canary from recorded blocks of that range, one value a whole minute of it: one look, at a
    /// time chosen beforehand. Blocks of other metrics and minutes are left out, the same block again counts
    /// once.
    ///
    /// # Errors
    /// As [`judge`](super::judge()) and [`Recorded::add`], and `Invalid` for a range beyond 31 days.
    pub fn judge<'a>(
        &self,
        blocks: impl IntoIterator<Item = &'a Block>,
        range: TimeRange,
    ) -> Result<Judgement> {
        let pairs = Recorded::of_blocks(self, blocks, range)?.pairs(range)?;
        judge(&self.config, &pairs, self.thresholds)
    }

    /// Each metric of the config that has a source.
    pub(super) fn sources(&self) -> impl Iterator<Item = (&str, Source)> {
        let metrics = self.config.metrics.iter().map(|metric| metric.name.as_str());
        metrics.filter_map(|name| Some((name, self.source(name)?)))
    }

    fn source(&self, name: &str) -> Option<Source> {
        self.sources.get(name).cloned().or_else(|| Source::of_name(name))
    }
}

fn invalid(message: &str) -> Error {
    Error::invalid("kayenta.rule", message)
}
