use maud::html;
use nprt_compare::report::{Distribution, MetricReport};

use super::frame::{Drawn, Size};
use super::scale::{Scale, n};
use super::ticks;
use crate::figure::{figure, percent};

/// The share of each track's samples by size, on a logarithmic scale.
pub(super) fn draw(metric: &MetricReport, found: &Distribution, size: Size) -> Option<Drawn> {
    let (first, last) = (*found.edges.first()?, *found.edges.last()?);
    let shares = [&found.stable, &found.canary];
    let highest = shares.into_iter().flatten().copied().fold(0.0, f64::max);
    if !(highest > 0.0 && first > 0.0 && last.is_finite()) {
        return None;
    }
    let ((left, right), (foot, head)) = (size.across(), size.upward());
    let scaled = metric.unit.scale(last);
    let x = Scale::new(first.ln(), last.ln(), left, right);
    let y = Scale::new(0.0, 1.06 * highest, foot, head);
    let steps = |shares: &[f64]| {
        let mut path = format!("M{} {}", n(left), n(foot));
        for (share, edge) in shares.iter().zip(found.edges.iter().skip(1)) {
            path += &format!("V{}H{}", n(y.at(*share)), n(x.at(edge.ln())));
        }
        path + &format!("V{}", n(foot))
    };
    let across = ticks::logarithmic(first * scaled.factor, last * scaled.factor, size.marks(70.0));
    let [stable, canary] = found.samples;
    let mut description = format!(
        "Distribution of {} on both tracks, from {} to {}: {stable} samples of stable, {canary} of the canary",
        metric.metric,
        figure(metric.unit, first),
        figure(metric.unit, last)
    );
    if found.zeros.iter().any(|share| *share > 0.0) {
        let [stable, canary] = found.zeros.map(percent);
        description += &format!("; of which {stable} and {canary} are 0 and not drawn");
    }
    let unit = if scaled.symbol.is_empty() { String::new() } else { format!(" by {}", scaled.symbol) };
    let upward = ticks::numbers(0.0, 106.0 * highest, 4.0);
    Some(Drawn {
        title: format!("Distribution: % of samples{unit}"),
        description: description + ".",
        keys: vec![("stable", "stable"), ("canary", "canary")],
        across: across.into_iter().map(|(tick, label)| (x.at((tick / scaled.factor).ln()), label)).collect(),
        upward: upward.into_iter().map(|(tick, label)| (y.at(tick / 100.0), label)).collect(),
        plot: html! {
            path class="stable filled" d=(steps(&found.stable)) {}
            path class="canary filled" d=(steps(&found.canary)) {}
        },
    })
}
