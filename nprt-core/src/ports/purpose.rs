//! What a lease is held for: as data, and in words for people.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What an operation on a service does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Task {
    /// Makes a version stable.
    Deploy,
    /// Starts a canary.
    Canary,
    /// Makes the canary's version stable.
    Promotion,
    /// Removes the canary, and undoes a change that is under way.
    Rollback,
    /// Removes a canary whose time is over.
    Expiry,
    /// Finishes or undoes what another process left, and does what else is due.
    Recovery,
    /// Does what is due for the service.
    Upkeep,
    /// Saves what the judge of the canary knows.
    Checkpoint,
    /// Marks the canary as one that a person has to decide about.
    Note,
    /// Stops automatic decisions about the canary.
    Hold,
    /// Allows them again.
    Resumption,
    /// Something that only its [text](Purpose::text) says, such as of another version of nprt.
    Other,
}

impl Task {
    const ALL: [Self; 12] = [
        Self::Deploy,
        Self::Canary,
        Self::Promotion,
        Self::Rollback,
        Self::Expiry,
        Self::Recovery,
        Self::Upkeep,
        Self::Checkpoint,
        Self::Note,
        Self::Hold,
        Self::Resumption,
        Self::Other,
    ];

    /// Its name, as Leases and JSON have it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deploy => "deploy",
            Self::Canary => "canary",
            Self::Promotion => "promotion",
            Self::Rollback => "rollback",
            Self::Expiry => "expiry",
            Self::Recovery => "recovery",
            Self::Upkeep => "upkeep",
            Self::Checkpoint => "checkpoint",
            Self::Note => "note",
            Self::Hold => "hold",
            Self::Resumption => "resumption",
            Self::Other => "other",
        }
    }

    /// The task of that name; [`Task::Other`] where it is unknown.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self::ALL.into_iter().find(|task| task.as_str() == name).unwrap_or(Self::Other)
    }

    /// Whether it takes a moment, so that others wait for it rather than being refused.
    #[must_use]
    pub fn is_brief(self) -> bool {
        matches!(self, Self::Upkeep | Self::Checkpoint | Self::Note | Self::Hold | Self::Resumption)
    }

    fn noun(self) -> &'static str {
        match self {
            Self::Deploy => "deploy",
            Self::Canary => "canary",
            Self::Promotion => "promotion",
            Self::Rollback => "rollback",
            Self::Expiry => "removal of the expired canary",
            Self::Recovery => "recovery",
            Self::Upkeep => "upkeep",
            Self::Checkpoint => "checkpoint",
            Self::Note => "note",
            Self::Hold => "hold",
            Self::Resumption => "resumption",
            Self::Other => "operation",
        }
    }

    /// What somebody is doing; some of them to a version, which follows.
    fn activity(self) -> (&'static str, &'static str) {
        match self {
            Self::Deploy => ("deploying", "a version"),
            Self::Canary => ("starting a canary of", "a version"),
            Self::Promotion => ("promoting", "the canary"),
            Self::Rollback => ("rolling back", ""),
            Self::Expiry => ("removing the expired canary", ""),
            Self::Recovery => ("finishing or undoing the interrupted change to", "a version"),
            Self::Upkeep => ("doing the service's upkeep", ""),
            Self::Checkpoint => ("saving what the canary's judge knows", ""),
            Self::Note => ("marking the canary as undecided", ""),
            Self::Hold => ("putting the canary on hold", ""),
            Self::Resumption => ("resuming the canary", ""),
            Self::Other => ("changing the service", ""),
        }
    }
}

/// What a service's lease is held for, and for whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purpose {
    /// What is done.
    pub task: Task,
    /// The person or tool that asked; `None` where that is unknown.
    pub by: Option<String>,
    /// The version as requested: a tag, or `commit 3f2a91c`.
    pub version: Option<String>,
    /// What a lease of another version of nprt says instead.
    pub text: Option<String>,
}

impl Purpose {
    /// `task`, which `by` asked for.
    #[must_use]
    pub fn new(task: Task, by: impl Into<String>) -> Self {
        Self { task, by: Some(by.into()), version: None, text: None }
    }

    /// The same, about `version`.
    #[must_use]
    pub fn of(self, version: impl Into<String>) -> Self {
        Self { version: Some(version.into()), ..self }
    }

    /// One of which only the words are known.
    #[must_use]
    pub fn unknown(text: impl Into<String>) -> Self {
        Self { task: Task::Other, by: None, version: None, text: Some(text.into()) }
    }

    /// Who is doing what: `ada is deploying main-3f2a91c`.
    #[must_use]
    pub fn activity(&self) -> String {
        if let Some(text) = &self.text {
            return format!("an operation is under way: {text}");
        }
        let by = self.by.as_deref().unwrap_or("somebody");
        let (what, unnamed) = self.task.activity();
        let version = self.version.as_deref().unwrap_or(unnamed);
        match (unnamed, version) {
            ("", _) | (_, "") => format!("{by} is {what}"),
            (_, version) => format!("{by} is {what} {version}"),
        }
    }
}

impl fmt::Display for Purpose {
    /// What it is, by whom: `deploy of main-3f2a91c by ada`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(text) = &self.text {
            return f.write_str(text);
        }
        f.write_str(self.task.noun())?;
        if let Some(version) = &self.version {
            write!(f, " of {version}")?;
        }
        match &self.by {
            Some(by) => write!(f, " by {by}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_task_is_known_by_its_name() {
        for task in Task::ALL {
            assert_eq!(Task::named(task.as_str()), task);
            assert_eq!(serde_json::to_value(task).unwrap(), task.as_str());
        }
        assert_eq!(Task::named("of a later version"), Task::Other);
    }

    #[test]
    fn a_purpose_says_who_does_what() {
        let deploy = Purpose::new(Task::Deploy, "ada").of("main-3f2a91c");
        assert_eq!(deploy.to_string(), "deploy of main-3f2a91c by ada");
        assert_eq!(deploy.activity(), "ada is deploying main-3f2a91c");
        let canary = Purpose::new(Task::Canary, "ci").of("commit 3f2a91c");
        assert_eq!(canary.activity(), "ci is starting a canary of commit 3f2a91c");
        let rollback = Purpose::new(Task::Rollback, "ada");
        assert_eq!(
            (rollback.to_string(), rollback.activity()),
            ("rollback by ada".to_owned(), "ada is rolling back".to_owned())
        );
        let old = Purpose::unknown("deploy of tag main-1 by ci");
        assert_eq!(old.to_string(), "deploy of tag main-1 by ci");
        assert_eq!(old.activity(), "an operation is under way: deploy of tag main-1 by ci");
    }
}
