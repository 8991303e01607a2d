//! The preset `kayenta`: reads the canary configs of Spinnaker's Kayenta and gives its classification and
//! score from our exact Mann-Whitney test, so that a team can move over with the config that it has.
//!
//! [`CanaryConfig`] is the config as Kayenta stores it, [`MetricSetPair`] the series as Kayenta archives them,
//! and [`judge()`] compares them. [`KayentaRule`] does the same over our own blocks. How:
//!
//! 1. Missing values are left out or zero (`nanStrategy`), outliers stay or go (`outliers`).
//! 2. [`MannWhitney`](super::statistics::mann_whitney::MannWhitney) compares both tracks at 98 % confidence, 1 % on
//!    each side. A metric is `High` or `Low` where that shows a difference in a `direction` that fails, and
//!    the effect reaches the allowed one where the config sets that (`effectSize`).
//! 3. A group's score is the share of its metrics that passed, the canary's the weighted sum of these;
//!    `muted` metrics count nowhere. A `critical` metric that fails (by its critical size, where it sets one)
//!    fails the canary.
//! 4. The score is held against the thresholds of the config or of the call. `Fail` is a regression, `Pass` a
//!    pass, everything else inconclusive.
//!
//! ```
//! use nprt_compare::kayenta::{CanaryConfig, MetricSetPair, Overall, judge};
//!
//! let config = CanaryConfig::from_json(
//!     r#"{
//!         "name": "cart",
//!         "judge": {"name": "NetflixACAJudge-v1.0", "judgeConfigurations": {}},
//!         "metrics": [{
//!             "name": "errors",
//!             "query": {"type": "prometheus"},
//!             "groups": ["errors"],
//!             "analysisConfigurations": {"canary": {"direction": "increase", "critical": true}}
//!         }],
//!         "classifier": {"groupWeights": {"errors": 100}}
//!     }"#,
//! )?;
//! // A case that a user of Kayenta reported: seven of ten minutes at a hundred times, and Kayenta passes it.
//! let pairs: Vec<MetricSetPair> = serde_json::from_str(
//!     r#"[{"name": "errors", "values": {
//!         "control": [1, 1, 1, 1, 1, 1, 1, 1, 1, 1],
//!         "experiment": [100, 100, 100, 100, 100, 100, 100, 1, 1, 1]
//!     }}]"#,
//! )?;
//! let thresholds = serde_json::from_str(r#"{"pass": 95, "marginal": 75}"#)?;
//! let judgement = judge(&config, &pairs, Some(thresholds))?;
//! assert_eq!((judgement.classification, judgement.score), (Overall::Fail, Some(0.0)));
//! assert_eq!(judgement.decision.as_str(), "regression");
//! assert_eq!(
//!     judgement.reason,
//!     "a critical metric failed: errors: higher on the canary by 99; mean 1 on stable and 70.3 on the canary, \
//!      median 1 and 100, 98 % interval of the shift 0 to 99, p = 0.0015, 10 values and 10 values"
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Where it differs from Kayenta, and why
//! Kayenta's judge is read as of November 2026 (`NetflixACAJudge-v1.0`); a model of its rule stands in this
//! crate's tests beside ours, for each line.
//!
//! | Kayenta | here |
//! |---|---|
//! | Finds estimate and interval by a root finder with an absolute tolerance of 1e-4: of values below that it sees nothing, +50 % at 1e-6 passes. | Order statistics, selected: every scale is the same. |
//! | The interval is a normal approximation at any size; where it does not fit, its ends are the extreme differences. Two values a side raise a false alarm in 22 to 24 % of comparisons, three in 5 %. | Exact. Where not even the clearest outcome is rarer than 1 %, there is no verdict (`Nodata`): 98 % take five values a side. |
//! | A difference must also exceed a quarter of its own estimate with its whole interval. That is no margin, since it grows with the effect: it is a stricter level in disguise (about 0.1 % on each side where the canary is merely shifted), and hides what is no mere shift: seven of ten minutes at a hundred times pass. | The level alone decides. Where many metrics make 1 % too many false alarms, `judge.judgeConfigurations.confidenceLevel` sets another (0.998 is about what Kayenta does), and `effectSize` sets a margin. |
//! | An error while a metric is judged, or a group without data, scores as success: a group whose metrics all failed to compute counts 100. | `Error` and `Nodata` are undecided. The canary fails where the score is too low even if all of them passed, and is else inconclusive. |
//! | Empty series pass where missing values are zero. | Without a step there is nothing to take as zero: `Nodata`. |
//! | Without data in half of the metrics, or in a critical one, the canary fails. | It is inconclusive: no data is no proof. Where it shall fail, `mustHaveData` says so. |
//! | A metric of the config without series is not missed. | It is `Nodata`. |
//! | An effect size is asked for though none is set: a ratio of means of 1, which a metric with negative values, or one slow minute on stable, never reaches. | A size that is not set is not checked; the ratio is only defined above 0. |
//! | Two constant series that differ get random noise before they are compared: the same input has another result. | They are compared as they are. |
//! | Muting all metrics of a group takes its weight away, so that no canary can reach the score. | The weights that are left make up 100. |
//! | A misspelt field or word falls back to a default. | It is an error. |
//!
//! # What it cannot do
//! - It is **one look** at finished series. Looked at every minute it raises false alarms without bound, as
//!   Kayenta does. The other presets may be watched.
//! - It takes minutes for independent, as Kayenta does. They are not: at an autocorrelation of 0.9 such a test
//!   finds a difference in 48 % of equal pairs.
//! - A pass is no proof: no difference was shown.
//! - It tests whether the canary's values are *larger*, not whether they are *different*. A change of spread
//!   about the same median is none. What makes some requests slower shows in a high percentile: take that as
//!   the statistic ([`Statistic::Percentile`]), or the default policy, which tests p95 and p99
//!   ([`quantile`](super::statistics::quantile)) beside the ranks.

