//! Watches a canary until it is known whether it is worse.

use std::time::Duration;

use nprt_compare::Decision;
use nprt_core::model::Revision;
use nprt_pipeline::{Judgement, Status};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::read::{self, version};
use super::{Context, name};
use crate::cli::{ServiceArg, WatchArgs};
use crate::failure::{Exit, Failure, Result};
use crate::figures;
use crate::output;

/// How many looks in a row may fail before it gives up: a server that restarts is back by then.
const FAILURES: usize = 5;

/// Watches as `depctl watch` does without options.
pub(super) async fn until_verdict(context: &Context, service: &str) -> Result<Exit> {
    let service = ServiceArg { service: Some(service.to_owned()) };
    run(context, WatchArgs { service, interval: 10, timeout: None, once: false }).await
}

pub(super) async fn run(context: &Context, arguments: WatchArgs) -> Result<Exit> {
    let service = name(arguments.service)?;
    let began = Instant::now();
    let mut watch = Watch { context, service, said: String::new(), seen: None, failures: 0 };
    loop {
        if let Some(exit) = watch.look().await? {
            return Ok(exit);
        }
        let over = arguments.timeout.is_some_and(|seconds| began.elapsed() >= Duration::from_secs(seconds));
        if (arguments.once || over) && watch.failures == 0 {
            return watch.inconclusive();
        }
        if over {
            return Err(Failure::new(Exit::Unreachable, "the server did not answer until the time was over"));
        }
        sleep(Duration::from_secs(arguments.interval)).await;
    }
}

struct Watch<'c> {
    context: &'c Context,
    service: String,
    /// What was printed last: nothing is repeated.
    said: String,
    /// The last judgement, and its revision.
    seen: Option<(Value, Revision)>,
    failures: usize,
}

impl Watch<'_> {
    /// Looks once; `None` while it is not known.
    async fn look(&mut self) -> Result<Option<Exit>> {
        let value = match self.context.client.get(&[&self.service, "canary"]).await {
            Ok(value) => value,
            Err(failure) if failure.status() == Some(404) && self.seen.is_some() => {
                return self.gone().await.map(Some);
            }
            Err(failure) if failure.exit == Exit::Unreachable && self.seen.is_some() => {
                self.failures += 1;
                if self.failures >= FAILURES {
                    return Err(failure);
                }
                self.context.output.note(&format!("warning: {failure}"));
                return Ok(None);
            }
            // Its time is over, and nobody promoted it.
            Err(failure) if failure.status() == Some(409) => {
                self.print()?;
                return Err(Failure { exit: Exit::Inconclusive, ..failure });
            }
            Err(failure) => return Err(failure),
        };
        self.failures = 0;
        let judgement: Judgement = output::read(value.clone())?;
        if let Some((_, revision)) = &self.seen
            && *revision != judgement.revision
        {
            let message = format!("another version is the canary of {} now: {}", self.service, judgement.tag);
            return Err(Failure::new(Exit::Inconclusive, message));
        }
        self.seen = Some((value, judgement.revision.clone()));
        let exit = match &judgement.verdict.decision {
            Decision::Pass => Exit::Success,
            Decision::Regression => Exit::Regression,
            Decision::Inconclusive { .. } => {
                let said = figures::sentence(&judgement.verdict.decision, &judgement.verdict.reason);
                if said != self.said {
                    self.context.output.note(&said);
                    self.said = said;
                }
                return Ok(None);
            }
        };
        self.print()?;
        Ok(Some(exit))
    }

    /// Prints the last judgement.
    fn print(&self) -> Result<()> {
        let Some((value, _)) = &self.seen else { return Ok(()) };
        self.context.output.answer(value.clone(), |judgement: &Judgement| {
            let Judgement { service, tag, started, verdict, drift, .. } = judgement;
            let of = crate::clean::line(&format!("{service}: {tag} since {started}"));
            format!("{of}\n{}{}", read::drift(drift), figures::verdict(verdict))
        })
    }

    fn inconclusive(&self) -> Result<Exit> {
        self.print()?;
        Ok(Exit::Inconclusive)
    }

    /// The canary is gone: somebody, or the autopilot, promoted it or rolled it back.
    async fn gone(&self) -> Result<Exit> {
        let value = self.context.client.get(&[&self.service, "status"]).await?;
        let status: Status = output::read(value.clone())?;
        let serving = status.stable.as_ref().and_then(|stable| stable.revision.as_ref());
        let promoted = self.seen.as_ref().is_some_and(|(_, revision)| Some(revision) == serving);
        let (what, exit) =
            if promoted { ("promoted", Exit::Success) } else { ("rolled back", Exit::Regression) };
        // The last judgement is not what decided, and would be taken for it.
        self.context.output.answer(value, |status: &Status| {
            format!("the canary was {what}: {} serves\n", version(status.stable.as_ref()))
        })?;
        Ok(exit)
    }
}
