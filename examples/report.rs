//! The page of a canary, from simulated measurements: one canary that is worse, and one that is not.
//!
//! ```sh
//! cargo run --example report --features report -- [DIRECTORY]
//! ```
//!
//! writes `regresses.html` and `passes.html` there (by default into `target/report`); open them in a browser.
//! Nothing is deployed and nothing listens: blocks, a policy and the judge are all that a report is made of.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{fs, io};

use jiff::{Timestamp, ToSpan as _};
use nprt::compare::{Decision, Judge, Policy, Preset};
use nprt::model::{Block, BlockData, MetricName, Track};
use nprt::report::{EventKind, Report, ReportBuilder, ReportEvent, Version};
use nprt::{Error, ErrorKind, Result, render};
use rand::SeedableRng as _;
use rand_distr::{Distribution as _, LogNormal, Normal, Poisson};
use rand_xoshiro::Xoshiro256PlusPlus;

/// How long stable is known before the canary starts, and how long the canary runs at most.
const PAST: i64 = 120;
const RUN: i64 = 90;
const MIB: f64 = 1024.0 * 1024.0;

fn main() -> Result<()> {
    let directory = std::env::args_os().nth(1).map_or_else(|| PathBuf::from("target/report"), PathBuf::from);
    for (name, reason) in write(&directory)? {
        let file = directory.join(name);
        writeln!(io::stdout(), "{}: {reason}", file.display()).map_err(|error| failed(&error, &file))?;
    }
    Ok(())
}

/// Writes both pages; their names, and what was found.
pub(crate) fn write(directory: &Path) -> Result<Vec<(&'static str, String)>> {
    fs::create_dir_all(directory).map_err(|error| failed(&error, directory))?;
    let mut written = Vec::new();
    for (name, canary, seed) in
        [("regresses.html", Behaviour::WORSE, 1), ("passes.html", Behaviour::STABLE, 2)]
    {
        let report = simulate(canary, seed)?;
        let file = directory.join(name);
        fs::write(&file, render::html(&report)).map_err(|error| failed(&error, &file))?;
        written.push((name, report.verdict.map_or_else(String::new, |verdict| verdict.reason)));
    }
    Ok(written)
}

/// What a version is like.
#[derive(Clone, Copy)]
struct Behaviour {
    /// The median latency, in seconds.
    latency: f64,
    /// The share of requests that fail in a way of its own.
    failing: f64,
    /// Cores of a pod.
    cpu: f64,
}

impl Behaviour {
    const STABLE: Self = Self { latency: 0.045, failing: 0.0, cpu: 0.21 };
    const WORSE: Self = Self { latency: 0.048, failing: 0.0006, cpu: 0.217 };
}

/// Measures and judges minute by minute, as a deployer does, until the judge knows.
fn simulate(canary: Behaviour, seed: u64) -> Result<Report> {
    let random = &mut Xoshiro256PlusPlus::seed_from_u64(seed);
    let started: Timestamp = "2026-11-23T12:00:00Z"
        .parse()
        .map_err(|error: jiff::Error| Error::invalid("report", error.to_string()))?;
    let first = Block::minute_of(started);
    let mut past = Vec::new();
    for minute in first - PAST..first {
        measure(&mut past, minute, Track::Stable, Behaviour::STABLE, random)?;
    }
    let policy = Policy::preset(Preset::Default);
    let mut judge = Judge::new(policy.clone(), started)?;
    past.iter().try_for_each(|block| judge.observe_history(block))?;
    let (mut run, mut verdicts, mut end) = (Vec::new(), Vec::new(), started);
    for minute in 0..RUN {
        let before = run.len();
        measure(&mut run, first + minute, Track::Stable, Behaviour::STABLE, random)?;
        measure(&mut run, first + minute, Track::Canary, canary, random)?;
        run[before..].iter().try_for_each(|block| judge.observe(block))?;
        end = started + (minute + 1).minutes();
        verdicts.push(judge.verdict(end));
        if verdicts.last().is_some_and(|verdict| !matches!(verdict.decision, Decision::Inconclusive { .. })) {
            break;
        }
    }
    let last = verdicts.last();
    let reason = last.map_or_else(String::new, |verdict| verdict.reason.clone());
    let (found, then) = match last.map(|verdict| &verdict.decision) {
        Some(Decision::Pass) => (EventKind::CanaryPassed, EventKind::Promoted),
        Some(Decision::Regression) => (EventKind::CanaryRegressed, EventKind::RolledBack),
        _ => (EventKind::Judged, EventKind::Expired),
    };
    let version =
        |tag: &str, revision: &str| Version { tag: Some(tag.into()), revision: Some(revision.into()) };
    let report = Report::builder("cart", &policy, started)
        .stable(version("main-75700bcdc525", "75700bcdc525b3c0f1a2d4e5f60718293a4b5c6d"))
        .canary(version("main-246839e39a61", "246839e39a61d0c9b8a7968574635241302f1e0d"))
        .blocks(&run)
        .event(ReportEvent::new(started, EventKind::CanaryStarted, "asked for by ada: a new model"))
        .event(ReportEvent::new(end, found, reason))
        .event(ReportEvent::new(end + 1.seconds(), then, "by the autopilot"));
    Ok(verdicts.into_iter().fold(report, ReportBuilder::verdict).build())
}

