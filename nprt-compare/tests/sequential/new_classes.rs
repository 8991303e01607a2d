use std::collections::BTreeSet;

use nprt_compare::statistics::new_classes::{Exposure, FirstSeen, Level, Minute, NewClasses, Thresholds};
use proptest::{prop_assert, prop_assert_eq, proptest};

pub(crate) fn minute<'a>(minute: i64, stable: &[&'a str], canary: &[&'a str]) -> Minute<'a> {
    let [stable, canary] = [stable, canary].map(|classes| classes.iter().copied().collect());
    Minute { minute, stable, canary }
}

/// A day of history at 600 requests a minute, two hours of a quarter of it: 2 and 4 incidents.
pub(crate) const EXPOSURE: Exposure =
    Exposure { history_requests: 864_000, canary_requests: 18_000, share: 0.25 };

#[test]
fn a_new_class_warns_by_the_history_and_is_a_regression_beside_stable() {
    let mut test = NewClasses::new();
    test.observe_history(0, ["known", "known"]).unwrap();
    let mut seen = vec![];
    for i in 1..=4 {
        test.observe(&minute(i, &[], &["known", "new"])).unwrap();
        let findings = test.findings(EXPOSURE, 0.01).unwrap();
        seen.push(findings.classes.first().map(|new| (new.incidents, new.level)));
    }
    let warning = |incidents| Some((incidents, Level::Warning));
    assert_eq!(seen, [None, warning(2), warning(3), Some((4, Level::Regression))]);
    // One incident on stable, beside the canary or at once with it, and it is no news.
    test.observe(&minute(5, &["new"], &["new"])).unwrap();
    for i in 6..20 {
        test.observe(&minute(i, &[], &["new"])).unwrap();
    }
    assert_eq!(test.findings(EXPOSURE, 0.01).unwrap().classes, []);
}

#[test]
fn a_class_that_may_only_be_rare_is_neither_however_seldom_stable_would_miss_it() {
    let mut test = NewClasses::new();
    test.observe_history(0, ["known"]).unwrap();
    let exposure = Exposure { history_requests: 60_000, share: 0.01, ..EXPOSURE };
    let mut seen = vec![];
    for i in 1..=4 {
        test.observe(&minute(i, &[], &["new"])).unwrap();
        let findings = test.findings(exposure, 0.01).unwrap();
        assert_eq!(findings.thresholds, Thresholds { history: Some(4), beside: Some(1) });
        seen.push(findings.classes.first().map(|new| new.level));
    }
    assert_eq!(seen, [None, None, None, Some(Level::Regression)]);
}

#[test]
fn a_class_counts_where_it_showed_first() {
    let mut test = NewClasses::new();
    test.observe_history(0, ["known"]).unwrap();
    for (at, stable, canary, expected) in [
        (1, vec!["known", "a"], vec!["known", "b"], (1, 1)),
        (2, vec!["b"], vec!["a"], (0, 0)),
        (3, vec!["c"], vec!["c"], (1, 0)),
        (4, vec![], vec!["d", "e"], (0, 2)),
        (5, vec!["d"], vec!["d", "e"], (0, 0)),
    ] {
        let first = test.observe(&minute(at, &stable, &canary)).unwrap();
        assert_eq!((first.stable, first.canary), expected, "minute {at}");
    }
}

#[test]
pub(crate) fn minutes_come_once_and_in_order() {
    let mut test = NewClasses::new();
    test.observe_history(5, ["a"]).unwrap();
    for at in [5, 4] {
        assert!(test.observe_history(at, ["b"]).is_err() && test.observe(&minute(at, &[], &["b"])).is_err());
    }
    test.observe(&minute(6, &[], &["b"])).unwrap();
    let before = test.clone();
    for at in [6, i64::MIN] {
        let error = test.observe(&minute(at, &["c"], &["d"])).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "compare.test: invalid: expected each minute once, in ascending order (minute: {at}, last: 6)"
            )
        );
    }
    assert!(test.observe_history(7, ["c"]).unwrap_err().to_string().contains("before the run"));
    assert_eq!(test, before);
}

