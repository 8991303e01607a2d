use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::Stream;
use nprt_compare::Decision;
use nprt_core::model::{ImageName, ObjectId, Revision, Tag};
use nprt_core::ports::Change;
use serde::Serialize;
use tokio::sync::mpsc;

/// How many pods a message names.
pub(crate) const NAMED: usize = 5;

/// One step of an operation, as it happens.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// Another operation holds the service's lease, and the caller asked to wait.
    WaitingForLease {
        /// Who holds it, for what and since when.
        holder: String,
        /// How long it waits at the most.
        seconds: u64,
    },
    /// The service's lease is held: nobody else changes it now.
    Leased {
        /// Grows with each holder.
        epoch: u64,
    },
    /// The version is known to version control.
    Resolved {
        /// Its revision.
        revision: Revision,
        /// Who wrote it.
        author: String,
        /// The first line of its message.
        subject: String,
    },
    /// The manifests were read.
    ManifestsRead {
        /// How many objects there are.
        objects: usize,
    },
    /// Images of the version are not in the registry yet.
    WaitingForImages {
        /// Those that miss it.
        images: Vec<ImageName>,
        /// The version.
        revision: Revision,
        /// How long until it looks again.
        seconds: u64,
    },
    /// Every image that needs it has this tag.
    Tagged {
        /// The tag.
        tag: Tag,
        /// How many images.
        images: usize,
    },
    /// The cluster would accept every object.
    Validated {
        /// How many objects.
        objects: usize,
    },
    /// An object was applied.
    Applied {
        /// The object.
        object: ObjectId,
        /// What became of it.
        change: Change,
    },
    /// An object was put back to what it was before a deploy that was not finished, or a route to what it was
    /// before a canary got requests by it.
    PutBack {
        /// The object.
        object: ObjectId,
    },
    /// An object of a canary was removed, a Job of an earlier version, or what a deploy made that was not
    /// finished.
    Removed {
        /// The object.
        object: ObjectId,
    },
    /// A canary was removed, and pods of it are still ending. The next version starts after them.
    PodsEnding {
        /// The pods.
        pods: Vec<ObjectId>,
        /// How long they are waited for at the most; a rollback does not wait: 0.
        seconds: u64,
    },
    /// A canary's workload was brought in step with stable's.
    Scaled {
        /// The workload.
        workload: ObjectId,
        /// The replicas that it had.
        from: u64,
        /// The replicas that it has.
        to: u64,
    },
    /// An object that the manifests no longer hold was deleted.
    Pruned {
        /// The object.
        object: ObjectId,
    },
    /// A workload's pods are being replaced, or a Job runs.
    Rollout {
        /// The workload.
        workload: ObjectId,
        /// Pods of this version.
        updated: u64,
        /// Pods wanted.
        desired: u64,
        /// How it stands, in words.
        message: String,
    },
    /// A metric was read for the comparison.
    Measured {
        /// The metric.
        metric: nprt_core::model::MetricName,
        /// How many blocks count.
        blocks: usize,
        /// How many do not: they are of another version.
        ignored: usize,
    },
    /// The canary was compared with stable.
    Judged {
        /// What it says.
        #[serde(flatten)]
        decision: Decision,
        /// Why, in a sentence.
        reason: String,
    },
    /// What a person should know.
    Warning {
        /// What.
        message: String,
    },
}

/// Where an operation tells its steps.
#[derive(Debug, Clone, Default)]
pub struct Progress(Option<mpsc::UnboundedSender<Event>>);

/// The steps of an operation, in order.
#[derive(Debug)]
pub struct Events(mpsc::UnboundedReceiver<Event>);

/// The first of the pods by name, and how many more there are.
pub(crate) fn names(pods: &[ObjectId]) -> String {
    let first: Vec<&str> = pods.iter().take(NAMED).map(|pod| pod.name.as_str()).collect();
    match pods.len().saturating_sub(NAMED) {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WaitingForLease { holder, seconds } => write!(f, "waits at most {seconds} s for {holder}"),
            Self::Leased { epoch } => write!(f, "holds the lease (epoch {epoch})"),
            Self::Resolved { revision, author, subject } => {
                write!(f, "version {}: {subject} ({author})", revision.short())
            }
            Self::ManifestsRead { objects } => write!(f, "read {objects} objects"),
            Self::WaitingForImages { images, revision, seconds } => {
                let images: Vec<String> = images.iter().map(ToString::to_string).collect();
                write!(f, "waits {seconds} s for {} of {}", images.join(", "), revision.short())
            }
            Self::Tagged { tag, images: 0 } => write!(f, "the version is {tag}; no image takes its tag"),
            Self::Tagged { tag, images: 1 } => write!(f, "found the tag {tag} on 1 image"),
            Self::Tagged { tag, images } => write!(f, "found the tag {tag} on {images} images"),
            Self::Validated { objects } => write!(f, "the cluster accepts all {objects} objects"),
            Self::Applied { object, change } => write!(f, "{object} {}", change.as_str()),
            Self::PutBack { object } => write!(f, "{object} put back"),
            Self::Removed { object } => write!(f, "{object} removed"),
            Self::PodsEnding { pods, seconds: 0 } => {
                write!(f, "pods of the canary are still ending: {}", names(pods))
            }
            Self::PodsEnding { pods, seconds } => {
                write!(f, "waits at most {seconds} s for pods of the canary before to end: {}", names(pods))
            }
            Self::Scaled { workload, from, to } => {
                write!(f, "{workload} scaled from {from} to {to}, in step with stable")
            }
            Self::Pruned { object } => write!(f, "{object} pruned"),
            Self::Rollout { workload, message, .. } => write!(f, "{workload}: {message}"),
            Self::Measured { metric, blocks, ignored: 0 } => write!(f, "read {blocks} blocks of {metric}"),
            Self::Measured { metric, blocks, ignored } => {
                write!(f, "read {blocks} blocks of {metric}, and {ignored} of other versions")
            }
            Self::Judged { decision, reason } => write!(f, "{decision}: {reason}"),
            Self::Warning { message } => write!(f, "warning: {message}"),
        }
    }
}

impl Progress {
    /// Tells nobody.
    #[must_use]
    pub fn silent() -> Self {
        Self::default()
    }

    /// Tells the stream, which ends when every copy of the progress is gone. A stream that was dropped stops
    /// nothing.
    #[must_use]
    pub fn stream() -> (Self, Events) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self(Some(sender)), Events(receiver))
    }

    pub(crate) fn tell(&self, event: Event) {
        tracing::debug!(%event, "pipeline");
        if let Some(sender) = &self.0 {
            // Nobody listens any more: the operation goes on.
            let _ = sender.send(event);
        }
    }

    pub(crate) fn warn(&self, message: impl Into<String>) {
        self.tell(Event::Warning { message: message.into() });
    }
}

impl Stream for Events {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Event>> {
        self.0.poll_recv(context)
    }
}
