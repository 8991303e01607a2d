use nprt_core::model::{Block, BlockData, MetricName, Track};
use nprt_core::{Error, Result};

use super::{Record, RunId};
use crate::kayenta::{MetricSetPair, PairScope, Source, Statistic};

/// Metric-set pairs of Kayenta as the records of one run, ordered by minute, to be judged by a policy; each has the
/// number of its pair, from 1. (To judge them by Kayenta's own scheme and config there is
/// [`kayenta::judge`](crate::kayenta::judge()).)
///
/// Each value is one of its minute ([`BlockData::Value`]); one that is missing is left out. The name of a pair is
/// that of a metric, or one with the statistic `mean`, such as `cpu mean`. What several pairs of a metric are split
/// by stands for the pod. Without scopes the values are those of minute 0, 1, 2, …
///
/// ```
/// use nprt_compare::replay::of_pairs;
///
/// let pairs = serde_json::from_str::<Vec<_>>(
///     r#"[{"name": "cpu", "values": {"control": [0.2, "NaN"], "experiment": [0.3, 0.25]},
///          "scopes": {"control": {"startTimeMillis": 1764000000000, "stepMillis": 60000}}}]"#,
/// )?;
/// let records = of_pairs(&pairs, &"cart".into())?;
/// let line = serde_json::to_string(&records[2].1)?;
/// assert_eq!((records.len(), records[2].0), (3, 1));
/// assert_eq!(line, r#"{"run":"cart","minute":29400001,"track":"canary","metric":"cpu","value":0.25}"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// `Invalid`, naming the pair, for a name that is neither, a step that is not of whole minutes, tracks that begin at
/// different times (a judge compares what happened at the same time), and values that are infinite or negative.
pub fn of_pairs(pairs: &[MetricSetPair], run: &RunId) -> Result<Vec<(u64, Record)>> {
    let mut records = Vec::new();
    for (number, pair) in (1..).zip(pairs) {
        let of_pair = blocks(pair).map_err(|error| error.with("pair", number).with("name", &pair.name))?;
        records.extend(of_pair.into_iter().map(|block| (number, Record { run: run.clone(), block })));
    }
    records.sort_by_key(|(_, record)| record.block.minute);
    Ok(records)
}

fn blocks(pair: &MetricSetPair) -> Result<Vec<Block>> {
    let metric = metric(&pair.name)?;
    let (start, step) = times(pair)?;
    let split: Vec<String> = pair.tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let pod = if split.is_empty() { pair.id.clone() } else { Some(split.join(",")) };
    let mut blocks = Vec::new();
    for (track, values) in [(Track::Stable, &pair.values.control), (Track::Canary, &pair.values.experiment)] {
        let minutes = (0_i64..).map(|index| start.saturating_add(index.saturating_mul(step)));
        for (minute, value) in minutes.zip(values).filter(|(_, value)| !value.is_nan()) {
            let (metric, pod, data) = (metric.clone(), pod.clone(), BlockData::Value(*value));
            let block = Block { minute, track, version: None, pod, route: None, metric, data };
            super::block::check(&block).map_err(|error| error.with("track", track))?;
            blocks.push(block);
        }
    }
    Ok(blocks)
}

fn metric(name: &str) -> Result<MetricName> {
    match Source::of_name(name) {
        Some(Source { metric, statistic: Statistic::Mean }) => Ok(metric),
        Some(_) => {
            Err(invalid("only a mean can be judged by a policy; a Kayenta config can judge this statistic"))
        }
        None => MetricName::new(name),
    }
}

/// The first minute, and minutes from one value to the next.
fn times(pair: &MetricSetPair) -> Result<(i64, i64)> {
    let mut scopes = pair.scopes.values();
    let PairScope { start_time_millis, step_millis } = scopes.next().copied().unwrap_or_default();
    if scopes.any(|other| (other.start_time_millis, other.step_millis) != (start_time_millis, step_millis)) {
        return Err(invalid("expected both tracks at the same times"));
    }
    let step = step_millis.unwrap_or(60_000);
    let minutes = i64::try_from(step / 60_000).unwrap_or(i64::MAX);
    if minutes == 0 || step % 60_000 != 0 {
        return Err(invalid("expected a step of whole minutes").with("stepMillis", step));
    }
    Ok((start_time_millis.unwrap_or(0).div_euclid(60_000), minutes))
}

fn invalid(message: &str) -> Error {
    Error::invalid("replay.pairs", message)
}
