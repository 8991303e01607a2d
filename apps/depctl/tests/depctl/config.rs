//! Where the server, the token and the service come from.

use std::fs;

use serde_json::json;

use crate::support::{Bench, TOKEN, permit, run, status};

const CONFIG: &str = ".config/depctl/config.yml";

fn listing() -> serde_json::Value {
    json!({"version": "0.1.0", "services": []})
}

/// A server that answers, and one place of the configuration after the other that names it.
#[tokio::test(flavor = "multi_thread")]
async fn each_source_is_read() {
    let bench = Bench::new().await;
    bench.answer("GET", "/", listing()).await;
    let url = bench.server.uri();
    run(bench.bare(&["ls"]).env("DEPLOYER_URL", &url).env("DEPLOYER_TOKEN", TOKEN)).is(0);
    let token = bench.write("token", &format!("{TOKEN}\n"));
    run(&mut bench.bare(&["ls", "--url", &url, "--token-file", token.to_str().unwrap()])).is(0);
    run(bench.bare(&["ls"]).env("DEPCTL_URL", &url).env("DEPCTL_TOKEN_FILE", &token)).is(0);

    let old =
        bench.write(".deployer/deployer_env", &format!("export DEPLOYER_URL={url}\nAUTH_TOKEN='{TOKEN}'\n"));
    run(&mut bench.bare(&["ls"])).is(0);
    fs::remove_file(old).unwrap();

    bench.write(CONFIG, &format!("contexts:\n  only: {{url: '{url}', token: {TOKEN}}}\n"));
    run(&mut bench.bare(&["ls"])).is(0);
    let elsewhere = bench.home.path().join("xdg");
    fs::create_dir(&elsewhere).unwrap();
    fs::rename(bench.home.path().join(".config/depctl"), elsewhere.join("depctl")).unwrap();
    run(&mut bench.bare(&["ls"])).is(2);
    run(bench.bare(&["ls"]).env("XDG_CONFIG_HOME", &elsewhere)).is(0);
}

/// Flags go before the environment, that before the files: what is wrong is never asked.
#[tokio::test(flavor = "multi_thread")]
async fn the_higher_source_wins() {
    let bench = Bench::new().await;
    bench.answer("GET", "/", listing()).await;
    let (url, wrong) = (bench.server.uri(), "http://127.0.0.1:9");
    run(&mut bench.command(&["ls", "--url", wrong])).is(5);
    run(bench.bare(&["ls", "--url", &url]).env("DEPCTL_URL", wrong).env("DEPLOYER_TOKEN", "")).is(1);
    bench.write(".deployer/deployer_env", &format!("DEPLOYER_URL={wrong}\nDEPLOYER_TOKEN=another\n"));
    bench.write(
        CONFIG,
        &format!("context: a\ncontexts:\n  a: {{url: '{url}', token: {TOKEN}}}\n  b: {{url: '{wrong}'}}\n"),
    );
    run(&mut bench.command(&["ls"])).is(0);
    run(&mut bench.bare(&["ls"])).is(5);
    run(&mut bench.bare(&["ls", "--context", "a"])).is(0);
    run(bench.bare(&["ls"]).env("DEPCTL_CONTEXT", "a")).is(0);
    run(&mut bench.command(&["ls", "--context", "b"])).is(5);
    let ran = run(&mut bench.bare(&["ls", "--context", "c"])).is(2);
    assert!(ran.err.contains("no context \"c\"\n  available: a, b"), "{}", ran.err);
    run(&mut bench.bare(&["ls", "--context", "a", "--url", &url])).is(2);
}

