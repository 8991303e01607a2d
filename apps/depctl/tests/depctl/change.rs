//! Commands that change something.

use std::process::{Command, Stdio};

use serde_json::{Value, json};
use wiremock::ResponseTemplate;
use wiremock::matchers::{body_string_contains, header_regex};

use crate::support::{Bench, OTHER, REVISION, TOKEN, asked, deployment, object, run, running, status};

fn events(events: &[(&str, Value)]) -> ResponseTemplate {
    let body: String =
        events.iter().map(|(name, data)| format!(": tick\n\nevent: {name}\ndata: {data}\n\n")).collect();
    ResponseTemplate::new(200).set_body_raw(body, "text/event-stream")
}

fn step(event: &str, text: &str) -> (&'static str, Value) {
    ("progress", json!({"event": event, "text": text}))
}

fn steps() -> Vec<(&'static str, Value)> {
    let rollout = |updated: u64| {
        (
            "progress",
            json!({"event": "rollout", "workload": object("shop"), "updated": updated, "desired": 3,
            "message": "m", "text": format!("Deployment/default/shop: {updated} of 3 pods")}),
        )
    };
    vec![
        step("leased", "holds the lease (epoch 4)"),
        step("resolved", "version 3f2a91c0b1d2: Tidy up (Ada <ada@example.com>)"),
        step("warning", "warning: careful"),
        step("warning", "warning: careful"),
        step("tagged", "found the tag main-3f2a91c on 2 images"),
        step("a_new_one", "something newer"),
        rollout(1),
        rollout(3),
    ]
}

const SUMMARY: &str = "\
shop: main-3f2a91c (3f2a91c0b1d2) runs on stable
objects: 1 configured, 1 unchanged
warning: Deployment/cart: runs no image of this version
";

#[tokio::test(flavor = "multi_thread")]
async fn deploy_shows_its_steps() {
    let bench = Bench::new().await;
    let mut told = steps();
    told.push(("done", deployment("stable")));
    let streamed = asked("PUT", "/shop/deploy").and(header_regex("accept", "^text/event-stream"));
    bench.mount(streamed, events(&told)).await;
    let arguments =
        ["deploy", "-t", "main-3f2a91c", "-c", "main", "-r", "why not", "--wait", "60", "--notify", "false"];
    let ran = bench.run(&arguments).is(0);
    assert_eq!(ran.out, SUMMARY);
    let expected = "\
lease: holds the lease (epoch 4)
version: version 3f2a91c0b1d2: Tidy up (Ada <ada@example.com>)
warning: careful
images: found the tag main-3f2a91c on 2 images
something newer
rollout: Deployment/default/shop: 1 of 3 pods
rollout: Deployment/default/shop: 3 of 3 pods
";
    assert_eq!(ran.err, expected);
    let form = "commit=main&tag=main-3f2a91c&reason=why+not&notify=false&wait=60";
    assert_eq!(bench.changes().await, [format!("PUT /shop/deploy {form}")]);
    assert_eq!(bench.run(&["deploy", "-t", "x", "-q"]).is(0).err, "");
    assert_eq!(bench.run(&["deploy", "-t", "x", "-o", "json"]).is(0).json(), deployment("stable"));
}

/// Through a terminal: a phase after the other, a bar for the pods.
#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_gets_bars() {
    let bench = Bench::new().await;
    let mut told = steps();
    told.push(("done", deployment("stable")));
    bench.mount(asked("PUT", "/shop/deploy"), events(&told)).await;
    let ran = run(&mut in_terminal(&bench, "deploy shop -t x")).is(0);
    for part in ["✓ lease", "✓ version", "✓ images", "✓ rollout", "3/3 pods", "warning: careful"] {
        assert!(ran.out.contains(part), "{part} is not in {}", ran.out);
    }
}

