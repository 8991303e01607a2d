use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::Step;
use super::event::Phase;

/// A line for each phase, which spins while it lasts, and a bar for each workload that rolls out.
#[derive(Debug)]
pub(crate) struct Bars {
    all: MultiProgress,
    phase: Option<(Phase, ProgressBar)>,
    workloads: BTreeMap<String, ProgressBar>,
    warned: BTreeSet<String>,
}

impl Bars {
    pub(super) fn new() -> Self {
        Self { all: MultiProgress::new(), phase: None, workloads: BTreeMap::new(), warned: BTreeSet::new() }
    }

    pub(super) fn step(&mut self, step: &Step) {
        if step.is_warning() {
            if self.warned.insert(step.text()) {
                // Above the bars; a terminal that is gone needs no warning.
                let _ = self.all.println(step.text());
            }
            return;
        }
        if let Some(phase) = step.phase()
            && self.phase.as_ref().is_none_or(|(now, _)| *now != phase)
        {
            self.finish_phase("✓");
            let bar = self.all.add(ProgressBar::new_spinner().with_style(spinner()));
            bar.set_prefix(phase.as_str());
            bar.enable_steady_tick(Duration::from_millis(120));
            self.phase = Some((phase, bar));
        }
        match step.rollout() {
            Some((workload, updated, desired)) => self.rollout(workload, updated, desired),
            None => {
                if let Some((_, bar)) = &self.phase {
                    bar.set_message(step.text());
                }
            }
        }
    }

    fn rollout(&mut self, workload: String, updated: u64, desired: u64) {
        let bar = self.workloads.entry(workload).or_insert_with_key(|workload| {
            let bar = self.all.add(ProgressBar::new(desired).with_style(pods()));
            bar.set_prefix(workload.clone());
            bar
        });
        bar.set_length(desired);
        bar.set_position(updated.min(desired));
    }

    pub(super) fn end(mut self, done: bool) {
        self.finish_phase(if done { "✓" } else { "✗" });
        for bar in self.workloads.values() {
            bar.abandon();
        }
    }

    fn finish_phase(&mut self, mark: &str) {
        if let Some((phase, bar)) = self.phase.take() {
            bar.set_prefix(format!("{mark} {}", phase.as_str()));
            bar.set_style(finished());
            bar.abandon();
        }
    }
}

/// The templates are constants; where one were wrong, indicatif's own would show.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

fn spinner() -> ProgressStyle {
    style("{spinner} {prefix:<8} {wide_msg}")
}

fn finished() -> ProgressStyle {
    style("{prefix:<10} {wide_msg}")
}

fn pods() -> ProgressStyle {
    style("  {prefix:<36} [{bar:24}] {pos}/{len} pods").progress_chars("=> ")
}
