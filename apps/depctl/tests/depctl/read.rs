//! Commands that change nothing.

use std::fs;

use serde_json::{Value, json};
use wiremock::ResponseTemplate;
use wiremock::matchers::header;

use crate::support::{Bench, OTHER, REVISION, asked, inconclusive, judgement, run, running, status};

#[tokio::test(flavor = "multi_thread")]
async fn ls_is_a_table_or_what_the_server_said() {
    let bench = Bench::new().await;
    let listing = json!({"version": "0.1.0", "services": [
        {"name": "shop", "stable": running("main-1", REVISION), "canary": running("main-2", OTHER), "operation": null,
         "held": true, "verdict": "inconclusive", "report": "/shop/canary", "more": [1]},
        {"name": "cart", "stable": null, "canary": null, "operation": "deploy by ci", "held": false, "verdict": null,
         "report": null, "error": "the cluster\u{1b}[2J is\ndown"}
    ]});
    bench.answer("GET", "/", listing.clone()).await;
    let expected = "\
SERVICE  STABLE                 CANARY                 VERDICT       OPERATION
shop     main-1 (3f2a91c0b1d2)  main-2 (abcabcabcabc)  inconclusive  held
cart     -                      -                      -             error: the cluster[2J is down
";
    assert_eq!(bench.run(&["ls"]).is(0).out, expected);
    assert_eq!(bench.run(&["ls", "--output", "json"]).is(0).json(), listing);
    let yaml = bench.run(&["ls", "-o", "yaml"]).is(0).out;
    let read: Value = serde_saphyr::from_str(&yaml).unwrap();
    assert_eq!(read["services"][0], listing["services"][0]);
    let by_environment = run(bench.command(&["ls"]).env("DEPCTL_OUTPUT", "json")).is(0);
    assert_eq!(by_environment.json(), listing);
    bench.write(".config/depctl/config.yml", "output: json\n");
    assert_eq!(bench.run(&["ls"]).is(0).json(), listing);
    assert_eq!(bench.run(&["ls", "-o", "table"]).is(0).out, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn show_tags_and_status() {
    let bench = Bench::new().await;
    let shown = json!({"service": "shop", "config": {"manifests": "kubernetes"}, "stable": running("main-1", REVISION),
        "canary": null, "images": ["registry/shop"]});
    bench.answer("GET", "/shop", shown.clone()).await;
    let ran = bench.run(&["show"]).is(0);
    let version = "main-1 (3f2a91c0b1d2), by ada, since 2026-11-26T13:00:00Z, until 2026-11-26T15:00:00Z";
    let expected = format!(
        "shop\nstable     {version}\ncanary     -\nimages\n  registry/shop\nconfiguration\n  manifests: kubernetes\n"
    );
    assert_eq!(ran.out, expected);
    assert_eq!(bench.run(&["show", "shop", "-o", "json"]).is(0).json(), shown);

    let tags = json!({"service": "shop", "images": [{"image": "registry/shop", "tags": ["b", "a"]},
        {"image": "registry/cart", "tags": ["b"]}], "shared": ["b"]});
    bench.answer("GET", "/shop/tags", tags).await;
    let expected = "IMAGE          TAGS\nregistry/shop  b a\nregistry/cart  b\non all images  b\n";
    assert_eq!(bench.run(&["tags"]).is(0).out, expected);

    let mut held = status(&running("main-1", REVISION), &running("main-2", OTHER));
    held["canary"]["held"] = json!({"by": "ada", "reason": "a fair", "since": "2026-11-26T13:00:00Z"});
    bench.answer("GET", "/shop/status", held).await;
    let ran = bench.run(&["status"]).is(0);
    let end = "operation  none\nautopilot  held by ada since 2026-11-26T13:00:00Z: a fair\n";
    assert!(ran.out.ends_with(end), "{}", ran.out);
}

/// No colour in a pipe, and none by NO_COLOR where it is forced otherwise.
#[tokio::test(flavor = "multi_thread")]
async fn colour_is_for_terminals() {
    let bench = Bench::new().await;
    bench.answer("GET", "/", json!({"version": "1", "services": []})).await;
    assert!(!bench.run(&["ls"]).is(0).out.contains('\u{1b}'));
    let forced = run(bench.command(&["ls"]).env("CLICOLOR_FORCE", "1")).is(0);
    assert!(forced.out.contains('\u{1b}'));
    let terminal = |variable: (&str, &str)| {
        let program = format!("{} ls", env!("CARGO_BIN_EXE_depctl"));
        let arguments = ["-qec", program.as_str(), "/dev/null"];
        let mut command = std::process::Command::new("script");
        command
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("TERM", "xterm");
        command.env("HOME", bench.home.path()).env("DEPCTL_URL", bench.server.uri());
        run(command.env("DEPCTL_TOKEN", crate::support::TOKEN).env(variable.0, variable.1)).is(0).out
    };
    assert!(terminal(("X", "")).contains('\u{1b}'));
    assert!(!terminal(("NO_COLOR", "1")).contains('\u{1b}'));
}

#[tokio::test(flavor = "multi_thread")]
async fn report_is_saved_or_opened() {
    let bench = Bench::new().await;
    let page = ResponseTemplate::new(200).set_body_raw("<html>report</html>", "text/html; charset=utf-8");
    bench.mount(asked("GET", "/shop/canary").and(header("accept", "text/html")), page).await;
    let json = judgement(&inconclusive(), "too few");
    let answer = ResponseTemplate::new(200).set_body_json(&json);
    bench.mount(asked("GET", "/shop/canary").and(header("accept", "application/json")), answer).await;

    let ran = bench.run(&["report", "--save", "r.html"]).is(0);
    assert_eq!(fs::read_to_string(bench.directory().join("r.html")).unwrap(), "<html>report</html>");
    assert_eq!(ran.err, "saved r.html\n");
    assert_eq!(bench.run(&["report", "--save", "-"]).is(0).out, "<html>report</html>");
    assert_eq!(bench.run(&["report", "-o", "json"]).is(0).json(), json);

    // A browser that keeps what it was given.
    let browser = bench.write(
        "browser",
        "#!/bin/sh\ncp \"$1\" \"$HOME/seen.tmp\" && mv \"$HOME/seen.tmp\" \"$HOME/seen\"\n",
    );
    crate::support::permit(&browser, 0o700);
    let ran = run(bench.command(&["report"]).env("BROWSER", &browser).env("TMPDIR", bench.home.path())).is(0);
    assert!(ran.err.starts_with("opened "), "{}", ran.err);
    let seen = bench.home.path().join("seen");
    for _ in 0..100 {
        if seen.exists() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(fs::read_to_string(seen).unwrap(), "<html>report</html>");
    let ran = run(bench
        .command(&["report"])
        .env("PATH", "/nonexistent")
        .env("TMPDIR", bench.home.path())
        .env("DEPCTL_SERVICE", "shop"))
    .is(2);
    assert!(ran.err.contains("no browser was found"), "{}", ran.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn version_is_ours_and_the_servers() {
    let bench = Bench::new().await;
    let own = format!("depctl {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(run(&mut bench.bare(&["version"])).is(0).out, own);
    assert_eq!(run(&mut bench.bare(&["--version"])).is(0).out, own);
    let ran = run(bench.bare(&["version"]).env("DEPCTL_URL", "http://127.0.0.1:9")).is(5);
    assert_eq!(ran.out, own);
    bench.answer("GET", "/version", json!({"name": "deployer", "version": "7.1.0"})).await;
    let expected = format!("{own}deployer 7.1.0 ({}/)\n", bench.server.uri());
    assert_eq!(bench.run(&["version"]).is(0).out, expected);
    assert_eq!(bench.run(&["version", "-o", "json"]).is(0).json()["server"]["version"], "7.1.0");
}
