//! The lease of a service: who may change it.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;

use crate::model::ServiceName;

/// Asks for a service's lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseRequest {
    /// The service.
    pub service: ServiceName,
    /// Who asks: unique to this operation, such as host, process and a number.
    pub holder: String,
    /// What for, in words that a second caller reads: `deploy of 3f2a91c by ci`.
    pub purpose: String,
    /// How long the lease lasts without renewal.
    pub duration: Duration,
    /// What to do where somebody holds it.
    pub takeover: Takeover,
}

/// What to do where somebody else holds the lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Takeover {
    /// Take it only after it expired.
    WhenExpired,
    /// Take it at once: a rollback, which cancels what is under way.
    Now,
}

/// A lease in hand, or as read from the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The service.
    pub service: ServiceName,
    /// Who holds it.
    pub holder: String,
    /// What for.
    pub purpose: String,
    /// Grows with each new holder: a write under an older epoch is refused.
    pub epoch: u64,
    /// Since when.
    pub acquired: Timestamp,
    /// When it was last renewed.
    pub renewed: Timestamp,
    /// How long it lasts without renewal.
    pub duration: Duration,
    /// A change of version that an earlier holder began and did not end. What it recorded of it may be there.
    pub transition: Option<Transition>,
}

/// Between which versions a service is being changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transition {
    /// What was stable, in words.
    pub from: String,
    /// The revision that is to be stable.
    pub to: String,
}

impl Lease {
    /// Whether it has run out at `now`.
    #[must_use]
    pub fn is_expired(&self, now: Timestamp) -> bool {
        now.duration_since(self.renewed) >= jiff::SignedDuration::try_from(self.duration).unwrap_or_default()
    }
}

impl fmt::Display for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}) since {}", self.holder, self.purpose, self.acquired)
    }
}
