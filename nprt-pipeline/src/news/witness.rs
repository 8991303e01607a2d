//! What an operation has seen and done, of which its news and its event speak at the end.

use nprt_core::Result;
use nprt_core::model::Object;

use crate::context::Context;
use crate::news::about::About;
use crate::news::subject::Subject;
use crate::state::snapshot;
use crate::state::snapshot::Snapshot;

/// What the cluster answered with while the operation ran, so that telling of it costs no request.
#[derive(Debug, Default)]
pub(crate) struct Witness {
    /// Where its event is written.
    pub(crate) subject: Subject,
    /// Which canary its news are about.
    pub(crate) about: About,
}

impl Witness {
    /// Looks at what runs now, and notes what ran when it was first looked at.
    pub(crate) async fn look(&self, cx: &Context<'_>) -> Result<Snapshot> {
        snapshot::read(cx).await.map(|live| self.note(live))
    }

    /// The same, and at what is beside it.
    pub(crate) async fn look_around(&self, cx: &Context<'_>) -> Result<Snapshot> {
        snapshot::survey(cx).await.map(|live| self.note(live))
    }

    fn note(&self, live: Snapshot) -> Snapshot {
        self.subject.saw(&live);
        self.about.saw(&live);
        live
    }

    /// Notes an object as the cluster has it after a write.
    pub(crate) fn applied(&self, object: &Object) {
        self.subject.applied(object);
        self.about.applied(object);
    }
}