/// The program on a terminal of its own.
fn in_terminal(bench: &Bench, arguments: &str) -> Command {
    let mut command = Command::new("script");
    command.args([
        "-qec",
        &format!("stty cols 100; {} {arguments}", env!("CARGO_BIN_EXE_depctl")),
        "/dev/null",
    ]);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("TERM", "xterm");
    command.env("HOME", bench.home.path()).env("DEPCTL_URL", bench.server.uri()).env("DEPCTL_TOKEN", TOKEN);
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deploy_that_fails_is_told() {
    let bench = Bench::new().await;
    let problem = json!({"title": "t", "status": 422, "detail": "pods crash", "kind": "rollout failed",
        "context": {"workload": "Deployment/shop"}});
    let told = [step("leased", "holds the lease (epoch 4)"), ("failed", problem)];
    bench.mount(asked("PUT", "/shop/deploy"), events(&told)).await;
    let ran = bench.run(&["deploy", "-t", "x"]).is(1);
    let expected = "lease: holds the lease (epoch 4)\nerror: rollout failed (422): pods crash\n  workload: Deployment/shop\n";
    assert_eq!(ran.err, expected);

    bench.mount(asked("PUT", "/cart/deploy"), events(&told[..1])).await;
    let ran = bench.run(&["deploy", "cart", "-t", "x"]).is(5);
    assert!(ran.err.contains("before the operation was over\n  the operation may go on"), "{}", ran.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn canary_says_how_long_its_verdict_takes() {
    for (expected, said) in [
        (
            json!({"detect_minutes": 12, "pass_minutes": 40, "why": null}),
            "+25 % is found after about 12 min, a pass after about 40 min",
        ),
        (
            json!({"detect_minutes": 12, "pass_minutes": null, "why": "there is too little\ntraffic"}),
            "+25 % is found after about 12 min, a pass at a time that is not known: there is too little traffic",
        ),
        (
            json!({"detect_minutes": null, "pass_minutes": null, "why": "the metrics do not answer"}),
            "not known: the metrics do not answer",
        ),
        // A server that does not say why.
        (json!({"detect_minutes": null, "pass_minutes": null}), "not known"),
    ] {
        let bench = Bench::new().await;
        let mut canary = deployment("canary");
        canary["expected"] = expected;
        // A server, or a proxy, that does not stream.
        bench.answer("PUT", "/shop/canary", canary).await;
        let ran = bench.run(&["canary", "-t", "x"]).is(0);
        assert!(ran.out.contains("runs on canary"), "{}", ran.out);
        assert!(ran.out.contains(&format!("\nexpected: {said}\n")), "{said} in {}", ran.out);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commit_is_head_if_it_was_pushed() {
    let bench = Bench::new().await;
    bench.answer("PUT", "/shop/deploy", deployment("stable")).await;
    let ran = bench.run(&["deploy", "shop"]).is(2);
    assert!(ran.err.contains("no commit to take for HEAD: fatal: not a git repository"), "{}", ran.err);
    let head = bench.checkout();
    for not_pushed in [&["deploy"][..], &["deploy", "-c", "HEAD"]] {
        let ran = bench.run(not_pushed).is(2);
        let expected = format!(
            "error: HEAD ({}) was not pushed: no branch of a remote has it\n  push it, or name a version by --commit or --tag\n",
            &head[..12]
        );
        assert_eq!(ran.err, expected);
    }
    assert!(bench.changes().await.is_empty());
    bench.push();
    assert_eq!(bench.run(&["deploy"]).is(0).err, "");
    std::fs::write(bench.directory().join("file"), "new").unwrap();
    bench.git(&["add", "file"]);
    assert_eq!(bench.run(&["deploy"]).is(0).err, "note: changes that are not committed are in no version\n");
    assert_eq!(
        bench.changes().await,
        [format!("PUT /shop/deploy commit={head}"), format!("PUT /shop/deploy commit={head}")]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_shows_the_diff() {
    let bench = Bench::new().await;
    let shop = |image: &str| {
        json!({"kind": "Deployment", "metadata": {"name": "shop", "resourceVersion": image, "uid": image},
            "spec": {"replicas": 3, "image": image}, "status": {"replicas": image}})
    };
    let preview = json!({
        "service": "shop", "track": "stable", "revision": REVISION, "tag": "main-3f2a91c",
        "objects": [
            {"object": object("shop"), "change": "configured", "before": shop("shop:1"), "after": shop("shop:2")},
            {"object": object("new"), "change": "created", "before": null, "after": {"kind": "Deployment"}},
            {"object": object("same"), "change": "unchanged", "before": {}, "after": {}}
        ],
        "removed": [object("shop-canary")], "pruned": [], "withheld": [object("route")], "warnings": ["careful"]
    });
    let dry = asked("PUT", "/shop/deploy").and(body_string_contains("dry_run=true"));
    bench.mount(dry, ResponseTemplate::new(200).set_body_json(&preview)).await;
    let expected = "\
--- live/Deployment/default/shop
+++ new/Deployment/default/shop
@@ -3,4 +3,4 @@
   name: shop
 spec:
   replicas: 3
-  image: shop:1
+  image: shop:2
--- /dev/null
+++ new/Deployment/default/new
@@ -0,0 +1 @@
+kind: Deployment
Deployment/default/shop-canary would be removed
Deployment/default/route stays as it is until the promotion
warning: careful
shop: main-3f2a91c (3f2a91c0b1d2) on stable would change 2 objects and leave 1 unchanged; nothing was changed
";
    assert_eq!(bench.run(&["deploy", "-t", "x", "--dry-run"]).is(0).out, expected);
    assert_eq!(bench.run(&["deploy", "-t", "x", "--dry-run", "-o", "json"]).is(0).json(), preview);

    let dry = asked("PUT", "/shop/promote").and(body_string_contains("dry_run=true"));
    bench.mount(dry, ResponseTemplate::new(200).set_body_json(&preview)).await;
    assert_eq!(bench.run(&["promote", "--dry-run"]).is(0).out, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn promote_rollback_hold_and_resume() {
    let bench = Bench::new().await;
    bench.answer("PUT", "/shop/promote", deployment("stable")).await;
    assert_eq!(bench.run(&["promote", "-r", "good"]).is(0).out, SUMMARY);
    bench.run(&["promote", "-c", REVISION, "-t", "x", "--wait", "5"]).is(0);
    let rollback = json!({"service": "shop", "canary": running("main-2", OTHER), "stable": running("main-1", REVISION),
        "removed": [object("shop-canary")], "ending": [object("p")], "cancelled": "canary by ci", "warnings": ["w"]});
    let dry = asked("PUT", "/shop/rollback").and(body_string_contains("dry_run=true"));
    bench.mount(dry, ResponseTemplate::new(200).set_body_json(&rollback)).await;
    let expected = "\
Deployment/default/shop-canary would be removed
canary by ci would be cancelled
warning: w
shop: the canary main-2 (abcabcabcabc) would be removed, main-1 (3f2a91c0b1d2) would serve on; nothing was changed
";
    assert_eq!(bench.run(&["rollback", "--dry-run"]).is(0).out, expected);
    bench.answer("PUT", "/shop/rollback", rollback).await;
    let expected = "shop: the canary main-2 (abcabcabcabc) was removed, main-1 (3f2a91c0b1d2) serves on\nobjects: 1 removed; \
                    pods that are still ending: 1\ncancelled: canary by ci\nwarning: w\n";
    assert_eq!(bench.run(&["rollback"]).is(0).out, expected);
    let held = json!({"service": "shop", "held": {"by": "ada", "reason": "a fair", "since": "2026-11-26T13:00:00Z"}});
    bench.answer("PUT", "/shop/hold", held).await;
    bench.answer("PUT", "/shop/resume", json!({"service": "shop", "held": null})).await;
    let ran = bench.run(&["hold", "-r", "a fair"]).is(0);
    assert_eq!(ran.out, "shop: autopilot held by ada since 2026-11-26T13:00:00Z: a fair\n");
    assert_eq!(bench.run(&["resume", "shop"]).is(0).out, "shop: autopilot goes on\n");
    let expected = [
        "PUT /shop/promote reason=good".to_owned(),
        format!("PUT /shop/promote commit={REVISION}&tag=x&wait=5"),
        "PUT /shop/rollback dry_run=true".to_owned(),
        "PUT /shop/rollback ".to_owned(),
        "PUT /shop/hold reason=a+fair".to_owned(),
        "PUT /shop/resume ".to_owned(),
    ];
    assert_eq!(bench.changes().await, expected);
}

/// Every change in production is confirmed, or nothing is asked of the server.
#[tokio::test(flavor = "multi_thread")]
async fn production_needs_a_confirmation() {
    let bench = Bench::new().await;
    let url = bench.server.uri();
    bench.write(".config/depctl/config.yml", &format!(
        "contexts: {{live: {{url: '{url}', production: true, cluster: eu-west}}, other: {{url: 'http://h'}}}}"));
    bench.answer("PUT", "/shop/deploy", deployment("stable")).await;
    bench.answer("PUT", "/shop/promote", deployment("stable")).await;
    bench.answer("GET", "/shop/status", status(&Value::Null, &running("main-2", OTHER))).await;
    for change in ["deploy -t x", "canary -t x", "promote", "promote -t x", "rollback", "hold", "resume"] {
        let mut arguments: Vec<&str> = change.split(' ').collect();
        arguments.extend(["--context", "live"]);
        let ran = bench.run(&arguments).is(2);
        assert!(
            ran.err.contains("eu-west is production") && ran.err.contains("of shop"),
            "{change}: {}",
            ran.err
        );
        // The same server by its address is the same cluster.
        let by_address: Vec<&str> = change.split(' ').chain(["--url", &url]).collect();
        bench.run(&by_address).is(2);
    }
    assert!(bench.changes().await.is_empty());
    bench.run(&["deploy", "-t", "x", "--yes", "--context", "live"]).is(0);
    assert_eq!(bench.changes().await.len(), 1);

    let answered = |arguments: &str, answer: &str| {
        let mut command = in_terminal(&bench, arguments);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), answer.as_bytes()).unwrap();
        crate::support::ran(child.wait_with_output().unwrap())
    };
    let no = answered("deploy shop -t x", "n\n").is(2);
    let question = format!("deploy tag x of shop on production cluster eu-west ({url}/)? [y/N]");
    assert!(no.out.contains(&question) && no.out.contains("nothing was changed"), "{}", no.out);
    assert_eq!(bench.changes().await.len(), 1);
    answered("deploy shop -t x", "y\n").is(0);
    // The canary that the question named, and no other.
    let yes = answered("promote shop", "y\n").is(0);
    assert!(yes.out.contains("promotion of the canary main-2 (abcabcabcabc) of shop"), "{}", yes.out);
    assert_eq!(
        bench.changes().await[2],
        "PUT /shop/promote commit=abcabcabcabcabcabcabcabcabcabcabcabcabca&tag=main-2"
    );
}
