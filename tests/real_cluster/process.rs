//! nprt as one process has it.

use std::time::Duration;

use nprt::Result;
use nprt::model::{Revision, ServiceName, Track, VersionRef};
use nprt::pipeline::{
    Caller, Deployment, Judgement, Pipeline, Preview, Progress, Request, Rollback, Status, Tended,
};

/// nprt for one service, with a client of its own.
pub(crate) struct Process {
    pub(crate) pipeline: Pipeline,
    pub(crate) service: ServiceName,
}

impl Process {
    pub(crate) async fn deploy(&self, revision: &Revision) -> Result<Deployment> {
        self.pipeline.deploy(&self.service, &request(revision), &Progress::silent()).await
    }

    /// The same, waiting for others.
    pub(crate) async fn deploy_waiting(&self, revision: &Revision, wait: Duration) -> Result<Deployment> {
        self.pipeline.deploy(&self.service, &request(revision).waiting(wait), &Progress::silent()).await
    }

    pub(crate) async fn canary(&self, revision: &Revision) -> Result<Deployment> {
        self.pipeline.canary(&self.service, &request(revision), &Progress::silent()).await
    }

    pub(crate) async fn promote(&self, revision: &Revision) -> Result<Deployment> {
        self.pipeline.promote(&self.service, &request(revision), &Progress::silent()).await
    }

    pub(crate) async fn preview(&self, revision: &Revision, track: Track) -> Result<Preview> {
        self.pipeline.preview(&self.service, &request(revision), track, &Progress::silent()).await
    }

    pub(crate) async fn judge(&self) -> Result<Judgement> {
        self.pipeline.judge_canary(&self.service, &Progress::silent()).await
    }

    pub(crate) async fn expire(&self) -> Result<Option<Rollback>> {
        self.pipeline.expire(&self.service, &caller(), &Progress::silent()).await
    }

    pub(crate) async fn tend(&self) -> Result<Tended> {
        self.pipeline.tend(&self.service, &caller(), &Progress::silent()).await
    }

    pub(crate) async fn rollback(&self) -> Result<Rollback> {
        self.pipeline.rollback(&self.service, &caller(), &Progress::silent()).await
    }

    pub(crate) async fn status(&self) -> Status {
        self.pipeline.status(&self.service).await.unwrap()
    }

    /// What is under way, and for whom.
    pub(crate) async fn operation(&self) -> Option<String> {
        self.pipeline.status(&self.service).await.unwrap().operation
    }
}

fn caller() -> Caller {
    Caller::new("ci", "a test").unwrap()
}

fn request(revision: &Revision) -> Request {
    Request::new(VersionRef::new(Some(&revision.to_string()), None).unwrap(), caller())
}
