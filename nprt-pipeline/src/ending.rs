//! The pods of a canary end after its workloads are gone. Whatever starts another version waits for that, so
//! that never three versions run; a rollback does not.

use std::time::Duration;

use nprt_core::model::{ObjectId, Track};
use nprt_core::{Error, ErrorKind, Result};

use super::job::Job;
use super::progress::Event;

/// The first pause between two looks, and the longest; each is twice as long as the one before.
const PAUSES: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(2));

/// How many pods a message names.
const NAMED: usize = 5;

impl Job<'_> {
    /// Waits until no pod of a canary is left, for at most as long as a rollout may take.
    ///
    /// # Errors
    /// `Timeout`, with the pods, when some are left; those of the cluster.
    pub(super) async fn wait_for_the_end_of_pods(&self) -> Result<()> {
        let (began, (mut pause, longest)) = (self.clock.elapsed(), PAUSES);
        let mut told = Vec::new();
        loop {
            let pods = self.again(|| self.ports.cluster.pods(&self.service.name, Track::Canary)).await?;
            if pods.is_empty() {
                return Ok(());
            }
            let waited = self.clock.elapsed().saturating_sub(began);
            let left = self.settings.rollout().saturating_sub(waited);
            if left.is_zero() {
                let message =
                    "pods of the canary before do not end, and a third version would run beside them";
                return Err(Error::new(ErrorKind::Timeout, "pipeline.pods", message)
                    .with("waited", format_args!("{} s", waited.as_secs()))
                    .with("pods", names(&pods)));
            }
            if told != pods {
                self.progress.tell(Event::PodsEnding { pods: pods.clone(), seconds: left.as_secs() });
                told = pods;
            }
            self.clock.sleep(pause.min(left)).await;
            pause = (pause * 2).min(longest);
        }
    }

    /// The pods of the canary that are left, which nobody waits for. Not to know them is no failure.
    pub(super) async fn ending_pods(&self) -> Vec<ObjectId> {
        match self.ports.cluster.pods(&self.service.name, Track::Canary).await {
            Ok(pods) => {
                if !pods.is_empty() {
                    self.progress.tell(Event::PodsEnding { pods: pods.clone(), seconds: 0 });
                }
                pods
            }
            Err(error) => {
                self.progress.warn(format!("whether pods of the canary are left is not known: {error}"));
                Vec::new()
            }
        }
    }
}

/// The first of the pods by name, and how many more there are.
pub(super) fn names(pods: &[ObjectId]) -> String {
    let first: Vec<&str> = pods.iter().take(NAMED).map(|pod| pod.name.as_str()).collect();
    match pods.len().saturating_sub(NAMED) {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}
