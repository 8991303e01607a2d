//! What runs come to.

use nprt_compare::Policy;
use nprt_compare::replay::{Judged, Outcome, Replay};

fn policy() -> Policy {
    Policy::read(
        "{window_minutes: 30, soak_minutes: 15, rules: [
            {rule: percentile, metric: latency, percentile: 95, margin: {relative: 0.1}}, {rule: errors}]}",
    )
    .unwrap()
}

/// A run of so many minutes whose canary is by so much slower.
fn run(name: &str, minutes: i64, ms: u32) -> String {
    let line = |minute: i64, track: &str, ms: u32| {
        let samples = vec![ms; 300];
        format!(
            "{{\"run\": \"{name}\", \"minute\": {minute}, \"track\": \"{track}\", \"metric\": \"latency\", \"unit\": \"ms\", \"samples\": {samples:?}}}\n\
             {{\"run\": \"{name}\", \"minute\": {minute}, \"track\": \"{track}\", \"metric\": \"requests\", \"requests\": 300, \"errors\": 0}}\n"
        )
    };
    (100..100 + minutes).map(|minute| line(minute, "stable", 100) + &line(minute, "canary", ms)).collect()
}

fn outcomes(series: &str) -> Vec<Outcome> {
    Replay::new(policy(), series.as_bytes()).unwrap().outcomes().map(Result::unwrap).collect()
}

/// The first pass or regression decides, else the last verdict.
#[test]
fn the_first_decision_stands() {
    let series = [run("good", 40, 100), run("bad", 40, 150), run("short", 2, 100)].concat();
    let judged: Vec<Judged> = Replay::new(policy(), series.as_bytes()).unwrap().map(Result::unwrap).collect();
    let outcomes = outcomes(&series);
    let words: Vec<_> = outcomes.iter().map(|outcome| outcome.judged.verdict.decision.as_str()).collect();
    assert_eq!(words, ["pass", "regression", "inconclusive"]);
    for outcome in &outcomes {
        let of_run: Vec<_> = judged.iter().filter(|judged| judged.run == outcome.judged.run).collect();
        let decisive = of_run.iter().find(|judged| judged.verdict.decision.as_str() != "inconclusive");
        assert_eq!(&&outcome.judged, decisive.unwrap_or_else(|| of_run.last().unwrap()));
        assert_eq!(outcome.minutes(), outcome.judged.minute - 99);
    }
    assert_eq!(outcomes[2].minutes(), 2);
    let json = serde_json::to_string(&outcomes[1]).unwrap();
    assert!(json.starts_with("{\"begins\":100,\"run\":\"bad\",\"minute\":"), "{json}");
    assert_eq!(serde_json::from_str::<Outcome>(&json).unwrap(), outcomes[1]);
}

#[test]
fn an_error_ends_it_without_the_run_before_it() {
    let series = run("good", 2, 100) + &run("cut", 2, 100) + "{}\n" + &run("more", 2, 100);
    let all: Vec<_> = Replay::new(policy(), series.as_bytes()).unwrap().outcomes().collect();
    assert_eq!(all.len(), 2);
    assert_eq!(all[0].as_ref().unwrap().judged.run, "good".into());
    assert!(all[1].as_ref().unwrap_err().is_invalid());
    assert!(outcomes("").is_empty());
}
