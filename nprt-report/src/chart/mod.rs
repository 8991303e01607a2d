//! Charts as SVG: what they show is in their title and description too, and nothing in them needs a script.

mod distribution;
mod evidence;
mod frame;
mod line;
mod over_time;
mod scale;
mod ticks;

use maud::{Markup, PreEscaped, html};
use nprt_compare::report::{MetricReport, Report};

use self::frame::Size;

/// Colours, light and dark: of a page, or of a chart that stands alone.
pub(crate) const COLOURS: &str = include_str!("../colours.css");
/// The style of charts.
pub(crate) const STYLE: &str = include_str!("../chart.css");

/// Which chart of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Chart {
    /// A figure of both tracks over time, with the line that the canary may reach: by its place in
    /// [`MetricReport::curves`].
    OverTime(usize),
    /// The distribution of both tracks.
    Distribution,
    /// How much higher the canary is, with its band, look by look: by its place in [`MetricReport::effects`].
    Effect(usize),
    /// The evidence of a regression and of a pass, look by look: by its place in [`MetricReport::effects`].
    Evidence(usize),
}

/// As wide as the page.
pub(crate) fn wide(report: &Report, metric: &MetricReport, chart: Chart) -> Option<Markup> {
    draw(report, metric, chart, Size::WIDE, None)
}

/// One of three in a row.
pub(crate) fn small(report: &Report, metric: &MetricReport, chart: Chart) -> Option<Markup> {
    draw(report, metric, chart, Size::SMALL, None)
}

/// A file of its own.
pub(crate) fn standalone(report: &Report, metric: &MetricReport, chart: Chart) -> Option<Markup> {
    let style = html! { style { (PreEscaped(COLOURS)) (PreEscaped(STYLE)) } };
    draw(report, metric, chart, Size::ALONE, Some(style))
}

fn draw(
    report: &Report,
    metric: &MetricReport,
    chart: Chart,
    size: Size,
    style: Option<Markup>,
) -> Option<Markup> {
    let drawn = match chart {
        Chart::OverTime(curve) => over_time::draw(report, metric, metric.curves.get(curve)?, size)?,
        Chart::Distribution => distribution::draw(metric, metric.distribution.as_ref()?, size)?,
        Chart::Effect(effect) => evidence::effect(report, metric, metric.effects.get(effect)?, size)?,
        Chart::Evidence(effect) => evidence::evidence(report, metric, metric.effects.get(effect)?, size)?,
    };
    Some(drawn.into_svg(size, style))
}
