use std::collections::BTreeMap;

use nprt_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::validate;

/// A canary config as Kayenta stores it (and as Spinnaker's editor shows it as JSON). Plain data;
/// [`CanaryConfig::from_json`] validates it, and so does [`judge`](super::judge()).
///
/// Where a config is read, `query`, `scopeName` and `templates` may be anything lawful and are kept, but not
/// used: the series come from our blocks ([`KayentaRule`](super::KayentaRule)) or Kayenta's own archive. Other fields
/// at the top (`id`, `description`, `applications`, `configVersion`, time stamps) are ignored. In `judge`,
/// `metrics` and `classifier` an unknown field is an error, since a misspelt `critical` would be a loss.
///
/// ```
/// use nprt_compare::kayenta::CanaryConfig;
///
/// let config = CanaryConfig::from_json(
///     r#"{
///         "name": "cart",
///         "judge": {"name": "NetflixACAJudge-v1.0", "judgeConfigurations": {}},
///         "metrics": [{
///             "name": "latency p95",
///             "query": {"type": "prometheus", "metricName": "request_seconds"},
///             "groups": ["latency"],
///             "analysisConfigurations": {"canary": {"direction": "increase", "critical": true}},
///             "scopeName": "default"
///         }],
///         "classifier": {"groupWeights": {"latency": 100}, "scoreThresholds": {"pass": 95, "marginal": 75}}
///     }"#,
/// )?;
/// assert!(config.metrics[0].analysis().critical);
/// # Ok::<(), nprt_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CanaryConfig {
    /// Its name.
    pub name: String,
    /// Which judge it was written for.
    #[serde(default)]
    pub judge: JudgeConfig,
    /// What is compared, at least one metric that is not muted.
    pub metrics: Vec<MetricConfig>,
    /// How the metrics are weighed.
    pub classifier: ClassifierConfig,
    /// Filters of the queries; not used.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub templates: BTreeMap<String, String>,
}

/// The judge of a config.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct JudgeConfig {
    /// `NetflixACAJudge-v1.0`, or `dredd-v1.0`, which stands in Kayenta's sample configs (and there is a
    /// placeholder that classifies at random): both are judged by the rules of the first.
    pub name: String,
    /// Empty in Kayenta.
    #[serde(default)]
    pub judge_configurations: JudgeConfigurations,
}

/// What a config may say to this judge beyond what Kayenta knows, in the place that Kayenta leaves free.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct JudgeConfigurations {
    /// The confidence of each metric's test, above 0 and below 1; by default Kayenta's 0.98, an error of
    /// 1 % on each side.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence_level: Option<f64>,
}

/// One metric of a config.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MetricConfig {
    /// Its name, by which series are found; unique in the config.
    pub name: String,
    /// What a telemetry provider is asked; not used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<serde_json::Map<String, serde_json::Value>>,
    /// The groups in which it counts.
    #[serde(default)]
    pub groups: Vec<String>,
    /// How it is judged.
    #[serde(default)]
    pub analysis_configurations: AnalysisConfigurations,
    /// Not used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope_name: Option<String>,
}

impl MetricConfig {
    /// How it is judged.
    #[must_use]
    pub fn analysis(&self) -> &CanaryAnalysis {
        &self.analysis_configurations.canary
    }
}

/// The wrapper around [`CanaryAnalysis`].
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnalysisConfigurations {
    /// How the metric is judged; by default in both directions, without further demands.
    #[serde(default)]
    pub canary: CanaryAnalysis,
}

/// How one metric is judged.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CanaryAnalysis {
    /// Which change fails.
    #[serde(default)]
    pub direction: Direction,
    /// What a missing value is.
    #[serde(default)]
    pub nan_strategy: NanStrategy,
    /// Whether its failure fails the canary, whatever the score.
    #[serde(default)]
    pub critical: bool,
    /// Whether it fails without data.
    #[serde(default)]
    pub must_have_data: bool,
    /// Whether it is only reported: it counts nowhere.
    #[serde(default)]
    pub muted: bool,
    /// How large a change must be.
    #[serde(default)]
    pub effect_size: EffectSize,
    /// What happens to values far out.
    #[serde(default)]
    pub outliers: Outliers,
}

