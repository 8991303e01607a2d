//! The lease of a service: who may change it.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::purpose::{Purpose, Task};
use crate::model::{Digest, ServiceName};
use crate::{Error, ErrorKind, Result};

/// Asks for a service's lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseRequest {
    /// The service.
    pub service: ServiceName,
    /// Who asks: unique to this operation, such as host, process and a number. No message shows it.
    pub holder: String,
    /// The public name of the process that asks: its host or pod.
    pub process: String,
    /// What for, and for whom.
    pub purpose: Purpose,
    /// How long the lease lasts without renewal, at most [`LONGEST`](Self::LONGEST).
    pub duration: Duration,
    /// What to do where somebody holds it.
    pub takeover: Takeover,
}

impl LeaseRequest {
    /// How long a lease may last without renewal. No longer one is believed, so that a dead holder's lease is free
    /// after that, whatever somebody wrote on it.
    pub const LONGEST: Duration = Duration::from_secs(3600);

    /// Validates it.
    ///
    /// # Errors
    /// `Invalid`, naming the field.
    pub fn check(&self, operation: &'static str) -> Result<()> {
        let invalid = |field: &'static str, why: String| {
            Error::invalid(operation, why).with("service", &self.service).with("field", field)
        };
        if self.holder.is_empty() {
            return Err(invalid("holder", "expected a holder".to_owned()));
        }
        if self.duration.is_zero() || self.duration > Self::LONGEST {
            let why = format!("expected a duration of up to {} seconds", Self::LONGEST.as_secs());
            return Err(invalid("duration", why).with("seconds", self.duration.as_secs()));
        }
        Ok(())
    }
}

/// What to do where somebody else holds the lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Takeover {
    /// Take it only after it expired.
    WhenExpired,
    /// Take it at once: for a rollback, which cancels what is under way. A [transition](Lease::transition) on the lease
    /// is marked to be [undone](Transition::back) from then on, even if the rollback fails.
    Now,
}

/// A lease in hand, or as read from the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The service.
    pub service: ServiceName,
    /// Who holds it, as programs know it.
    pub holder: String,
    /// The process that holds it, as people know it.
    pub process: String,
    /// What for, and for whom.
    pub purpose: Purpose,
    /// Grows with each new holder: a write under an older epoch is refused.
    pub epoch: u64,
    /// Since when.
    pub acquired: Timestamp,
    /// When it was last renewed.
    pub renewed: Timestamp,
    /// How long it lasts without renewal.
    pub duration: Duration,
    /// How much longer it counts as held unless it is renewed, as whoever read it has [seen](super::Sightings).
    pub left: Duration,
    /// A change of version that an earlier holder began and did not end. What it recorded of it may be there.
    pub transition: Option<Transition>,
}

/// Between which versions a service is being changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transition {
    /// What was stable, in words.
    pub from: String,
    /// The revision that should run.
    pub to: String,
    /// Whether the change is being undone: the next holder of the lease continues to undo it, and does not finish it.
    pub back: bool,
    /// What its holder has recorded of it, or was about to record, each by its SHA-256. No other record is believed,
    /// whoever left it.
    pub records: Vec<Digest>,
}

/// What is being done to a service, for people and programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activity {
    /// The operation in a sentence: `ada is deploying main-3f2a91c`.
    pub summary: String,
    /// What is done.
    pub task: Task,
    /// Who asked for it.
    pub by: Option<String>,
    /// The version as requested.
    pub version: Option<String>,
    /// Since when.
    pub since: Timestamp,
    /// The host or pod that runs it.
    pub process: String,
}

impl Lease {
    /// Whether its holder may be dead: it is not renewed any more, as far as the clocks of two machines say at `now`.
    fn is_silent(&self, now: Timestamp) -> bool {
        let ended = self.renewed.checked_add(self.duration).is_ok_and(|end| end < now);
        ended || self.left < self.duration / 2
    }

    /// What is being done under it.
    #[must_use]
    pub fn activity(&self) -> Activity {
        let Purpose { task, by, version, .. } = self.purpose.clone();
        let (summary, process) = (self.purpose.activity(), self.process.clone());
        Activity { summary, task, by, version, since: self.acquired, process }
    }
}

impl fmt::Display for Lease {
    /// Who does what, since when and where: `ada is deploying main-3f2a91c (since 14:02:11 UTC, on deployer-7d9f)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { purpose, acquired, process, .. } = self;
        write!(f, "{} (since {} UTC", purpose.activity(), acquired.strftime("%H:%M:%S"))?;
        if !process.is_empty() {
            write!(f, ", on {process}")?;
        }
        f.write_str(")")
    }
}

/// The source of a `Conflict` that says who holds a lease, or has held it since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Busy(pub Lease);

impl Busy {
    /// The refusal at `now` of a lease that another holds: `holder`. Where it is not renewed any more, it says since when
    /// and how long to wait.
    #[must_use]
    pub fn refusal(operation: &'static str, holder: &Lease, now: Timestamp) -> Error {
        let mut message = format!("the service is busy: {holder}");
        if holder.is_silent(now) {
            let (renewed, left) = (holder.renewed.strftime("%H:%M:%S"), holder.left.as_secs_f64().ceil());
            message += &format!(
                "; it may be dead since {renewed} UTC, when it last renewed its lease: ask with a wait of {left} s or \
                 more, and the lease is free"
            );
        }
        Error::new(ErrorKind::Conflict, operation, message)
            .with("service", &holder.service)
            .with_source(Self(holder.clone()))
    }

    /// That a lease is lost: to `holder`, or because its own holder gave it back or a person deleted it.
    #[must_use]
    pub fn lost(operation: &'static str, service: &ServiceName, holder: Option<&Lease>) -> Error {
        let error = |message| Error::new(ErrorKind::Conflict, operation, message).with("service", service);
        match holder {
            Some(holder) => error(format!("another operation took over the lease: {holder}"))
                .with_source(Self(holder.clone())),
            None => error("the lease was released or deleted".to_owned()),
        }
    }

    /// Who holds the lease, as `error` says.
    #[must_use]
    pub fn of(error: &Error) -> Option<&Lease> {
        let source = std::error::Error::source(error)?;
        source.downcast_ref::<Self>().map(|Self(lease)| lease)
    }
}

impl fmt::Display for Busy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Busy {}
