//! Completion as the shells' scripts ask for it, and as the shells do it.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nprt_testkit::{need, tool};
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

/// The line of the README that installs it in this shell.
fn line(shell: &str) -> String {
    let lines = include_str!("../../README.md").lines();
    let mut lines = lines.filter(|line| line.contains(&format!("depctl completions {shell}")));
    lines.next().unwrap().split('#').next().unwrap().trim().to_owned()
}

/// A server with the service `shop`, and a shell that knows it, as `depctl` does.
async fn shell(program: &'static str) -> Option<(Bench, Command)> {
    let program = need(tool(program))?;
    let bench = Bench::new().await;
    let service = json!({"name": "shop", "stable": null, "canary": null, "operation": null, "verdict": null});
    bench.answer("GET", "/", json!({"version": "1", "services": [service]})).await;
    let depctl = Path::new(env!("CARGO_BIN_EXE_depctl")).parent().unwrap().to_str().unwrap();
    let mut command = Command::new(program);
    command.env_clear().envs(bench.command(&[]).get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.env("PATH", format!("{depctl}:{}", std::env::var("PATH").unwrap())).env("TERM", "dumb");
    command.current_dir(bench.home.path()).stdin(Stdio::null());
    Some((bench, command))
}

#[tokio::test(flavor = "multi_thread")]
async fn bash_completes_by_the_readme() {
    let Some((_bench, mut bash)) = shell("bash").await else { return };
    let script = format!(
        r#"{}
        function=$(complete -p depctl | sed 's/.*-F \([^ ]*\) .*/\1/')
        COMP_WORDS=(depctl show sh); COMP_CWORD=2; COMP_TYPE=9
        $function depctl sh show; echo "${{COMPREPLY[@]}}""#,
        line("bash")
    );
    assert_eq!(run(bash.args(["--norc", "-c", &script])).is(0).out.trim(), "shop");
}

#[tokio::test(flavor = "multi_thread")]
async fn fish_completes_by_the_readme() {
    let Some((_bench, mut fish)) = shell("fish").await else { return };
    let script = format!("{}\ncomplete --do-complete 'depctl show sh'", line("fish"));
    assert_eq!(run(fish.args(["--no-config", "-c", &script])).is(0).out.trim(), "shop");
}

/// Its completion works where somebody types: on a terminal, where Control-G then shows the line.
#[tokio::test(flavor = "multi_thread")]
async fn zsh_completes_by_the_readme() {
    let Some((bench, mut zsh)) = shell("zsh").await else { return };
    let configuration = format!(
        "autoload -U compinit; compinit -u -D
        {}
        show() {{ print -r -- \"$BUFFER\" >~/line }}; zle -N show; bindkey '^G' show",
        line("zsh")
    );
    bench.write(".zshrc", &configuration);
    let script = r"zmodload zsh/zpty; zpty person zsh -d -i
        zpty -w -n person $'depctl show sh\t\C-g'
        until [[ -s ~/line ]] || (( SECONDS > 60 )); do zpty -r -t person said; sleep 0.1; done
        zpty -d person; cat ~/line";
    assert_eq!(run(zsh.args(["-f", "-c", script])).is(0).out.trim(), "depctl show shop");
}
