//! Verdicts on real traffic, by the server's demo, in which a minute takes a second.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::deployer;
use crate::desk::Desk;

#[test]
fn a_slow_canary_is_watched_to_its_verdict_and_reported() {
    let server = deployer::demo(&["--no-autopilot"]);
    let desk = Desk::new(&server);
    let slow = server.tags[2].as_str();
    desk.run(&["canary", "boutique", "--tag", slow]).is(0);
    let watched = desk.run(&["watch", "boutique", "--interval", "1", "--timeout", "300"]).is(3);
    watched.says(&[&format!("boutique: {slow} since "), "METRIC", "latency", " ms ", "regression: latency"]);
    assert!(watched.err.contains("inconclusive: "), "{}", watched.err);
    desk.run(&["ls"]).is(0).says(&[slow, "regression"]);
    desk.run(&["rollback", "boutique", "--reason", "as slow as it looks"]).is(0);
    let page = desk.run(&["report", "boutique", "--save", "-"]).is(0).out;
    for part in
        ["<title>boutique: regression</title>", "<svg", slow, "regressed", "by you: as slow as it looks"]
    {
        assert!(page.contains(part), "{part} in {page}");
    }
}

#[test]
fn the_autopilot_rolls_back_what_is_watched() {
    let server = deployer::demo(&[]);
    let desk = Desk::new(&server);
    let (first, slow) = (server.tags[0].as_str(), server.tags[2].as_str());
    let mut watch = desk.command(&["canary", "boutique", "--tag", slow, "--watch"]);
    let ran = desk.ran(watch.output().unwrap()).is(3);
    ran.says(&["runs on canary"]);
    let began = std::time::Instant::now();
    // The verdict may be known a moment before the canary is gone.
    while desk.json(&["status", "boutique"])["canary"] != serde_json::Value::Null {
        assert!(began.elapsed().as_secs() < 120, "{}", server.log());
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    let status = desk.json(&["status", "boutique"]);
    assert_eq!(status["stable"]["tag"], first, "{status}");
    let page = desk.run(&["report", "boutique", "--save", "-"]).is(0).out;
    for part in ["rolled back", "by autopilot: latency", slow] {
        assert!(page.contains(part), "{part} in {page}");
    }
}

/// What the demo tells a newcomer to type does what it says.
#[test]
fn what_the_demo_says_can_be_typed() {
    let server = deployer::demo(&[]);
    let desk = Desk::new(&server);
    let block = server.hello.split("Type, in another terminal").nth(1).unwrap().split("\n\n").next().unwrap();
    let lines: Vec<&str> = block.lines().filter_map(|line| line.strip_prefix("  ")).collect();
    let [export, ls, canary, report, curl] = lines[..] else { panic!("{lines:?}") };
    let program = Path::new(env!("CARGO_BIN_EXE_depctl")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let typed = |line: &str| {
        let mut shell = Command::new("bash");
        shell.args(["-c", &format!("{export}\n{line}")]).env_clear().env("PATH", &path);
        // A browser that shows nothing; what it is given stays in this home.
        shell.env("BROWSER", "true").env("TMPDIR", desk.home.path()).env("HOME", desk.home.path());
        desk.ran(shell.stdin(Stdio::null()).output().unwrap())
    };
    let (first, slow) = (server.tags[0].as_str(), server.tags[2].as_str());
    typed(ls).is(0).says(&["boutique", first]);
    typed(canary).is(3).says(&[slow, "runs on canary"]);
    assert!(typed(report).is(0).err.starts_with("opened "));
    typed(curl).is(0).says(&["\"boutique\"", first]);
}
