//! What others have set on stable, and a canary does not have: what was judged is what gets promoted.

use nprt_core::model::{Object, Track, annotation};
use nprt_core::ports::Change;
use nprt_core::{Error, ErrorKind, Result};
use nprt_manifest::Drift;
use serde::{Deserialize, Serialize};

use super::job::Job;
use super::live::Live;
use super::plan::{Plan, annotate};

/// What to do about drift: fields that others have set on the live stable objects (`kubectl set env`, `kubectl patch`,
/// what a Helm release left behind) stay there when a version is promoted, and a canary from the manifests lacks them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DriftPolicy {
    /// Start the canary without them, and name them in the answer, in the status, with the verdict and in the report.
    #[default]
    Warn,
    /// Refuse the canary, and the promotion of one that lacks them.
    Refuse,
    /// Give the canary the same fields.
    Carry,
}

/// What a person reads of drift.
pub(super) fn texts(drift: &[Drift]) -> Vec<String> {
    drift.iter().map(ToString::to_string).collect()
}

impl Job<'_> {
    /// The drift between what `promotion` makes and the `canary`'s objects.
    pub(super) fn drift(&self, promotion: &Plan, canary: &[Object]) -> Result<Vec<Drift>> {
        nprt_manifest::drift(&promotion.becomes(), canary, &self.service.transform)
    }

    /// Checks at a promotion that what was judged is what gets promoted: others may have changed stable since the
    /// canary started.
    ///
    /// # Errors
    /// `Rejected` with the fields, where the service refuses drift.
    pub(super) fn check_promoted(&self, plan: &mut Plan, live: &Live) -> Result<()> {
        let canary: Vec<Object> = live.on(Track::Canary).cloned().collect();
        let drift = texts(&self.drift(plan, &canary)?);
        if drift.is_empty() {
            return Ok(());
        }
        if self.service.drift == DriftPolicy::Refuse {
            return Err(refused("the promotion would differ from the canary that was judged", &drift));
        }
        self.warn(
            plan,
            format!(
                "the canary that was judged did not have what others set on stable: {}",
                drift.join(", ")
            ),
        );
        Ok(())
    }

    /// Says a warning at once and in the answer.
    pub(super) fn warn(&self, plan: &mut Plan, warning: String) {
        self.progress.warn(&warning);
        plan.warnings.push(warning);
    }
}

/// Drift that the service's settings refuse.
pub(super) fn refused(message: &str, drift: &[String]) -> Error {
    Error::new(ErrorKind::Rejected, "pipeline.drift", format!("{message}: others have set fields on stable"))
        .with("fields", drift.join(", "))
        .with("help", "add the fields to the manifests, remove them from stable, or set `drift` of the service to `warn` or `carry`")
}

/// Writes the drift on the canary's workloads, where status, verdict and report find it.
pub(super) fn mark(plan: &mut Plan, drift: &[String]) -> Result<()> {
    let text = serde_json::json!(drift).to_string();
    for (object, foreseen) in plan.objects.iter_mut().zip(&mut plan.foreseen) {
        let is_trial = object.annotation(annotation::STARTED).is_some();
        if !is_trial || said(object) == drift {
            continue;
        }
        annotate(object, [(annotation::DRIFT, text.clone())].into_iter())?;
        if foreseen.change == Change::Unchanged {
            foreseen.change = Change::Configured;
        }
    }
    Ok(())
}

/// The drift that a canary's object says.
pub(super) fn said(object: &Object) -> Vec<String> {
    object.annotation(annotation::DRIFT).and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}
