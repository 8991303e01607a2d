//! Runs of a service whose errors have a long tail of classes, with and without new ones.

use nprt_compare::statistics::Overdispersion;
use nprt_compare::statistics::counts::{CountsTest, Errors, Ratio};
use nprt_compare::statistics::new_classes::{Exposure, Level, NewClasses};

use crate::new_classes::{EXPOSURE, minute};
use crate::simulation::Random;

/// Background errors of a service: classes with a long tail, of which every history leaves out some.
struct Background {
    names: Vec<String>,
    cumulated: Vec<f64>,
}

/// Incidents of both tracks in a minute: 600 requests, of which 1 % fail.
const INCIDENTS: f64 = 6.0;
const MINUTES: i64 = 120;
const HISTORY: i64 = 1440;
const RUNS: u64 = 400;
/// A rule with an error of 0.01 raises more than this with a probability below 0.003.
const MOST_ALARMS: u64 = 10;

impl Background {
    fn new() -> Self {
        let mut sum = 0.0;
        let cumulated = (0..20_000).map(|i| {
            sum += (1.0 + f64::from(i) / 30.0).powf(-1.6);
            sum
        });
        let cumulated = cumulated.collect();
        Self { names: (0..20_000).map(|i| format!("error {i}")).collect(), cumulated }
    }

    fn draw(&self, random: &mut Random) -> &str {
        let at = random.uniform() * self.cumulated.last().unwrap();
        &self.names[self.cumulated.partition_point(|sum| *sum < at)]
    }

    fn history(&self, random: &mut Random) -> NewClasses {
        let mut test = NewClasses::new();
        for i in 0..HISTORY {
            let classes: Vec<_> = (0..poisson(random, INCIDENTS)).map(|_| self.draw(random)).collect();
            test.observe_history(i, classes).unwrap();
        }
        test
    }
}

fn poisson(random: &mut Random, mean: f64) -> u64 {
    let (mut product, mut count) = (random.uniform(), 0);
    while product > (-mean).exp() {
        product *= random.uniform();
        count += 1;
    }
    count
}

impl Default for More {
    fn default() -> Self {
        Self { exposure: EXPOSURE, outside: 0.0, canary: 0.0, unstable: 0.0 }
    }
}

/// What happened in one run: the minute, from 1, in which each rule was first broken.
#[derive(Default)]
struct Run {
    /// Any class that nobody had before.
    any: Option<i64>,
    warning: Option<i64>,
    regression: Option<i64>,
    /// Of the number of distinct new classes.
    distinct: Option<i64>,
}

/// Incidents a minute, in the mean, beside the background.
struct More {
    /// The share says how the background and what comes from outside are split.
    exposure: Exposure,
    /// Of one new class on both tracks.
    outside: f64,
    /// Of one on the canary.
    canary: f64,
    /// On the canary, each of another name.
    unstable: f64,
}

fn run(background: &Background, mut test: NewClasses, random: &mut Random, more: &More) -> Run {
    let mut run = Run::default();
    let mut distinct = CountsTest::default();
    let margin = Ratio::new(1.0).unwrap();
    let names: Vec<_> = (0..MINUTES).map(|i| format!("at {i}")).collect();
    for (i, unstable) in (1..).zip(&names) {
        let mut classes = minute(HISTORY + i, &[], &[]);
        let both = (0..poisson(random, INCIDENTS)).map(|_| background.draw(random)).collect::<Vec<_>>();
        for class in both.into_iter().chain((0..poisson(random, more.outside)).map(|_| "outside")) {
            let track = if random.uniform() < more.exposure.share {
                &mut classes.canary
            } else {
                &mut classes.stable
            };
            track.insert(class);
        }
        for (mean, class) in [(more.canary, "canary"), (more.unstable, unstable)] {
            if poisson(random, mean) > 0 {
                classes.canary.insert(class);
            }
        }
        let first = test.observe(&classes).unwrap();
        let block = Errors::new((first.canary, 150), (first.stable, 450)).unwrap();
        distinct.observe(Overdispersion::NONE, [block.ln_factors(margin)]);
        let findings = test.findings(more.exposure, 0.01).unwrap();
        let of = |level| findings.classes.iter().any(|new| new.level >= level).then_some(i);
        run.any = run.any.or((first.canary > 0).then_some(i));
        run.warning = run.warning.or(of(Level::Warning));
        run.regression = run.regression.or(of(Level::Regression));
        run.distinct = run.distinct.or((distinct.ln_e() >= 100.0_f64.ln()).then_some(i));
    }
    run
}

/// Runs with ten histories of their own.
fn runs(count: u64, more: &More) -> Vec<Run> {
    let background = Background::new();
    let mut random = Random::new(count);
    let histories: Vec<_> = (0..10).map(|_| background.history(&mut random)).collect();
    let one = |test: &NewClasses, random: &mut Random| run(&background, test.clone(), random, more);
    (0..count / 10)
        .flat_map(|_| histories.iter().map(|test| one(test, &mut random)).collect::<Vec<_>>())
        .collect()
}

fn count(runs: &[Run], broken: fn(&Run) -> Option<i64>) -> u64 {
    runs.iter().filter(|run| broken(run).is_some()).count() as u64
}

/// The median of when it was broken; a run in which it was not comes last.
fn median(runs: &[Run], broken: fn(&Run) -> Option<i64>) -> i64 {
    let mut minutes: Vec<_> = runs.iter().map(|run| broken(run).unwrap_or(i64::MAX)).collect();
    minutes.sort_unstable();
    minutes[minutes.len() / 2]
}

#[test]
fn a_long_tail_raises_no_alarm_but_where_any_new_class_is_one() {
    let runs = runs(RUNS, &More::default());
    let regressions = count(&runs, |run| run.regression);
    assert!(regressions <= RUNS / 200, "{regressions} of {RUNS}");
    for (what, found) in
        [("warnings", count(&runs, |run| run.warning)), ("distinct", count(&runs, |run| run.distinct))]
    {
        assert!(found <= MOST_ALARMS, "{what}: {found} of {RUNS}");
    }
    let any = count(&runs, |run| run.any);
    assert!(any >= RUNS * 98 / 100, "{any} of {RUNS}");
}

#[test]
fn a_class_from_outside_is_no_regression_but_where_the_history_alone_is_asked() {
    let exposure = Exposure { canary_requests: 36_000, share: 0.5, ..EXPOSURE };
    let runs = runs(RUNS, &More { exposure, outside: 0.5, ..More::default() });
    let regressions = count(&runs, |run| run.regression);
    assert!(regressions <= MOST_ALARMS, "{regressions} of {RUNS}");
    let by_history = count(&runs, |run| run.warning);
    assert!(by_history > MOST_ALARMS, "{by_history} of {RUNS} is within the bound");
}

/// At 6,000 requests a minute, of which the canary gets a quarter.
#[test]
fn a_new_class_at_a_thousandth_of_requests_is_found_within_five_minutes() {
    let runs = runs(100, &More { canary: 1.5, ..More::default() });
    assert!(median(&runs, |run| run.regression) <= 5);
    assert_eq!(count(&runs, |run| run.regression.filter(|at| *at <= 10)), 100);
}

#[test]
fn errors_of_another_name_each_time_are_found_by_how_many_names_are_new() {
    let runs = runs(100, &More { unstable: 1.5, ..More::default() });
    assert!(count(&runs, |run| run.regression) <= 3);
    let distinct = median(&runs, |run| run.distinct);
    assert!(distinct <= 20, "{distinct}");
}
