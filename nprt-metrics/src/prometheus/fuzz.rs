use nprt_core::model::MetricName;

use super::PrometheusConfig;
use super::buckets::histograms;
use super::client::{Points, series};
use super::series::read;
use crate::assemble::{Assembly, Line};

/// Reads `answer` as that of a range query, and makes blocks of every shape of it. It is for fuzzing: it must not panic.
#[doc(hidden)]
pub fn fuzz_answer(answer: &[u8]) {
    let (Ok(metric), labels) = (MetricName::new("fuzz"), PrometheusConfig::new("").labels) else { return };
    let Ok(all) = series(answer, Points { left: 10_000, most: 10_000 }) else { return };
    let lines = |part| all.iter().map(|series| read(&labels, series, part)).collect::<Result<Vec<Line>, _>>();
    let assembly = Assembly { metric: &metric, max_blocks: 10_000 };
    let _ = lines(Some("le")).map(|lines| histograms(assembly, &lines));
    let _ = lines(Some(&labels.class)).map(|lines| assembly.classes(&lines));
    let _ = lines(None).map(|lines| (assembly.values(&lines), assembly.requests(&lines, &lines)));
}
