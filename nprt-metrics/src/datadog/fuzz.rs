use nprt_core::model::{MetricName, Secret};
use nprt_core::ports::Measured;

use super::DatadogConfig;
use super::backend::read;
use super::client::{Points, columns};
use crate::assemble::Assembly;

/// Reads `answer` as that of a query of timeseries, and makes blocks of every shape of it. It is for fuzzing: it must not
/// panic.
#[doc(hidden)]
pub fn fuzz_answer(answer: &[u8]) {
    let tags = DatadogConfig::new(Secret::new("a"), Secret::new("b")).tags;
    let Ok(metric) = MetricName::new("fuzz") else { return };
    let Ok(columns) = columns(answer, Points { left: 10_000, most: 10_000 }, &[]) else { return };
    let mut lines = [Vec::new(), Vec::new()];
    if read(&tags, &columns, Some(&tags.class), &mut lines).is_ok() {
        let [lines, errors] = lines;
        let assembly = Assembly { metric: &metric, max_blocks: 10_000 };
        let mut left = Measured::default();
        let _ = (assembly.values(&lines, &mut left), assembly.classes(&lines, &mut left));
        let _ = assembly.requests(&lines, &errors, &mut left);
    }
}
