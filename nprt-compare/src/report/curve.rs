use serde::{Deserialize, Serialize};

use super::cell::Cell;
use super::limit::Limit;
use super::{Statistic, Unit};

/// One figure of both tracks over time, each series with one value a point of the report's [`Axis`](super::Axis).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// Which figure.
    pub statistic: Statistic,
    /// What it is in.
    pub unit: Unit,
    /// On stable.
    pub stable: Vec<Option<f64>>,
    /// On the canary.
    pub canary: Vec<Option<f64>>,
    /// What the canary may reach: stable plus the margin. Empty where no rule limits this figure. Of rates it is the
    /// limit at all of stable's minutes up to then, since a minute with few failures says little.
    pub limit: Vec<Option<f64>>,
}

/// What was measured on both tracks by point.
pub(super) type Cells = [Vec<Cell>; 2];

/// The curve, or `None` where nothing of it was measured.
pub(super) fn curve(
    statistic: Statistic,
    unit: Unit,
    cells: &Cells,
    step: u32,
    limit: Option<Limit>,
) -> Option<Curve> {
    let [stable, canary] = cells.each_ref().map(|cells| series(statistic, cells, step));
    if stable.iter().chain(&canary).all(Option::is_none) {
        return None;
    }
    let limit = match (limit, statistic) {
        (Some(limit), Statistic::Rate | Statistic::Events) => {
            let ever = so_far(statistic, &cells[0], step);
            ever.into_iter().map(|stable| line(limit, stable)).collect()
        }
        (Some(limit), _) => stable.iter().map(|stable| line(limit, *stable)).collect(),
        (None, _) => Vec::new(),
    };
    Some(Curve { statistic, unit, stable, canary, limit })
}

fn line(limit: Limit, stable: Option<f64>) -> Option<f64> {
    stable.map(|stable| limit.at(stable)).filter(|limit| limit.is_finite())
}

fn series(statistic: Statistic, cells: &[Cell], step: u32) -> Vec<Option<f64>> {
    cells.iter().map(|cell| figure(statistic, cell, step).filter(|figure| figure.is_finite())).collect()
}

/// The figure over all minutes up to each point.
fn so_far(statistic: Statistic, cells: &[Cell], step: u32) -> Vec<Option<f64>> {
    let mut sum = Cell::default();
    let add = |cell: &Cell| {
        sum.merge(cell);
        figure(statistic, &sum, step)
    };
    cells.iter().map(add).collect()
}

fn figure(statistic: Statistic, cell: &Cell, step: u32) -> Option<f64> {
    match statistic {
        Statistic::Percentile(percentile) => cell.percentile(percentile),
        // A value of events is how many a pod had in a minute.
        Statistic::Mean | Statistic::Events => cell.mean(),
        Statistic::Rate => cell.rate(),
        Statistic::Count => (!cell.is_empty()).then(|| cell.count() as f64 / f64::from(step.max(1))),
    }
}
