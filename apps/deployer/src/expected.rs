//! How long a canary will take to be judged, by the traffic that stable has: the library's closed forms, which are
//! floors, on the latency of the last quarter of an hour.

use std::time::Duration;

use nprt::compare::sizing::Sizing;
use nprt::compare::{MeasurementsRule, Rule, Traffic};
use nprt::model::{MetricName, TimeRange, Track};
use nprt::ports::{Clock, MetricQuery, Versions};
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

/// What is known of stable, to reckon with.
struct Known {
    rule: MeasurementsRule,
    traffic: Traffic,
    /// Stable's pods for each of the canary: as many requests come there.
    ratio: f64,
}

/// Minutes, or why they are not known.
type Minutes = Result<u64, &'static str>;

/// `{detect_minutes, pass_minutes, why}`: how long until a latency that is 25 % higher is found, and until a canary as good
/// as stable can pass. Each is `null` where it is not known, and `why` says why not.
pub(crate) async fn expected(member: &Member, clock: &dyn Clock) -> Value {
    let (detect, pass) = match known(member, clock).await {
        Ok(known) => minutes(member, &known),
        Err(why) => (Err(why), Err(why)),
    };
    let why = detect.err().or(pass.err());
    json!({"detect_minutes": detect.ok(), "pass_minutes": pass.ok(), "why": why})
}

async fn known(member: &Member, clock: &dyn Clock) -> Result<Known, &'static str> {
    let service = &member.config.service;
    let rule = service.policy.rules.iter().find_map(|rule| match rule {
        Rule::Measurements(rule) if rule.metric.as_str() == MetricName::LATENCY => Some(rule.clone()),
        _ => None,
    });
    let rule = rule.ok_or("the policy has no rule of measurements on latency")?;
    let range = TimeRange::before(clock.now(), PAST);
    // Whatever runs counts as stable: how much traffic there is, is all that is asked for.
    let versions = Versions::default();
    let query = MetricQuery { service: service.name.clone(), metric: rule.metric.clone(), range, versions };
    let blocks = member.ports.metrics.blocks(&query).await.map_err(|_| "the metrics do not answer")?.blocks;
    let stable: Vec<_> = blocks.into_iter().filter(|block| block.track == Track::Stable).collect();
    let traffic =
        Traffic::of(&stable).ok_or("too little is known of stable's latency in the last 15 minutes")?;
    let pods = async |track| {
        let pods = member.ports.cluster.pods(&service.name, track).await.ok()?;
        u32::try_from(pods.len()).ok().filter(|pods| *pods > 0).map(f64::from)
    };
    let (Some(stable), Some(canary)) = (pods(Track::Stable).await, pods(Track::Canary).await) else {
        return Err("it is not known how many pods run");
    };
    Ok(Known { rule, traffic, ratio: stable / canary })
}

fn minutes(member: &Member, Known { rule, traffic, ratio }: &Known) -> (Minutes, Minutes) {
    let (policy, level) = (&member.config.service.policy, traffic.level());
    let margin = rule.margin.limit(level) - level;
    let pass_margin = rule.pass_margin.limit(level) - level;
    let needed = |alpha, effect, least: f64| {
        let sizing = Sizing::new(alpha, POWER).ok();
        let minutes = sizing.and_then(|sizing| traffic.minutes(&sizing, effect, *ratio));
        let minutes = minutes.ok_or("what is to be found is within the policy's margin")?.max(least).ceil();
        // No canary lives so long.
        if minutes >= 1e6 {
            return Err("there is too little traffic");
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is from 0 to 10^6")]
        Ok(minutes as u64)
    };
    let soak = f64::from(policy.soak_minutes);
    let detect = needed(policy.alpha, EFFECT * level - margin, FIRST_LOOK);
    (detect, needed(policy.pass_alpha, pass_margin, soak.max(FIRST_LOOK)))
}
