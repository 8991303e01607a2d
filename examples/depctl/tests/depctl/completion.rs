//! Completion as the shells' scripts ask for it.

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;
use wiremock::ResponseTemplate;

use crate::support::{Bench, asked, run};

/// What bash would offer for the last of these words.
fn offered(bench: &Bench, words: &[&str]) -> Vec<String> {
    let mut command = bench.command(&["--", "depctl"]);
    command.args(words).env("COMPLETE", "bash").env("_CLAP_COMPLETE_INDEX", words.len().to_string());
    command.env("_CLAP_COMPLETE_COMP_TYPE", "9").env("_CLAP_COMPLETE_SPACE", "false").env("_CLAP_IFS", "\n");
    let ran = run(&mut command).is(0);
    assert_eq!(ran.err, "");
    ran.out.lines().map(str::to_owned).filter(|word| !word.starts_with('-')).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn services_and_tags_are_offered() {
    let bench = Bench::new().await;
    let service = |name: &str| json!({"name": name, "stable": null, "canary": null, "operation": null, "verdict": null});
    let services = ["shop", "shelf", "cart", "$(evil)"].map(service);
    bench.answer("GET", "/", json!({"version": "1", "services": services})).await;
    let tags = json!({"service": "shop", "images": [], "shared": ["main-9", "main-10", "v1"]});
    bench.answer("GET", "/shop/tags", tags).await;
    assert_eq!(offered(&bench, &["show", "sh"]), ["shop", "shelf"]);
    assert_eq!(offered(&bench, &["status", ""]), ["shop", "shelf", "cart"]);
    // Newest first, as the server has them.
    assert_eq!(offered(&bench, &["deploy", "shop", "--tag", "main"]), ["main-9", "main-10"]);
    assert_eq!(offered(&bench, &["promote", "--tag", "v"]), ["v1"]);
    assert_eq!(offered(&bench, &["pro"]), ["promote"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_quick_or_silent() {
    let bench = Bench::new().await;
    assert!(offered(&bench, &["show", ""]).is_empty());
    let slow = ResponseTemplate::new(200).set_delay(Duration::from_secs(20));
    bench.mount(asked("GET", "/"), slow).await;
    let began = Instant::now();
    assert!(offered(&bench, &["status", ""]).is_empty());
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    bench.write(".config/depctl/config.yml", "contexts: [wrong");
    assert!(offered(&bench, &["status", ""]).is_empty());
}

/// Each shell takes the script that it is given, where it is installed; bash completes by it.
#[tokio::test(flavor = "multi_thread")]
async fn the_scripts_are_for_the_shells() {
    let bench = Bench::new().await;
    for (shell, part) in
        [("bash", "complete -o"), ("zsh", "#compdef depctl"), ("fish", "complete --keep-order")]
    {
        let ran = run(&mut bench.bare(&["completions", shell])).is(0);
        assert!(ran.out.contains(part), "{}", ran.out);
        bench.write(&format!("script.{shell}"), &ran.out);
        if let Ok(output) =
            Command::new(shell).arg("-n").arg(bench.home.path().join(format!("script.{shell}"))).output()
        {
            assert!(output.status.success(), "{shell}: {}", String::from_utf8_lossy(&output.stderr));
        }
    }
}

/// What bash itself completes, by the script that is installed in it.
#[tokio::test(flavor = "multi_thread")]
async fn bash_completes_by_the_script() {
    let bench = Bench::new().await;
    let service = json!({"name": "shop", "stable": null, "canary": null, "operation": null, "verdict": null});
    bench.answer("GET", "/", json!({"version": "1", "services": [service]})).await;
    let script = "source <(depctl completions bash)
        function=$(complete -p depctl | sed 's/.*-F \\([^ ]*\\) .*/\\1/')
        COMP_WORDS=(depctl show sh); COMP_CWORD=2; COMP_TYPE=9
        $function depctl sh show; echo \"${COMPREPLY[@]}\"";
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_depctl")).parent().unwrap().to_str().unwrap();
    let command = bench.command(&[]);
    let path = format!("{program}:{}", std::env::var("PATH").unwrap());
    let mut bash = Command::new("bash");
    bash.args(["--norc", "-c", script])
        .env_clear()
        .envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    assert_eq!(run(bash.env("PATH", path)).is(0).out.trim(), "shop");
}
