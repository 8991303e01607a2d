//! Whoever judges the runs of the table.

use crate::Failure;
use crate::figures::Figures;
use crate::ours::{self, Ours};
use crate::outcome::Outcome;
use crate::peers::Peer;
use crate::run::Run;

/// The policy that the bounds are held against.
pub(crate) const OURS: &str = "default";

/// Whom the table compares it with.
pub(crate) fn others() -> Vec<String> {
    ["method"].into_iter().chain(Peer::NAMES).map(str::to_owned).collect()
}

#[derive(Debug)]
pub(crate) struct Contestant {
    pub(crate) name: String,
    judge: Judge,
}

#[derive(Debug)]
enum Judge {
    Library(Ours),
    Peer(Peer),
}

impl Contestant {
    /// A peer, a policy of the library or a YAML file of one.
    pub(crate) fn named(name: &str) -> Result<Self, Failure> {
        let judge = match Peer::named(name) {
            Some(peer) => Judge::Peer(peer),
            None => Judge::Library(Ours { policy: ours::policy(name)?, history: true, every: 1 }),
        };
        Ok(Self { name: name.to_owned(), judge })
    }

    pub(crate) fn judge(&self, run: &Run, figures: &Figures) -> Result<Outcome, Failure> {
        match &self.judge {
            Judge::Library(ours) => ours.judge(run),
            Judge::Peer(peer) => Ok(Outcome { regression: peer.regression(figures), ..Outcome::default() }),
        }
    }

    /// Others promote when their time is up: a pass is nothing that they find.
    pub(crate) fn offers_pass(&self) -> bool {
        matches!(self.judge, Judge::Library(_))
    }
}
