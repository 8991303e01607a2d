use std::sync::Arc;
use std::time::Duration;

use nprt_core::model::{Branches, VersionRef, find_hidden, shown};
use nprt_core::{Error, Result};
use serde::Serialize;

use crate::judgement::Judgement;

/// Asks for a version of a service.
///
/// ```
/// use std::time::Duration;
/// use nprt_core::model::VersionRef;
/// use nprt_pipeline::{Caller, Request};
/// let version = VersionRef::new(Some("main"), None)?;
/// let request = Request::new(version, Caller::new("ada", "")?).waiting(Duration::from_secs(60));
/// # Ok::<(), nprt_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// Which version.
    pub version: VersionRef,
    /// Who asks and why.
    pub caller: Caller,
    /// How long to wait for the service's lease where another operation holds it; `None` does not, except two
    /// seconds for what takes a moment, such as [tending](crate::Pipeline::tend) and what a judge
    /// [keeps](crate::Pipeline::judge_and_keep). Whoever waits holds nothing: dropping the future ends
    /// the wait. Who waits longest does not go first, and a rollback does not end a wait.
    pub wait: Option<Duration>,
    /// The branches that who asks may deploy, beside those of the
    /// [service](crate::Service::deployable_branches).
    pub branches: Branches,
}

/// Who asks for a change and why; both are kept on the workloads, and told.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Caller {
    name: String,
    reason: String,
    #[serde(skip)]
    judgement: Option<Arc<Judgement>>,
}

impl Request {
    /// Asks for `version`, without waiting for others.
    #[must_use]
    pub fn new(version: VersionRef, caller: Caller) -> Self {
        Self { version, caller, wait: None, branches: Branches::default() }
    }

    /// The same, for who may deploy these branches alone.
    #[must_use]
    pub fn of_branches(self, branches: Branches) -> Self {
        Self { branches, ..self }
    }

    /// The same, waiting for others for at most `wait`.
    #[must_use]
    pub fn waiting(self, wait: Duration) -> Self {
        Self { wait: Some(wait), ..self }
    }
}

impl Caller {
    /// `name` asks because of `reason`, which may be empty.
    ///
    /// # Errors
    /// `Invalid` for an empty name, one of more than 200 characters, a reason of more than 1000, a tab, or
    /// [a hidden character](nprt_core::model::find_hidden) in either; line breaks may stand in a reason alone.
    pub fn new(name: impl Into<String>, reason: impl Into<String>) -> Result<Self> {
        let caller = Self { name: name.into(), reason: reason.into(), judgement: None };
        if caller.name.trim().is_empty()
            || caller.name.chars().count() > 200
            || caller.name.contains(['\n', '\t'])
            || find_hidden(&caller.name).is_some()
        {
            return Err(Error::invalid("pipeline.caller", "expected 1 to 200 characters, on one line")
                .with("caller", format_args!("{:?}", caller.name)));
        }
        if caller.reason.chars().count() > 1000 {
            return Err(Error::invalid("pipeline.caller", "expected a reason of at most 1000 characters"));
        }
        let hidden = find_hidden(&caller.reason).or_else(|| caller.reason.contains('\t').then_some('\t'));
        if let Some(hidden) = hidden {
            let message = "expected a reason without control characters and invisible ones";
            return Err(Error::invalid("pipeline.caller", message)
                .with("character", format_args!("U+{:04X}", u32::from(hidden))));
        }
        Ok(caller)
    }

    /// Who asked, as the cluster keeps it: others can write there, too, so that it is made fit to be shown.
    pub(crate) fn recorded(name: &str, reason: &str) -> Result<Self> {
        let fit = |text: &str| shown(text).replace('\t', " ");
        Self::new(fit(name), fit(reason))
    }

    /// The same, knowing what the canary's metrics said last, if anything. It is told with a promotion or a rollback
    /// of that very canary, and with nothing else; it decides nothing.
    #[must_use]
    pub fn knowing(self, judgement: impl Into<Option<Arc<Judgement>>>) -> Self {
        Self { judgement: judgement.into(), ..self }
    }

    pub(crate) fn judgement(&self) -> Option<&Judgement> {
        self.judgement.as_deref()
    }

    /// Who asks.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Why.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }
}
