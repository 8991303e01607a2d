//! The program `detection`: its runs are what they claim to be.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says what it expects")]

use std::collections::BTreeMap;
use std::process::{Command, Output};

use nprt::compare::replay::Record;
use nprt::model::{Block, BlockData, Track};

fn detection(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_detection")).args(arguments).output().unwrap()
}

fn text(output: &Output) -> &str {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    str::from_utf8(&output.stdout).unwrap()
}

fn blocks(lines: &str) -> Vec<Block> {
    lines.lines().map(|line| Record::read(line).unwrap().block).collect()
}

fn dump(cell: &str, more: &[&str]) -> Vec<Block> {
    blocks(text(&detection(&[&["dump", "--cell", cell], more].concat())))
}

/// The samples of each minute, track and pod, routes put together.
fn samples(blocks: &[Block]) -> BTreeMap<(i64, Track, Option<String>), Vec<f64>> {
    let mut all = BTreeMap::<_, Vec<f64>>::new();
    for block in blocks {
        let BlockData::Samples(samples) = &block.data else { panic!("{:?}", block.data) };
        all.entry((block.minute, block.track, block.pod.clone())).or_default().extend(samples);
    }
    all
}

#[test]
fn a_seed_has_the_same_requests_whatever_the_effect_and_told_apart_by_route_or_not() {
    let same = dump("routes|noisy|60|none", &[]);
    assert_eq!(same, dump("routes|noisy|60|none", &[]));
    assert_ne!(same, dump("routes|noisy|60|none", &["--first", "1"]));
    assert!(same.iter().all(|block| block.route.is_some()));
    let same = samples(&same);
    assert_eq!(same, samples(&dump("routes|noisy|60|none", &["--pooled"])));

    for (key, worse) in samples(&dump("routes|noisy|60|+10%", &[])) {
        let factor = if key.1 == Track::Canary { 1.1 } else { 1.0 };
        let expected: Vec<_> = same[&key].iter().map(|seconds| seconds * factor).collect();
        assert_eq!(worse, expected, "{key:?}");
    }
}

#[test]
fn the_history_is_an_hour_of_stable_before_the_canary() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("history.jsonl");
    let run = dump("errors|steady|600|0.05% x10", &["--history", path.to_str().unwrap()]);
    let history = blocks(&std::fs::read_to_string(path).unwrap());
    let minutes = |blocks: &[Block]| (blocks[0].minute, blocks.last().unwrap().minute);
    let start = run[0].minute;
    assert_eq!(minutes(&history), (start - 60, start - 1));
    assert_eq!(minutes(&run), (start, start + 119));
    assert!(history.iter().all(|block| block.track == Track::Stable));

    let (mut errors, mut requests) = (BTreeMap::new(), BTreeMap::new());
    for block in run {
        if let BlockData::Requests { requests: all, errors: failed } = block.data {
            *requests.entry(block.track).or_insert(0) += all;
            *errors.entry(block.track).or_insert(0) += failed;
        }
    }
    let rate = |track| errors[&track] as f64 / requests[&track] as f64;
    let ratio = rate(Track::Canary) / rate(Track::Stable);
    assert!((4.0..25.0).contains(&ratio), "ten times as many fail, and {ratio}");
    let ratio = requests[&Track::Stable] as f64 / requests[&Track::Canary] as f64;
    assert!((2.9..3.1).contains(&ratio), "{ratio}");
}

#[test]
fn what_is_twice_as_slow_is_found_and_what_is_misread_is_refused() {
    for cell in ["routes|clean|600|x2", "nab|heavy|600|x2|incident", "azure|noisy|1|x2", "cpu|0%|1|x2"] {
        let output = detection(&["run", "--cell", cell, "--seeds", "4"]);
        assert!(text(&output).contains("regression  100.0 % (39.8 to 100.0 %)"), "{}", text(&output));
    }
    for (cell, fault) in [
        ("routes|loud|600|x2", "expected clean, noisy or heavy"),
        ("routes|noisy|600|+10", "effect \"+10\""),
        ("routes|noisy|600|none|warm", "neither cold nor incident"),
        ("memory|noisy|600|none", "source \"memory\""),
        ("cpu|4%", "expected source|noise|rate|effect"),
    ] {
        let output = detection(&["run", "--cell", cell]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(fault), "{said}");
    }
}

/// The policy whose bounds the quick form of the table holds.
const KEEPS_ITS_BOUNDS: &str = "default";

/// Six runs of a cell are enough for what is always wrong, and few enough for a build without optimisation.
fn quick_table(ours: &str) -> Output {
    let quick = ["table", "--quick", "--check", "--seeds", "6", "--policies", ""];
    detection(&[&quick[..], &["--ours", ours]].concat())
}

#[test]
fn a_bound_that_is_broken_beyond_chance_fails_the_table_and_one_that_is_kept_does_not() {
    // The plain rule cries wolf, by its own documentation: the check must say so.
    let output = quick_table("method");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "{said}");
    let broken = said.lines().last().unwrap();
    assert!(broken.contains("method breaks the bounds of: Same version, all cells;"), "{broken}");
    assert!(broken.contains("Same version, cold start"), "{broken}");
    assert!(!broken.contains("+25 %"), "what is a quarter slower it does find: {broken}");

    let output = quick_table(KEEPS_ITS_BOUNDS);
    assert!(text(&output).contains("Same version, all cells"));
}

#[test]
fn judges_of_others_find_what_is_a_quarter_slower_and_the_document_says_what_was_run() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_str().unwrap();
    let table = ["table", "--quick", "--row", "+25 %", "--seeds", "2", "--ours", "method", "--write", path];
    let output = detection(&table);
    let printed = text(&output);
    let judges = ["flagger", "flagger-fixed", "argo", "argo-5m", "kayenta", "kayenta-30m"];
    let found = printed.lines().find(|line| line.starts_with("| +25 %, worst cell | 5 to 11 min |")).unwrap();
    assert_eq!(found.matches("100.0 % (15.8–100.0)").count(), 1 + judges.len(), "{found}");

    let document = std::fs::read_to_string(directory.path().join("evaluation.md")).unwrap();
    assert!(document.contains(r#"table --seeds 2 --quick --row "+25 %""#), "{document}");
    assert!(printed.lines().all(|line| document.contains(line)));
    let plot = std::fs::read_to_string(directory.path().join("evaluation-detection.svg")).unwrap();
    assert!(judges.iter().all(|judge| document.contains(judge) && plot.contains(judge)));
    assert!(!directory.path().join("evaluation-false-alarms.svg").exists(), "no row of it was run");

    let output = detection(&["table", "--policies", "flager"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains(r#"policy "flager""#), "{said}");
}
