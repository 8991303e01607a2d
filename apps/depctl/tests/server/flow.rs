//! Every command once, on a service in memory with a git repository and an image layout.

use serde_json::json;

use crate::deployer;
use crate::desk::Desk;
use crate::process::Process;
use crate::world::World;

pub(crate) const TOKEN: &str = "correct-horse-battery";

pub(crate) fn serve(world: &World) -> Process {
    let tokens = json!([{"name": "ada", "secret": TOKEN}]);
    // A person decides here.
    let autopilot = json!({"interval_seconds": 1, "enabled": false});
    let config = world.config(json!({"tokens": tokens, "autopilot": autopilot}), json!({}));
    deployer::serve(&config, TOKEN)
}

#[test]
fn a_version_is_deployed_tried_held_promoted_and_the_next_one_rolled_back() {
    let world = World::new();
    let server = serve(&world);
    let desk = Desk::new(&server);
    let tags: [String; 3] = [0, 1, 2].map(|number| world.tag(number));
    let short = |number: usize| &world.commits[number][..12];

    desk.run(&["version"]).is(0).says(&["depctl", "deployer", env!("CARGO_PKG_VERSION")]);
    desk.run(&["ls"]).is(0).says(&["SERVICE", "other    -", "web      -"]);
    desk.run(&["tags", "web"]).is(0).says(&["registry.example.com/web", &tags[0], "on all images"]);
    let nowhere = desk.run(&["show", "nowhere"]).is(1);
    assert!(nowhere.err.contains("no such service") && nowhere.err.contains("other, web"), "{}", nowhere.err);

    let would = desk.run(&["deploy", "web", "--tag", &tags[0], "--dry-run"]).is(0);
    would.says(&["--- /dev/null", "+++ new/Deployment/", "would change 1 objects"]);
    desk.run(&["status", "web"]).is(0).says(&["stable     -"]);
    let deployed = desk.run(&["deploy", "web", "--tag", &tags[0], "--reason", "to begin"]).is(0);
    deployed.says(&[&format!("web: {} ({}) runs on stable", tags[0], short(0)), "1 created"]);
    // Its steps came as server-sent events while it went on.
    for step in ["version: ", "apply: Deployment/default/web created", "1 of 1 pods updated"] {
        assert!(deployed.err.contains(step), "{step} in {}", deployed.err);
    }

    let started = desk.run(&["canary", "web", "--commit", &world.commits[1]]).is(0);
    started.says(&[
        &format!("web: {} ({}) runs on canary", tags[1], short(1)),
        "expected: not known: too little is known of stable's latency",
    ]);
    desk.run(&["watch", "web", "--once"]).is(4).says(&["inconclusive: "]);
    desk.run(&["hold", "web", "--reason", "the fair"])
        .is(0)
        .says(&["web: autopilot held by ada since 2", ": the fair"]);
    desk.run(&["status", "web"]).is(0).says(&[&tags[1], ", by ada, since 2", "autopilot  held by ada"]);
    desk.run(&["ls"]).is(0).says(&[&tags[0], &tags[1], "inconclusive", "held"]);
    desk.run(&["resume", "web"]).is(0).says(&["web: autopilot goes on"]);
    let status = desk.json(&["status", "web"]);
    assert_eq!((&status["canary"]["tag"], &status["held"]), (&json!(tags[1]), &json!(null)), "{status}");

    let another = desk.run(&["promote", "web", "--tag", &tags[2]]).is(1);
    assert!(another.err.contains("the canary is of another version"), "{}", another.err);
    desk.run(&["promote", "web", "--commit", &world.commits[1]]).is(0).says(&["runs on stable"]);
    desk.run(&["show", "web"]).is(0).says(&[
        &tags[1],
        "canary     -",
        "registry.example.com/web",
        "manifests: kubernetes",
    ]);
    desk.run(&["watch", "web", "--once"]).is(1);

    desk.run(&["canary", "web", "--tag", &tags[2]]).is(0);
    let rolled_back = desk.run(&["rollback", "web", "--reason", "no <b>good</b>"]).is(0);
    rolled_back.says(&[&format!("the canary {} ({}) was removed", tags[2], short(2)), &tags[1]]);
    report(&desk, &tags[2]);
}

/// It ended, and its report is still there: in a file, on stdout, and in a browser.
fn report(desk: &Desk<'_>, tag: &str) {
    let file = desk.file("report.html");
    desk.run(&["report", "web", "--save", file.to_str().unwrap()]).is(0);
    let page = std::fs::read_to_string(&file).unwrap();
    for part in ["<!DOCTYPE html>", tag, "rolled back", "by ada: no &lt;b&gt;good&lt;/b&gt;"] {
        assert!(page.contains(part), "{part} in {page}");
    }
    assert_eq!(desk.run(&["report", "web", "--save", "-"]).is(0).out, page);
    let browser = desk.file("browser");
    std::fs::write(
        &browser,
        format!(
            "#!/bin/sh\ncp \"$1\" {}/opened.tmp\nmv {0}/opened.tmp {0}/opened\n",
            desk.home.path().display()
        ),
    )
    .unwrap();
    std::fs::set_permissions(&browser, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let ran = desk.ran(desk.command(&["report", "web"]).env("BROWSER", &browser).output().unwrap()).is(0);
    assert!(ran.err.starts_with("opened "), "{}", ran.err);
    let began = std::time::Instant::now();
    while !desk.file("opened").exists() {
        assert!(began.elapsed().as_secs() < 60, "the browser was not started");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert_eq!(std::fs::read_to_string(desk.file("opened")).unwrap(), page);
    let _ = std::fs::remove_file(ran.err.trim().trim_start_matches("opened "));
    // As JSON there is only a canary that runs.
    assert_eq!(desk.run(&["report", "web", "-o", "json"]).code, 1);
}
