//! How long a canary will take to be judged, by the traffic that stable has: the library's closed forms, which are
//! floors, on the latency of the last quarter of an hour.

use std::time::Duration;

use nprt::compare::sizing::{QuantileEffect, Sizing};
use nprt::compare::test::Overdispersion;
use nprt::compare::{MeasurementsRule, Percentile, Rule};
use nprt::model::{BlockData, TimeRange, Track};
use nprt::ports::{Clock, MetricQuery};
use serde_json::{Value, json};

use crate::compose::Member;

/// How far back the traffic is looked at.
const PAST: Duration = Duration::from_secs(15 * 60);
/// A sequential rule compares nothing before.
const FIRST_LOOK: f64 = 5.0;
/// What is to be detected: a quarter more.
const EFFECT: f64 = 0.25;
/// How surely.
const POWER: f64 = 0.8;

/// `{detect_minutes, pass_minutes}`: how long until a p95 that is 25 % higher is found, and until a canary as good
/// as stable can pass. Each is `null` where it is not known: without samples of latency nothing is.
pub(crate) async fn expected(member: &Member, clock: &dyn Clock) -> Value {
    let (detect, pass) = match traffic(member, clock).await {
        Some((rule, traffic)) => minutes(member, &rule, &traffic),
        None => (None, None),
    };
    json!({"detect_minutes": detect, "pass_minutes": pass})
}

/// What stable's latency looks like.
struct Traffic {
    p95: f64,
    /// The probability density there.
    density: f64,
    /// Samples of the canary a minute, as many as its share of pods.
    canary_per_minute: f64,
    stable_per_canary: f64,
}

async fn traffic(member: &Member, clock: &dyn Clock) -> Option<(MeasurementsRule, Traffic)> {
    let service = &member.config.service;
    let rule = service.policy.rules.iter().find_map(|rule| match rule {
        Rule::Measurements(rule) if rule.metric.as_str() == "latency" => Some(rule.clone()),
        _ => None,
    })?;
    let range = TimeRange::before(clock.now(), PAST);
    let query = MetricQuery { service: service.name.clone(), metric: rule.metric.clone(), range };
    let blocks = member.ports.metrics.blocks(&query).await.ok()?;
    let cluster = &member.ports.cluster;
    let stable = cluster.pods(&service.name, Track::Stable).await.ok()?.len();
    let canary = cluster.pods(&service.name, Track::Canary).await.ok()?.len();
    let mut samples = Vec::new();
    let (mut first, mut last) = (i64::MAX, i64::MIN);
    for block in blocks.iter().filter(|block| block.track == Track::Stable) {
        if let BlockData::Samples(measured) = &block.data {
            samples.extend_from_slice(measured);
            (first, last) = (first.min(block.minute), last.max(block.minute));
        }
    }
    if samples.len() < 200 || stable == 0 || canary == 0 {
        return None;
    }
    samples.sort_by(f64::total_cmp);
    // By ranks 94 and 96 of a hundred.
    let at = |percent: usize| samples.get(samples.len() * percent / 100).copied();
    let (below, p95, above) = (at(94)?, at(95)?, at(96)?);
    let minutes = u32::try_from(last - first + 1).ok().map(f64::from)?;
    let stable_per_canary = f64::from(u32::try_from(stable).ok()?) / f64::from(u32::try_from(canary).ok()?);
    let per_minute = f64::from(u32::try_from(samples.len()).ok()?) / minutes;
    let density = 0.02 / (above - below);
    let canary_per_minute = per_minute / stable_per_canary;
    Some((rule, Traffic { p95, density, canary_per_minute, stable_per_canary }))
}

fn minutes(member: &Member, rule: &MeasurementsRule, traffic: &Traffic) -> (Option<u64>, Option<u64>) {
    let policy = &member.config.service.policy;
    let margin = rule.margin.limit(traffic.p95) - traffic.p95;
    let pass_margin = rule.pass_margin.limit(traffic.p95) - traffic.p95;
    let soak = f64::from(policy.soak_minutes);
    let detect = needed(policy.alpha, EFFECT * traffic.p95 - margin, traffic);
    let pass = needed(policy.pass_alpha, pass_margin, traffic);
    let whole = |minutes: f64, least: f64| {
        let minutes = minutes.max(least).ceil();
        // No canary lives so long.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is from 0 to 10^6")]
        (minutes < 1e6).then_some(minutes as u64)
    };
    (detect.and_then(|n| whole(n, FIRST_LOOK)), pass.and_then(|n| whole(n, soak.max(FIRST_LOOK))))
}

fn needed(alpha: f64, effect: f64, traffic: &Traffic) -> Option<f64> {
    let effect = QuantileEffect {
        percentile: Percentile::P95,
        density: traffic.density,
        effect,
        stable_per_canary: traffic.stable_per_canary,
        overdispersion: Overdispersion::NONE,
    };
    let samples = Sizing::new(alpha, POWER).ok()?.quantile_samples(effect).ok()?;
    Some(samples / traffic.canary_per_minute)
}
