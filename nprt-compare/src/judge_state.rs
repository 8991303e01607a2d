use jiff::Timestamp;
use nprt_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::kayenta_look::LookState;
use super::left_out::Tally;
use super::lost::LostMinutes;
use super::plain::PlainState;
use super::refused::RefusedMeasurements;
use super::sequential::SavedState;

/// The version of the form; what another version wrote is refused.
pub(super) const VERSION: u32 = 1;

/// All that a [`Judge`](super::Judge) knows between two blocks. It is opaque, versioned and serialisable, and it names
/// no policy: whoever reads it back knows that.
///
/// ```
/// use nprt_compare::{Judge, JudgeState, Policy, Preset};
///
/// let started = "2026-11-23T12:00:00Z".parse()?;
/// let judge = Judge::new(Policy::preset(Preset::Default), started)?;
/// let text = serde_json::to_string(&judge.state())?;
/// let state: JudgeState = serde_json::from_str(&text)?;
/// let mut judge = Judge::resume(Policy::preset(Preset::Default), state)?;
/// assert_eq!(judge.verdict(started).decision.as_str(), "inconclusive");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Form")]
pub struct JudgeState {
    pub(super) version: u32,
    pub(super) started: Timestamp,
    pub(super) plain: PlainState,
    pub(super) sequential: Option<SavedState>,
    pub(super) look: Option<LookState>,
    #[serde(skip_serializing_if = "LostMinutes::is_empty")]
    pub(super) lost: LostMinutes,
    #[serde(skip_serializing_if = "RefusedMeasurements::is_empty")]
    pub(super) refused: RefusedMeasurements,
    #[serde(skip_serializing_if = "Tally::is_empty")]
    pub(super) left_out: Tally,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    version: u32,
    started: Timestamp,
    plain: PlainState,
    sequential: Option<SavedState>,
    look: Option<LookState>,
    #[serde(default)]
    lost: LostMinutes,
    #[serde(default)]
    refused: RefusedMeasurements,
    #[serde(default)]
    left_out: Tally,
}

impl TryFrom<Form> for JudgeState {
    type Error = Error;

    fn try_from(form: Form) -> Result<Self> {
        let Form { version, started, plain, sequential, look, lost, refused, left_out } = form;
        if version != VERSION {
            let error = Error::invalid("judge.resume", "cannot read this version of a judge's state");
            return Err(error.with("version", version).with_available([VERSION.to_string()]));
        }
        Ok(Self { version, started, plain, sequential, look, lost, refused, left_out })
    }
}