mod aggregate;
mod classify;
mod config;
mod explain;
mod pair;
mod prepare;
mod recorded;
mod result;
mod rule;
mod score;
mod source;
mod validate;

pub use config::{
    AnalysisConfigurations, CanaryAnalysis, CanaryConfig, ClassifierConfig, Direction, EffectSize,
    JudgeConfig, JudgeConfigurations, Measure, MetricConfig, NanStrategy, OutlierStrategy, Outliers,
    ScoreThresholds,
};
pub use pair::{MetricSetPair, PairScope, PairValues};
pub use prepare::SeriesFigures;
pub use recorded::Recorded;
pub use result::{Classification, GroupScore, Judgement, MetricResult, NeededValues, Overall};
pub use rule::KayentaRule;
pub use source::{Source, Statistic};

use nprt_core::{Error, Result};

use super::{Decision, Needed};

/// The JSON schema (draft 2020-12) of a [`KayentaRule`]; Kayenta's plain config is its `#/$defs/config`. What a
/// schema cannot say is in its descriptions.
pub const RULE_SCHEMA: &str = include_str!("rule.schema.json");

/// The JSON schema (draft 2020-12) of a [`Judgement`].
pub const JUDGEMENT_SCHEMA: &str = include_str!("judgement.schema.json");

/// Judges the canary from finished series: one look, at a time chosen beforehand. `thresholds` go before
/// those of the config, as Spinnaker's do that it gives at run time.
///
/// # Errors
/// `Invalid` where the config is ([`CanaryConfig::validate`]), where neither it nor the call has thresholds,
/// and for series of a metric that the config does not have. What is wrong with the values of a series is no
/// error: that metric is then [`Classification::Error`].
pub fn judge(
    config: &CanaryConfig,
    pairs: &[MetricSetPair],
    thresholds: Option<ScoreThresholds>,
) -> Result<Judgement> {
    config.validate()?;
    let Some(thresholds) = thresholds.or(config.classifier.score_thresholds) else {
        return Err(Error::invalid("kayenta.judge", "no thresholds, neither in the config nor in the call")
            .with("config", &config.name));
    };
    validate::thresholds(&thresholds)?;
    let known = || config.metrics.iter().map(|metric| metric.name.as_str());
    if let Some(unknown) = pairs.iter().find(|pair| known().all(|known| known != pair.name)) {
        return Err(Error::invalid("kayenta.judge", "series of a metric that the config does not have")
            .with("metric", &unknown.name)
            .with_available(known()));
    }
    let metrics: Vec<_> = config.metrics.iter().flat_map(|metric| of_metric(config, metric, pairs)).collect();
    let groups = score::groups(config, &metrics);
    let (classification, score, reason) = score::overall(&groups, &metrics, thresholds);
    let decision = match classification {
        Overall::Pass => Decision::Pass,
        Overall::Fail => Decision::Regression,
        Overall::Marginal | Overall::Undecided => Decision::Inconclusive { needed: needed(&metrics) },
    };
    let confidence_level = config.confidence_level();
    Ok(Judgement { decision, classification, score, thresholds, confidence_level, reason, groups, metrics })
}

fn of_metric(config: &CanaryConfig, metric: &MetricConfig, pairs: &[MetricSetPair]) -> Vec<MetricResult> {
    let alpha = config.alpha();
    let of_metric = pairs.iter().filter(|pair| pair.name == metric.name);
    let results: Vec<_> = of_metric.map(|pair| classify::classify(metric, Some(pair), alpha)).collect();
    if results.is_empty() { vec![classify::classify(metric, None, alpha)] } else { results }
}

/// What the metrics that count still need together; no time where waiting alone does not help.
fn needed(metrics: &[MetricResult]) -> Needed {
    let needs = metrics.iter().filter(|metric| !metric.muted).filter_map(|metric| metric.needed);
    let needs = needs.map(|needed| Needed {
        stable_samples: needed.stable,
        canary_samples: needed.canary,
        minutes: needed.minutes,
    });
    needs.reduce(Needed::max).unwrap_or_default()
}
