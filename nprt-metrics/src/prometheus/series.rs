use super::client::Series;
use crate::Labels;
use crate::assemble::Point;

/// Adds the points of a series; `part` is the label that tells the parts of a block from each other.
pub(super) fn read(
    labels: &Labels,
    series: &Series,
    part: Option<&str>,
    points: &mut Vec<Point>,
) -> Result<(), String> {
    let label = |name: &str| series.metric.get(name).map(String::as_str);
    if series.histograms.is_some() {
        return Err("native histograms are not understood: use classic buckets".to_owned());
    }
    let place = labels.place(label)?;
    let part = part.and_then(label);
    for (second, text) in &series.values {
        let value: f64 = text
            .parse()
            .ok()
            .filter(|value: &f64| value.is_finite())
            .ok_or_else(|| format!("expected a finite number, found {text} at second {second}"))?;
        // A point ends its minute.
        let minute = minute_of(*second).ok_or_else(|| format!("expected whole minutes, found {second}"))? - 1;
        points.push(Point { minute, place: place.clone(), part: part.map(str::to_owned), value });
    }
    Ok(())
}

pub(super) fn labels_of(series: &Series) -> String {
    let labels = series.metric.iter().map(|(name, value)| format!("{name}={value:?}"));
    let labels: String = labels.collect::<Vec<_>>().join(",").chars().take(300).collect();
    format!("{{{labels}}}")
}

/// The minute that begins at `second`, which must be whole.
#[expect(clippy::cast_possible_truncation, reason = "seconds of this era")]
fn minute_of(second: f64) -> Option<i64> {
    let minute = (second / 60.0).round();
    ((minute * 60.0 - second).abs() < 0.001).then_some(minute as i64)
}