/// Which change of a metric fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Direction {
    /// The canary is higher.
    Increase,
    /// The canary is lower.
    Decrease,
    /// The canary is higher or lower.
    #[default]
    Either,
}

/// What a missing value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum NanStrategy {
    /// Nothing: it is left out.
    #[default]
    Remove,
    /// A zero, such as where no errors mean no series.
    Replace,
}

/// How large a change must be to fail, or to fail critically. A size that is not set is not checked.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EffectSize {
    /// What the sizes are.
    #[serde(default)]
    pub measure: Measure,
    /// An increase fails from here on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_increase: Option<f64>,
    /// A decrease fails from here down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_decrease: Option<f64>,
    /// An increase of a critical metric fails the canary from here on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub critical_increase: Option<f64>,
    /// A decrease of a critical metric fails the canary from here down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub critical_decrease: Option<f64>,
}

/// A measure of the effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Measure {
    /// The canary's mean divided by stable's; without effect 1. Not defined, and so not checked, unless
    /// both are above 0.
    #[default]
    MeanRatio,
    /// The share of pairs in which the canary's value is the larger, ties by half; without effect 0.5.
    Cles,
}

/// What happens to values far outside the quartiles.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Outliers {
    /// By default they stay.
    #[serde(default)]
    pub strategy: OutlierStrategy,
    /// How many interquartile ranges beyond a quartile make a value an outlier, if it is also beyond the first
    /// or last percentile; by default 3.
    #[serde(default = "Outliers::default_factor")]
    pub outlier_factor: f64,
}

/// Whether outliers stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OutlierStrategy {
    /// They count as any other value.
    #[default]
    Keep,
    /// They are left out, on either track by its own quartiles. A canary that is slow in few minutes loses
    /// just these.
    Remove,
}

/// How metrics are weighed.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClassifierConfig {
    /// Each group's weight, together 100; groups without one share equally what is left of 100.
    #[serde(default)]
    pub group_weights: BTreeMap<String, f64>,
    /// From which scores on a canary passes; some versions of Spinnaker pass it at run time instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score_thresholds: Option<ScoreThresholds>,
}

/// From which scores on a canary passes, 0 to 100.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScoreThresholds {
    /// From here on it passes.
    pub pass: f64,
    /// From here on it does not fail.
    pub marginal: f64,
}

impl CanaryConfig {
    /// Reads Kayenta's JSON and validates it.
    ///
    /// # Errors
    /// `Invalid` with line and column for what is no canary config, and as [`CanaryConfig::validate`].
    pub fn from_json(text: &str) -> Result<Self> {
        let config: Self = serde_json::from_str(text).map_err(|source| {
            Error::invalid("kayenta.config", format!("not a Kayenta canary config: {source}"))
        })?;
        config.validate()?;
        Ok(config)
    }

    /// Checks what the types alone do not.
    ///
    /// # Errors
    /// `Invalid`, naming metric and field, for: an unknown judge; no metric that is not muted; a name that is
    /// empty or there twice; a metric that could never count (in no group and neither critical nor muted);
    /// effect sizes, factors, weights, thresholds and levels out of range; weights that do not add up to 100;
    /// a weight for a group without metrics.
    pub fn validate(&self) -> Result<()> {
        validate::config(self)
    }

    /// The error that each metric's test is allowed on each side.
    pub(super) fn alpha(&self) -> f64 {
        (1.0 - self.confidence_level()) / 2.0
    }

    /// The confidence of each metric's test.
    #[must_use]
    pub fn confidence_level(&self) -> f64 {
        self.judge.judge_configurations.confidence_level.unwrap_or(0.98)
    }
}

impl Default for JudgeConfig {
    fn default() -> Self {
        Self { name: validate::JUDGES[0].to_owned(), judge_configurations: JudgeConfigurations::default() }
    }
}

impl Outliers {
    fn default_factor() -> f64 {
        3.0
    }
}

impl Default for Outliers {
    fn default() -> Self {
        Self { strategy: OutlierStrategy::Keep, outlier_factor: Self::default_factor() }
    }
}
