//! A cell of the table: one kind of run.

use std::fmt;
use std::str::FromStr;

use crate::Failure;
use crate::classes::Classes;
use crate::effect::percent;
use crate::errors::Errors;
use crate::gauge::Gauge;
use crate::latency::{Latency, Source};
use crate::run::Run;

/// `source|noise|rate|effect`, and for latency `|cold` and `|incident` if wanted:
///
/// | source | noise | rate | effect |
/// |---|---|---|---|
/// | routes, nab, azure | clean, noisy, heavy | requests a minute (azure: any) | none, +10%, +50ms, x2, tail5%+300ms, route3 x2 |
/// | errors | steady, bursty | requests a minute | 0.05% x10 |
/// | classes | 1d, 7d (history) | requests a minute | none, 0.1% |
/// | cpu | 0%, 1%, 4% (between pods) | any | none, x1.1 |
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    text: String,
    kind: Kind,
}

#[derive(Debug, Clone)]
enum Kind {
    Latency(Latency),
    Errors(Errors),
    Classes(Classes),
    Gauge(Gauge),
}

impl Cell {
    /// The run of this seed: the same seed has the same requests, pods and drift whatever the effect, and
    /// with routes told apart or not.
    pub(crate) fn simulate(&self, seed: u64, by_route: bool) -> Result<Run, Failure> {
        match &self.kind {
            Kind::Latency(latency) => latency.simulate(seed, by_route),
            Kind::Errors(errors) => errors.simulate(seed),
            Kind::Classes(classes) => classes.simulate(seed),
            Kind::Gauge(gauge) => gauge.simulate(seed),
        }
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Cell {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        let fields: Vec<_> = text.split('|').collect();
        let [source, noise, rate, effect, flags @ ..] = &fields[..] else {
            return Err(format!("cell {text:?}: expected source|noise|rate|effect").into());
        };
        let flag = |name| flags.contains(&name);
        if let Some(flag) = flags.iter().find(|flag| !["cold", "incident"].contains(flag)) {
            return Err(format!("cell {text:?}: {flag:?} is neither cold nor incident").into());
        }
        let latency = |source| -> Result<_, Failure> {
            let (rate, effect) = (number(rate)?, effect.parse()?);
            let noise = noise.parse()?;
            Ok(Latency { source, noise, rate, effect, cold: flag("cold"), incident: flag("incident") })
        };
        let kind = match *source {
            "routes" => Kind::Latency(latency(Source::Routes)?),
            "nab" => Kind::Latency(latency(Source::Recorded)?),
            "azure" => Kind::Latency(latency(Source::LanguageModel)?),
            _ if !flags.is_empty() => return Err(format!("cell {text:?}: only latency has flags").into()),
            "errors" => Kind::Errors(errors(noise, number(rate)?, effect)?),
            "classes" => Kind::Classes(classes(noise, number(rate)?, effect)?),
            "cpu" => Kind::Gauge(gauge(noise, effect)?),
            _ => {
                let known = "routes, nab, azure, errors, classes or cpu";
                return Err(format!("cell {text:?}: source {source:?}, expected {known}").into());
            }
        };
        Ok(Self { text: text.to_owned(), kind })
    }
}

fn errors(noise: &str, rate: f64, effect: &str) -> Result<Errors, Failure> {
    let overdispersion = match noise {
        "steady" => 0.0,
        "bursty" => 1.0,
        _ => return Err(format!("noise {noise:?}: expected steady or bursty").into()),
    };
    let read = effect.split_once(" x").and_then(|(base, factor)| percent(base).zip(factor.parse().ok()));
    let (base, factor) = read.ok_or_else(|| format!("effect {effect:?}: expected such as \"0.05% x10\""))?;
    Ok(Errors { overdispersion, rate, base, factor })
}

fn classes(noise: &str, rate: f64, effect: &str) -> Result<Classes, Failure> {
    let days = noise.strip_suffix('d').and_then(|days| days.parse().ok());
    let days = days.ok_or_else(|| format!("noise {noise:?}: expected days of history, such as 1d"))?;
    let new = if effect == "none" { Some(0.0) } else { percent(effect) };
    let new = new.ok_or_else(|| format!("effect {effect:?}: expected none or such as 0.1%"))?;
    Ok(Classes { days, rate, new })
}

fn gauge(noise: &str, effect: &str) -> Result<Gauge, Failure> {
    let pods = percent(noise).ok_or_else(|| format!("noise {noise:?}: expected such as 4%"))?;
    let factor =
        if effect == "none" { Some(1.0) } else { effect.strip_prefix('x').and_then(|x| x.parse().ok()) };
    let factor = factor.ok_or_else(|| format!("effect {effect:?}: expected none or such as x1.1"))?;
    Ok(Gauge { pods, factor })
}

fn number(text: &str) -> Result<f64, Failure> {
    let number = text.parse().ok().filter(|number: &f64| number.is_finite() && *number >= 0.0);
    number.ok_or_else(|| format!("rate {text:?}: expected a number of 0 or more").into())
}
