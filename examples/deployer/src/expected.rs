//! How long a canary will take to be judged, by the traffic that stable has: the library's closed forms, which are
//! floors, on the latency of the last quarter of an hour.

use std::time::Duration;

use nprt::compare::sizing::Sizing;
use nprt::compare::{MeasurementsRule, Rule, Traffic};
use nprt::model::{MetricName, TimeRange, Track};
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

/// `{detect_minutes, pass_minutes}`: how long until a latency that is 25 % higher is found, and until a canary as good
/// as stable can pass. Each is `null` where it is not known: without latency nothing is.
pub(crate) async fn expected(member: &Member, clock: &dyn Clock) -> Value {
    let (detect, pass) = match traffic(member, clock).await {
        Some((rule, traffic, ratio)) => minutes(member, &rule, &traffic, ratio),
        None => (None, None),
    };
    json!({"detect_minutes": detect, "pass_minutes": pass})
}

/// The rule of latency, what stable has of it, and stable's pods for each of the canary: as many requests come there.
async fn traffic(member: &Member, clock: &dyn Clock) -> Option<(MeasurementsRule, Traffic, f64)> {
    let service = &member.config.service;
    let rule = service.policy.rules.iter().find_map(|rule| match rule {
        Rule::Measurements(rule) if rule.metric.as_str() == MetricName::LATENCY => Some(rule.clone()),
        _ => None,
    })?;
    let range = TimeRange::before(clock.now(), PAST);
    let query = MetricQuery { service: service.name.clone(), metric: rule.metric.clone(), range };
    let blocks = member.ports.metrics.blocks(&query).await.ok()?;
    let stable: Vec<_> = blocks.into_iter().filter(|block| block.track == Track::Stable).collect();
    let pods = async |track| {
        let pods = member.ports.cluster.pods(&service.name, track).await.ok()?;
        u32::try_from(pods.len()).ok().filter(|pods| *pods > 0).map(f64::from)
    };
    let ratio = pods(Track::Stable).await? / pods(Track::Canary).await?;
    Some((rule, Traffic::of(&stable)?, ratio))
}

fn minutes(
    member: &Member,
    rule: &MeasurementsRule,
    traffic: &Traffic,
    ratio: f64,
) -> (Option<u64>, Option<u64>) {
    let (policy, level) = (&member.config.service.policy, traffic.level());
    let margin = rule.margin.limit(level) - level;
    let pass_margin = rule.pass_margin.limit(level) - level;
    let needed = |alpha, effect, least: f64| {
        let sizing = Sizing::new(alpha, POWER).ok()?;
        let minutes = traffic.minutes(&sizing, effect, ratio)?.max(least).ceil();
        // No canary lives so long.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is from 0 to 10^6")]
        (minutes < 1e6).then_some(minutes as u64)
    };
    let soak = f64::from(policy.soak_minutes);
    let detect = needed(policy.alpha, EFFECT * level - margin, FIRST_LOOK);
    (detect, needed(policy.pass_alpha, pass_margin, soak.max(FIRST_LOOK)))
}
