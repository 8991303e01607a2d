//! Verdicts on real traffic, by the server's demo, in which a minute takes a second.

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
