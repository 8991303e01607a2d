use nprt_core::model::{Secret, ServiceName, TimeRange};
use nprt_core::ports::{Measured, MetricQuery, Versions};

use super::client::Points;
use super::read::{Reader, note_interval};
use super::shape::blocks;
use super::{DatadogConfig, v1, v2};
use crate::assemble::Assembly;

/// Reads `answer` as that of either version's query of timeseries, and makes blocks of every shape of it. It is for
/// fuzzing: it must not panic.
#[doc(hidden)]
pub fn fuzz_answer(answer: &[u8]) {
    let config = DatadogConfig::new(Secret::new("a"), Secret::new("b"));
    let (Ok(service), Ok(range)) =
        (ServiceName::new("fuzz"), TimeRange::new(jiff::Timestamp::UNIX_EPOCH, jiff::Timestamp::MAX))
    else {
        return;
    };
    let most = Points { left: 10_000, most: 10_000 };
    for answer in [v2::answer(answer, most, &[]), v1::answer(answer, 0, most, &[])] {
        let Ok(mut answer) = answer else { continue };
        note_interval(&mut answer.series);
        for (name, metric) in &config.metrics {
            let query = MetricQuery {
                service: service.clone(),
                metric: name.clone(),
                range,
                versions: Versions::default(),
            };
            let (mut measured, minutes) = (Measured::default(), i64::MIN..i64::MAX);
            let mut reader = Reader::new(&config.tags, &query, &minutes, &mut measured);
            let assembly = Assembly { metric: name, max_blocks: 10_000 };
            let _ = blocks(metric, assembly, &mut reader, &answer.series);
            reader.finish();
        }
    }
}
