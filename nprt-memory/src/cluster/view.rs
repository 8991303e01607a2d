use std::fmt;

use nprt_core::model::{ObjectId, annotation, label};
use nprt_core::ports::RolloutStatus;

use super::state::Stored;

/// What runs in the cluster: its workloads, as a table when it prints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterView {
    /// The workloads, by kind and name.
    pub workloads: Vec<WorkloadView>,
}

/// A workload and what it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkloadView {
    /// Which.
    pub id: ObjectId,
    /// Its label `track`.
    pub track: Option<String>,
    /// Its annotation `nprt.dev/tag`.
    pub tag: Option<String>,
    /// Its annotation `nprt.dev/revision`.
    pub revision: Option<String>,
    /// The images of its containers.
    pub images: Vec<String>,
    /// How often its pods were made: 1 after it was created, and one more with each new pod template.
    pub rollouts: u64,
    /// Its pods.
    pub status: RolloutStatus,
}

impl WorkloadView {
    pub(super) fn new(stored: &Stored, rollouts: u64, status: RolloutStatus) -> Self {
        let object = &stored.object;
        let containers = object.as_value().pointer("/spec/template/spec/containers");
        let images = containers.and_then(|list| list.as_array()).into_iter().flatten();
        Self {
            id: object.id(),
            track: object.label(label::TRACK).map(str::to_owned),
            tag: object.annotation(annotation::TAG).map(str::to_owned),
            revision: object.annotation(annotation::REVISION).map(str::to_owned),
            images: images.filter_map(|c| c.get("image")?.as_str().map(str::to_owned)).collect(),
            rollouts,
            status,
        }
    }
}

impl fmt::Display for ClusterView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.workloads.iter().map(|w| w.id.name.len() + w.id.kind.len() + 1).max().unwrap_or(0);
        writeln!(f, "{:width$}  {:6}  {:>5}  VERSION", "WORKLOAD", "TRACK", "READY")?;
        for workload in &self.workloads {
            let name = format!("{}/{}", workload.id.kind, workload.id.name);
            let ready = format!("{}/{}", workload.status.ready, workload.status.desired);
            let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
            let (track, tag) = (or_dash(&workload.track), or_dash(&workload.tag));
            writeln!(f, "{name:width$}  {track:6}  {ready:>5}  {tag}")?;
        }
        Ok(())
    }
}
