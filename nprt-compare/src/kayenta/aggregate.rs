use nprt_core::model::BlockData;
use nprt_core::{Error, Result};

use super::source::Statistic;
use crate::Percentile;
use crate::estimate::{Estimate, Histogram};

/// One value of what a track measured in a minute, `None` where that was nothing.
pub(super) fn aggregate(data: &[&BlockData], statistic: Statistic) -> Result<Option<f64>> {
    data.iter().try_for_each(|data| check(data))?;
    let value = value_of(data, statistic)?;
    if value.is_some_and(|value| !value.is_finite()) {
        return Err(invalid(format!("the `{statistic}` of a minute is beyond all numbers")));
    }
    Ok(value)
}

fn value_of(data: &[&BlockData], statistic: Statistic) -> Result<Option<f64>> {
    match statistic {
        Statistic::Mean => mean(data),
        Statistic::Sum => sum(data),
        Statistic::ErrorRate => error_rate(data),
        Statistic::Percentile(percentile) => match data.first() {
            Some(BlockData::Histogram { edges, .. }) => of_histograms(data, edges, percentile),
            _ => Ok(percentile.of_samples(&mut samples(data, statistic)?)),
        },
    }
}

fn mean(data: &[&BlockData]) -> Result<Option<f64>> {
    let values = match data.first() {
        Some(BlockData::Value(_)) => {
            data.iter().map(|data| value(data, Statistic::Mean)).collect::<Result<Vec<_>>>()?
        }
        _ => samples(data, Statistic::Mean)?,
    };
    let count = values.len() as f64;
    Ok((!values.is_empty()).then(|| values.iter().map(|value| value / count).sum()))
}

fn sum(data: &[&BlockData]) -> Result<Option<f64>> {
    let parts = data.iter().map(|data| match data {
        BlockData::Value(value) => Ok(*value),
        BlockData::Requests { requests, .. } => Ok(*requests as f64),
        BlockData::Classes(classes) => Ok(classes.values().map(|count| *count as f64).sum()),
        BlockData::Samples(_) | BlockData::Histogram { .. } => Err(cannot(data, Statistic::Sum)),
    });
    let parts = parts.collect::<Result<Vec<f64>>>()?;
    Ok((!parts.is_empty()).then(|| parts.iter().sum()))
}

fn error_rate(data: &[&BlockData]) -> Result<Option<f64>> {
    let (mut all, mut failed) = (0.0, 0.0);
    for each in data {
        let BlockData::Requests { requests, errors } = each else {
            return Err(cannot(each, Statistic::ErrorRate));
        };
        all += *requests as f64;
        failed += *errors as f64;
    }
    Ok((all > 0.0).then(|| failed / all))
}

fn of_histograms(data: &[&BlockData], edges: &[f64], percentile: Percentile) -> Result<Option<f64>> {
    let mut merged = Histogram::new(edges);
    for each in data {
        let BlockData::Histogram { edges, counts } = each else {
            return Err(cannot(each, Statistic::Percentile(percentile)));
        };
        if !merged.merge(edges, counts) {
            return Err(invalid("histograms with different edges"));
        }
    }
    Ok(merged.percentile(percentile).map(Estimate::at_least))
}

/// All samples.
fn samples(data: &[&BlockData], statistic: Statistic) -> Result<Vec<f64>> {
    let mut all = Vec::new();
    for each in data {
        let BlockData::Samples(samples) = each else { return Err(cannot(each, statistic)) };
        all.extend_from_slice(samples);
    }
    Ok(all)
}

fn value(data: &BlockData, statistic: Statistic) -> Result<f64> {
    match data {
        BlockData::Value(value) => Ok(*value),
        other => Err(cannot(other, statistic)),
    }
}

fn check(data: &BlockData) -> Result<()> {
    let fault = match data {
        BlockData::Samples(samples) => not_finite(samples),
        BlockData::Value(value) => not_finite(&[*value]),
        BlockData::Histogram { edges, counts } => {
            if edges.is_empty() || counts.len() != edges.len() + 1 {
                Some(format!("{} edges and {} counts, expected one count more", edges.len(), counts.len()))
            } else if !edges.is_sorted_by(|a, b| a < b) {
                Some("edges that do not ascend".to_owned())
            } else {
                not_finite(edges)
            }
        }
        BlockData::Requests { requests, errors } => {
            (errors > requests).then(|| format!("{errors} failed of only {requests} requests"))
        }
        BlockData::Classes(_) => None,
    };
    fault.map_or(Ok(()), |fault| Err(invalid(fault)))
}

fn not_finite(values: &[f64]) -> Option<String> {
    let (index, value) = values.iter().enumerate().find(|(_, value)| !value.is_finite())?;
    Some(format!("measurement {index} is {value}, expected a finite number"))
}

fn cannot(data: &BlockData, statistic: Statistic) -> Error {
    invalid(format!(
        "`{statistic}` cannot be taken of blocks of the form {:?}, or of mixed ones",
        data.shape()
    ))
}

fn invalid(message: impl Into<String>) -> Error {
    Error::invalid("kayenta.recorded", message)
}