#[test]
fn too_many_classes_are_no_ground_for_a_pass_and_accuse_nobody() {
    let names: Vec<_> = (0..=NewClasses::MOST_CLASSES).map(|i| i.to_string()).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let (fits, last) = (&names[1..], names[0]);
    let findings = |test: &NewClasses| {
        let stored = serde_json::to_string(test).unwrap();
        let test: NewClasses = serde_json::from_str(&stored).unwrap();
        let findings = test.findings(EXPOSURE, 0.01).unwrap();
        (findings.complete, findings.classes.len())
    };
    // Of the history; what else the canary has may have been among the forgotten.
    let mut test = NewClasses::new();
    test.observe_history(0, fits.iter().copied()).unwrap();
    for i in 1..9 {
        test.observe(&minute(i, fits, &["new"])).unwrap();
    }
    assert_eq!(findings(&test), (true, 1));
    assert_eq!(test.observe(&minute(9, &[last], &["other"])).unwrap(), FirstSeen { stable: 0, canary: 1 });
    assert_eq!(findings(&test), (false, 0));
    // Of the canary: those that were kept still tell.
    let mut test = NewClasses::new();
    test.observe_history(0, ["known"]).unwrap();
    for i in 1..9 {
        test.observe(&minute(i, &[], fits)).unwrap();
    }
    assert_eq!(findings(&test), (true, fits.len()));
    assert_eq!(test.observe(&minute(9, &[], &[last])).unwrap(), FirstSeen::default());
    assert_eq!(findings(&test), (false, fits.len()));
}

#[test]
fn a_state_that_is_none_is_an_error() {
    let state = |stable: &str, canary: &str| {
        let rest = r#""last_history":null,"last":3,"stable_full":false,"canary_full":false"#;
        serde_json::from_str::<NewClasses>(&format!(
            r#"{{"stable":{{{stable}}},"canary":{{{canary}}},{rest}}}"#
        ))
    };
    assert!(state(r#""7":64"#, r#""a":1"#).is_ok());
    // The second is the fingerprint of `a`.
    for (stable, canary) in [(r#""7":65"#, ""), (r#""14598278634844962250":1"#, r#""a":1"#), ("", r#""a":0"#)]
    {
        assert!(state(stable, canary).is_err(), "{stable} {canary}");
    }
}

proptest! {
    /// Minutes with classes from a few names on both tracks, in a history and a run.
    #[test]
    fn what_is_found_is_what_counting_finds_and_the_state_goes_on(
        history in proptest::collection::vec(proptest::collection::btree_set(0_u8..9, 0..4), 0..9),
        run in proptest::collection::vec(
            (proptest::collection::btree_set(0_u8..9, 0..3), proptest::collection::btree_set(0_u8..12, 0..4)), 0..20,
        ),
    ) {
        let names: Vec<_> = (0..12).map(|class| format!("class {class}")).collect();
        let named = |classes: &BTreeSet<u8>| -> BTreeSet<_> {
            classes.iter().map(|&class| names[usize::from(class)].as_str()).collect()
        };
        let mut test = NewClasses::new();
        for (i, classes) in (0..).zip(&history) {
            test.observe_history(i, named(classes)).unwrap();
        }
        for (i, (stable, canary)) in (100..).zip(&run) {
            test.observe(&Minute { minute: i, stable: named(stable), canary: named(canary) }).unwrap();
            test = serde_json::from_str(&serde_json::to_string(&test).unwrap()).unwrap();
        }
        let findings = test.findings(EXPOSURE, 0.01).unwrap();
        let on_stable: BTreeSet<_> =
            history.iter().chain(run.iter().map(|(stable, _)| stable)).flatten().copied().collect();
        let expected: Vec<_> = (0_u8..12)
            .filter(|class| !on_stable.contains(class))
            .map(|class| (class, run.iter().filter(|(_, canary)| canary.contains(&class)).count()))
            .filter(|&(_, incidents)| incidents >= findings.thresholds.history.unwrap() as usize)
            .map(|(class, incidents)| (names[usize::from(class)].as_str(), incidents))
            .collect::<std::collections::BTreeMap<_, _>>()
            .into_iter()
            .collect();
        let found: Vec<_> =
            findings.classes.iter().map(|new| (new.class, new.incidents as usize)).collect();
        prop_assert_eq!(found, expected);
        prop_assert!(findings.complete);
    }
}