/// A minute of one track: three pods of stable, one of the canary.
fn measure(
    blocks: &mut Vec<Block>,
    minute: i64,
    track: Track,
    is: Behaviour,
    random: &mut Xoshiro256PlusPlus,
) -> Result<()> {
    let pods: u32 = if track == Track::Canary { 1 } else { 3 };
    for pod in 0..pods {
        // Each pod differs a little for good, and each minute for all.
        let own = 1.0 + 0.004 * f64::from(pod);
        let load = 1.0 + 0.1 * (minute as f64 / 17.0).sin();
        let samples: Vec<f64> = {
            let latency = lognormal(is.latency * own * (1.0 + 0.02 * (load - 1.0)), 0.45)?;
            (0..whole(poisson(260.0 * load)?.sample(random))).map(|_| latency.sample(random)).collect()
        };
        let requests = samples.len() as u64;
        let new = whole(poisson((is.failing * requests as f64).max(1e-9))?.sample(random)).min(requests);
        let usual = whole(poisson(0.02)?.sample(random)).min(requests - new);
        let mut classes = BTreeMap::new();
        for (class, count) in [("upstream timeout", usual), ("CartError: no price for item", new)] {
            if count > 0 {
                classes.insert(class.to_owned(), count);
            }
        }
        let gauge = |mean: f64, deviation: f64, random: &mut Xoshiro256PlusPlus| {
            Normal::new(mean * own, deviation)
                .map(|normal| normal.sample(random).max(0.0))
                .map_err(|error| bad(&error))
        };
        let (cpu, memory) = (gauge(is.cpu * load, 0.006, random)?, gauge(145.0 * MIB, 0.8 * MIB, random)?);
        let data = [
            (MetricName::LATENCY, BlockData::Samples(samples)),
            (MetricName::REQUESTS, BlockData::Requests { requests, errors: new + usual }),
            (MetricName::ERRORS, BlockData::Classes(classes)),
            (MetricName::CPU, BlockData::Value(cpu)),
            (MetricName::MEMORY, BlockData::Value(memory)),
        ];
        for (metric, data) in data {
            let pod = Some(format!("cart-{track}-{pod}"));
            blocks.push(Block {
                minute,
                track,
                version: None,
                pod,
                route: None,
                metric: MetricName::new(metric)?,
                data,
            });
        }
    }
    Ok(())
}

fn lognormal(median: f64, sigma: f64) -> Result<LogNormal<f64>> {
    LogNormal::new(median.ln(), sigma).map_err(|error| bad(&error))
}

fn poisson(mean: f64) -> Result<Poisson<f64>> {
    Poisson::new(mean).map_err(|error| bad(&error))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count; it saturates")]
fn whole(count: f64) -> u64 {
    count as u64
}

fn bad(error: &dyn std::error::Error) -> Error {
    Error::invalid("report.simulate", error.to_string())
}

fn failed(error: &io::Error, file: &Path) -> Error {
    Error::new(ErrorKind::Unavailable, "report", error.to_string()).with("file", file.display())
}
