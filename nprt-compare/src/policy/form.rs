use nprt_core::{Error, Result};
use serde::Deserialize;

use super::{Policy, Preset, Rule};

/// A policy as it stands in a file: what is not given comes from the preset.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Form {
    preset: Option<Preset>,
    window_minutes: Option<u32>,
    soak_minutes: Option<u32>,
    deadline_minutes: Option<u32>,
    warm_up_minutes: Option<u32>,
    history_minutes: Option<u32>,
    calibration_minutes: Option<u32>,
    alpha: Option<f64>,
    pass_alpha: Option<f64>,
    max_left_out: Option<f64>,
    rules: Option<Vec<Rule>>,
}

impl Policy {
    /// Reads a policy from YAML (or JSON) and validates it.
    ///
    /// # Errors
    /// `Invalid`, with line and column for what is no policy, and as [`Policy::validate`].
    pub fn read(text: impl AsRef<[u8]>) -> Result<Self> {
        let policy: Self = serde_saphyr::from_slice(text.as_ref())
            .map_err(|error| Error::invalid("policy.read", error.without_snippet().to_string()))?;
        policy.validate()?;
        Ok(policy)
    }
}

impl TryFrom<Form> for Policy {
    type Error = Error;

    fn try_from(form: Form) -> Result<Self> {
        let base = Policy::preset(form.preset.unwrap_or(Preset::Default));
        let rules = match (form.rules, form.preset) {
            (Some(rules), _) => rules,
            (None, Some(_)) => base.rules,
            (None, None) => {
                let message = "neither `rules` nor a `preset` that brings some";
                return Err(
                    Error::invalid("policy.read", message).with_available(Preset::ALL.map(Preset::as_str))
                );
            }
        };
        Ok(Self {
            window_minutes: form.window_minutes.unwrap_or(base.window_minutes),
            soak_minutes: form.soak_minutes.unwrap_or(base.soak_minutes),
            deadline_minutes: form.deadline_minutes.unwrap_or(base.deadline_minutes),
            warm_up_minutes: form.warm_up_minutes.unwrap_or(base.warm_up_minutes),
            history_minutes: form.history_minutes.unwrap_or(base.history_minutes),
            calibration_minutes: form.calibration_minutes.unwrap_or(base.calibration_minutes),
            alpha: form.alpha.unwrap_or(base.alpha),
            pass_alpha: form.pass_alpha.unwrap_or(base.pass_alpha),
            max_left_out: form.max_left_out.unwrap_or(base.max_left_out),
            rules,
        })
    }
}
