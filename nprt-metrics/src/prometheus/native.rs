//! Native histograms: buckets that each say their own edges.

use nprt_core::model::BlockData;
use nprt_core::ports::{LeftOutReason, Measured};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

use super::series::{Series, minutes};
use crate::assemble::Place;
use crate::sums::{count, rounded};
use crate::{Labels, MetricUnit};

/// A native histogram at a moment, as the API of Prometheus says it.
#[derive(Debug, Deserialize)]
pub(super) struct Moment(pub(super) f64, Native);

#[derive(Debug, Deserialize)]
struct Native {
    /// Those that hold something, in no order that we rely on.
    #[serde(default)]
    buckets: Vec<Bucket>,
}

/// Which edges belong to it (which is not looked at: a time that is an edge is in one bucket or the next), its edges, and how
/// much it holds.
#[derive(Debug, Clone, Copy, Deserialize)]
struct Bucket(
    #[allow(dead_code, reason = "its place counts")] u8,
    #[serde(deserialize_with = "number")] f64,
    #[serde(deserialize_with = "number")] f64,
    #[serde(deserialize_with = "number")] f64,
);

fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|_| D::Error::custom("expected a number in a bucket"))
}

impl Moment {
    /// How many points it counts as.
    pub(super) fn len(&self) -> usize {
        self.1.buckets.len().max(1)
    }
}

/// Native histograms, by minute and place.
pub(super) type Natives = Vec<((i64, Place), BlockData)>;

/// The native histograms of `all`.
pub(super) fn natives(
    labels: &Labels,
    all: &[Series],
    unit: MetricUnit,
    left: &mut Measured,
) -> Result<Natives, String> {
    let mut found = Vec::new();
    for series in all.iter().filter(|series| !series.histograms.is_empty()) {
        let moments = series.histograms.iter().map(|Moment(second, native)| (*second, native));
        let moments = minutes(moments).map_err(|message| format!("{message}; series {}", series.metric))?;
        let place = labels.place(|name| series.metric.get(name));
        for (minute, native) in moments {
            match &place {
                Err(_) => left.leave_out(LeftOutReason::NoTrack, minute, None, 1),
                Ok(place) => match native.data(unit) {
                    Ok(data) => found.push(((minute, place.clone()), data)),
                    Err(reason) => left.leave_out(reason, minute, place.track, 1),
                },
            }
        }
    }
    Ok(found)
}

impl Native {
    /// As counts between edges: where nothing lies between two buckets, an empty one does. `increase` answers with parts of
    /// requests: what is rounded is how many are at or below an edge, so that what a bucket lacks another one has. Were each
    /// rounded by itself, the many buckets with one request would lose theirs.
    fn data(&self, unit: MetricUnit) -> Result<BlockData, LeftOutReason> {
        let mut buckets = self.buckets.clone();
        buckets.sort_by(|a, b| a.1.total_cmp(&b.1));
        if let [Bucket(_, low, high, _), ..] = buckets.as_mut_slice()
            && *low < 0.0
            && *high > 0.0
        {
            // What is about zero is above it, unless something is below.
            *low = 0.0;
        }
        let (mut edges, mut counts, mut above): (Vec<f64>, Vec<u64>, u64) = (Vec::new(), Vec::new(), 0);
        let (mut sum, mut whole) = (0.0, 0);
        for Bucket(_, low, high, value) in buckets {
            count(value)?;
            sum += value;
            let held = rounded(sum).saturating_sub(whole);
            whole += held;
            let [low, high] = [low, high].map(|edge| unit.convert(edge));
            let last = edges.last().copied();
            if low.is_nan() || high.is_nan() || low >= high || last.is_some_and(|last| low < last) {
                return Err(LeftOutReason::Malformed);
            }
            if low.is_finite() && last.is_none_or(|last| low > last) {
                edges.push(low);
                counts.push(0);
            }
            if high.is_finite() {
                edges.push(high);
                counts.push(held);
            } else {
                above = above.saturating_add(held);
            }
        }
        counts.push(above);
        Ok(BlockData::Histogram { edges, counts })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(buckets: &str) -> Result<BlockData, LeftOutReason> {
        let text = format!(r#"[60, {{"count": "9", "sum": "1.5", "buckets": {buckets}}}]"#);
        serde_json::from_str::<Moment>(&text).unwrap().1.data(MetricUnit::Milliseconds)
    }

    #[test]
    fn buckets_have_their_own_edges() {
        let data = of(r#"[[3,"-0.5","0.5","2"],[0,"500","1000","1.4"],[0,"1000","2000","3"]]"#);
        let expected =
            BlockData::Histogram { edges: vec![0.0, 0.0005, 0.5, 1.0, 2.0], counts: vec![0, 2, 0, 1, 3, 0] };
        assert_eq!(data, Ok(expected));
        let below = of(r#"[[1,"-2000","-1000","1"],[3,"-1","1","2"],[0,"1000","+Inf","4"]]"#);
        let expected = BlockData::Histogram {
            edges: vec![-2.0, -1.0, -0.001, 0.001, 1.0],
            counts: vec![0, 1, 0, 2, 0, 4],
        };
        assert_eq!(below, Ok(expected));
        let parts = of(r#"[[0,"1","2","1.33"],[0,"2","4","1.33"],[0,"4","8","1.34"]]"#);
        let expected =
            BlockData::Histogram { edges: vec![0.001, 0.002, 0.004, 0.008], counts: vec![0, 1, 2, 1, 0] };
        assert_eq!(parts, Ok(expected));
        assert_eq!(of("[]"), Ok(BlockData::Histogram { edges: Vec::new(), counts: vec![0] }));
        assert_eq!(of(r#"[[0,"1","2","-3"]]"#), Err(LeftOutReason::Negative));
        assert_eq!(of(r#"[[0,"1","2","NaN"]]"#), Err(LeftOutReason::NotANumber));
        assert_eq!(of(r#"[[0,"2","1","1"]]"#), Err(LeftOutReason::Malformed));
        assert_eq!(of(r#"[[0,"1","3","1"],[0,"2","4","1"]]"#), Err(LeftOutReason::Malformed));
    }
}