/// A token of one server goes to no other.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_stays_with_its_server() {
    let bench = Bench::new().await;
    let url = bench.server.uri();
    bench.write(CONFIG, &format!("contexts:\n  a: {{url: 'http://127.0.0.1:9', token: {TOKEN}}}\n"));
    bench.write(
        ".deployer/deployer_env",
        &format!("DEPLOYER_URL=http://127.0.0.1:8\nDEPLOYER_TOKEN={TOKEN}\n"),
    );
    run(&mut bench.bare(&["ls", "--url", &url])).is(1);
    run(bench.bare(&["ls"]).env("DEPCTL_URL", &url)).is(1);
    let requests = bench.server.received_requests().await.unwrap();
    assert_eq!(requests.len(), 2);
    assert!(requests.iter().all(|request| !request.headers.contains_key("authorization")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_others_can_read_is_warned_of() {
    let bench = Bench::new().await;
    bench.answer("GET", "/", listing()).await;
    let url = bench.server.uri();
    for (path, text) in [
        (CONFIG, format!("contexts:\n  a: {{url: '{url}', token: {TOKEN}}}\n")),
        (".deployer/deployer_env", format!("DEPLOYER_URL={url}\nDEPLOYER_TOKEN={TOKEN}\n")),
    ] {
        let file = bench.write(path, &text);
        assert_eq!(run(&mut bench.bare(&["ls"])).is(0).err, "");
        permit(&file, 0o644);
        let ran = run(&mut bench.bare(&["ls"])).is(0);
        let warned =
            format!("warning: {0} holds a token and others can read it: chmod 600 {0}\n", file.display());
        assert_eq!(ran.err, warned);
        assert_eq!(run(&mut bench.bare(&["ls", "--quiet"])).is(0).err, "");
        fs::remove_file(file).unwrap();
    }
}

/// What is wrong in a file is told by place and field, without its values.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_told_without_the_token() {
    let bench = Bench::new().await;
    for (text, said) in [
        (format!("contexts: {{a: {{url: u, tokn: {TOKEN}}}}}"), "tokn"),
        (format!("contexts: {{a: {{token: {TOKEN}}}}}"), "url"),
        (format!("contexts: {{a: {{url: 'http://x:{TOKEN}@h'}}}}"), "credentials"),
        (format!("contexts: {{a: {{url: 'http://h', token: {TOKEN}, token_file: f}}}}"), "not both"),
        ("context: b\ncontexts: {a: {url: 'http://h'}}".to_owned(), "no context \"b\""),
        ("contexts: {a: {url: 'http://h', token_file: /none}}".to_owned(), "/none"),
        ("".to_owned(), "no server is configured"),
    ] {
        bench.write(CONFIG, &text);
        let ran = run(&mut bench.bare(&["ls"])).is(2);
        assert!(ran.err.contains(said), "{text}: {}", ran.err);
    }
    bench.write(".deployer/deployer_env", TOKEN);
    assert!(run(&mut bench.bare(&["ls"])).is(2).err.contains("deployer_env: line 1: expected KEY=value"));
    let ran = run(bench.command(&["ls"]).env("DEPCTL_OUTPUT", "xml").env("HOME", "/nonexistent")).is(2);
    assert!(ran.err.contains("DEPCTL_OUTPUT"), "{}", ran.err);
}

/// The directory of the checkout, wherever in it; a variable before that; the argument before all.
#[tokio::test(flavor = "multi_thread")]
async fn the_service_is_that_of_the_directory() {
    let bench = Bench::new().await;
    bench.checkout();
    for service in ["shop", "cart", "mail"] {
        let nobody = serde_json::Value::Null;
        bench.answer("GET", &format!("/{service}/status"), status(&nobody, &nobody)).await;
    }
    fs::create_dir(bench.directory().join("deep")).unwrap();
    let asked =
        async || bench.server.received_requests().await.unwrap().last().unwrap().url.path().to_owned();
    run(bench.command(&["status"]).current_dir(bench.directory().join("deep"))).is(0);
    assert_eq!(asked().await, "/shop/status");
    run(bench.command(&["status"]).env("DEPCTL_SERVICE", "cart")).is(0);
    assert_eq!(asked().await, "/cart/status");
    run(bench.command(&["status", "mail"]).env("DEPCTL_SERVICE", "cart")).is(0);
    assert_eq!(asked().await, "/mail/status");
    run(&mut bench.command(&["status", ".."])).is(2);
}
