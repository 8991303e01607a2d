//! A run's lines stand together, ordered by minute.

use nprt_compare::replay::Replay;

use crate::judging::policy;

fn series(lines: impl IntoIterator<Item = (String, i64)>) -> String {
    let line = |(run, minute)| {
        format!(r#"{{"run": {run}, "minute": {minute}, "track": "stable", "metric": "cpu", "value": 1}}"#)
            + "\n"
    };
    lines.into_iter().map(line).collect()
}

/// How many verdicts come, and the error after them.
fn replay(series: &str) -> (usize, Option<String>) {
    let mut decided = 0;
    for judged in Replay::new(policy(), series.as_bytes()).unwrap() {
        match judged {
            Ok(_) => decided += 1,
            Err(error) => return (decided, Some(error.to_string())),
        }
    }
    (decided, None)
}

#[test]
fn minutes_do_not_go_back_and_runs_do_not_come_again() {
    let lines =
        |lines: &[(&str, i64)]| series(lines.iter().map(|(run, minute)| ((*run).to_owned(), *minute)));
    let (a, b) = (r#""a""#, r#""b""#);
    assert_eq!(replay(&lines(&[(a, 5), (a, 5), (a, 9), (b, 0), (b, 1)])), (4, None));

    let (decided, error) = replay(&lines(&[(a, 5), (a, 6), (a, 6), (a, 5)]));
    assert_eq!((decided, error.unwrap()), (1, "replay.order: invalid: minute 5 after 6: expected a run's lines by minute (field: minute, run: \"a\", line: 4)".to_owned()));

    for again in [5, 6] {
        let (decided, error) = replay(&lines(&[(a, 5), (b, 5), (a, again)]));
        assert_eq!((decided, error.unwrap()), (1, "replay.order: invalid: this run came before, and another since: expected a run's lines together (field: run, run: \"a\", line: 3)".to_owned()));
    }
    // A number is another run than its text.
    assert_eq!(replay(&lines(&[("1", 5), (r#""1""#, 0)])), (2, None));
}

/// Memory is bounded: what came long ago is not known any more.
#[test]
fn the_last_1024_runs_are_remembered() {
    let runs = |others: usize| {
        let others = (0..others).map(|other| (format!("{other}"), 0));
        let again = ("\"a\"".to_owned(), 0);
        replay(&series([again.clone()].into_iter().chain(others).chain([again])))
    };
    let (decided, error) = runs(1024);
    assert_eq!(decided, 1024);
    assert!(error.unwrap().contains("came before"));
    assert_eq!(runs(1025), (1027, None));
}
