//! The example `detection`: its runs are what they claim to be.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says what it expects")]

use std::collections::BTreeMap;
use std::process::{Command, Output};

use nprt::compare::replay::Record;
use nprt::model::{Block, BlockData, Track};

mod support;

fn detection(arguments: &[&str]) -> Output {
    Command::new(support::example("detection")).args(arguments).output().unwrap()
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
