//! The quickstart as a person runs it: in memory, and on a real control plane, looked at with kubectl; and the
//! example `canary_on_kubernetes`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test says what it expects"
)]

use std::process::{Command, Output};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use nprt_testkit::{ControlPlane, need};
use serde_json::Value;

mod support;

/// Two at once would share two cores, and their clocks run 60 times as fast.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn quickstart(arguments: &[&str]) -> (Output, Duration) {
    run(Command::new(support::example("quickstart")).args(arguments))
}

fn run(example: &mut Command) -> (Output, Duration) {
    let _alone = ONE_AT_A_TIME.lock().unwrap();
    let began = Instant::now();
    let output = example.output().unwrap();
    (output, began.elapsed())
}

fn text(output: &Output) -> String {
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Paths, ports, times and measured figures differ from run to run; the words do not. A rule that does not
/// decide may or may not have all its samples by then.
fn words(text: &str) -> Vec<String> {
    let word = |word: &str| {
        let figure = word.contains(|c: char| c.is_ascii_digit()) && !word.contains("main-");
        let path = word.contains("/nprt-quickstart-");
        if figure || path { "#" } else { word }.replace("inconclusive", "pass")
    };
    text.split_whitespace().map(word).collect()
}

#[test]
fn the_whole_loop_in_memory_prints_what_the_readme_shows() {
    let (output, took) = quickstart(&[]);
    let printed = text(&output);
    assert!(took < Duration::from_secs(60), "{took:?}");
    assert_shown(&printed, include_str!("../README.md"));
}

/// Asserts that `printed` is what a page shows as its first block of text.
fn assert_shown(printed: &str, page: &str) {
    let (_, shown) = page.split_once("```text\n").expect("the page shows the output");
    let (shown, _) = shown.split_once("```").unwrap();
    // How many minutes it takes to a verdict may differ by one.
    let inconclusive = |line: &&str| !line.trim_start().starts_with("inconclusive");
    let lines = |text| -> Vec<&str> { str::lines(text).filter(inconclusive).collect() };
    let (printed, shown) = (lines(printed), lines(shown));
    for (printed, shown) in printed.iter().zip(&shown) {
        assert_eq!(words(printed), words(shown));
    }
    assert_eq!(printed.len(), shown.len());
}

/// Under the recommended role, by `$KUBECONFIG` alone.
#[tokio::test(flavor = "multi_thread")]
async fn the_example_on_kubernetes_prints_what_its_docs_show() {
    let Some(plane) = need(ControlPlane::shared().await) else { return };
    let namespace = plane.namespace("example").await.unwrap();
    let role = include_str!("../nprt-k8s/role.yaml");
    let user = plane.service_account_with(&namespace, "nprt", role).await.unwrap();
    user.run(&["config", "set-context", "--current", "--namespace", &namespace]).await.unwrap();

    let kubeconfig = user.kubeconfig().to_owned();
    let example =
        move || run(Command::new(support::example("canary_on_kubernetes")).env("KUBECONFIG", kubeconfig));
    let (output, _) = tokio::task::spawn_blocking(example).await.unwrap();
    let printed = text(&output);
    assert_shown(&printed, include_str!("../nprt-k8s/src/example.md"));
    assert_shown(&printed, &include_str!("../examples/canary_on_kubernetes.rs").replace("//! ", ""));

    let promoted = printed.lines().find_map(|line| line.trim().split_once(" is stable, and ")).unwrap().0;
    let tags = r"jsonpath={.items[*].metadata.annotations.nprt\.dev/tag}";
    let tags = user.run(&["get", "deployments", "-o", tags]).await.unwrap();
    let tags: Vec<_> = tags.split_whitespace().collect();
    assert_eq!(tags, [promoted; 11], "redis-cart runs no image of a version");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_loop_on_a_real_control_plane() {
    let Some(plane) = need(ControlPlane::shared().await) else { return };
    let namespace = plane.namespace("quickstart").await.unwrap();
    let kubeconfig = plane.kubeconfig().to_str().unwrap().to_owned();
    let (output, _) = {
        let namespace = namespace.clone();
        let run = move || quickstart(&["--kubeconfig", &kubeconfig, "--namespace", &namespace]);
        tokio::task::spawn_blocking(run).await.unwrap()
    };
    let printed = text(&output);
    let promoted =
        printed.lines().find_map(|line| line.strip_prefix("2. Canary ")?.split(':').next()).unwrap();

    let get = ["-n", &namespace, "get", "deployments,services", "-o", "json"];
    let list: Value = serde_json::from_str(&plane.kubectl().run(&get).await.unwrap()).unwrap();
    let items = list["items"].as_array().unwrap();
    let of = |kind: &'static str| items.iter().filter(move |item| item["kind"] == kind);
    assert_eq!(of("Deployment").count(), 12);
    assert_eq!(of("Service").count(), 12);
    for deployment in of("Deployment") {
        let name = deployment["metadata"]["name"].as_str().unwrap();
        assert!(!name.ends_with("-canary"), "{name}");
        assert_eq!(deployment["status"]["readyReplicas"], 1, "{name}");
        // It runs an image that no version changes.
        if name == "redis-cart" {
            assert_eq!(deployment["metadata"]["labels"]["track"], Value::Null);
            continue;
        }
        assert_eq!(deployment["metadata"]["labels"]["track"], "stable", "{name}");
        assert_eq!(deployment["metadata"]["annotations"]["nprt.dev/tag"], promoted, "{name}");
    }
    let frontend = of("Deployment").find(|item| item["metadata"]["name"] == "frontend").unwrap();
    let image = frontend["spec"]["template"]["spec"]["containers"][0]["image"].as_str().unwrap();
    assert_eq!(image, format!("frontend:{promoted}"));

    // The cluster's garbage collector removes the pods of a Deployment after it.
    let pods = ["-n", &namespace, "get", "pods", "-l", "track=canary", "-o", "name"];
    let deadline = Instant::now() + Duration::from_secs(120);
    while !plane.kubectl().run(&pods).await.unwrap().trim().is_empty() {
        assert!(Instant::now() < deadline, "pods of a canary are left");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
