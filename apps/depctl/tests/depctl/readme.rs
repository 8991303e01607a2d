//! Each command of the README does what stands there.

use serde_json::{Value, json};
use wiremock::ResponseTemplate;
use wiremock::matchers::body_string_contains;

use crate::support::{Bench, REVISION, asked, deployment, judgement, object, run, running};

/// Each command line with what is printed below it.
fn sessions(readme: &str) -> Vec<(String, String)> {
    let mut sessions: Vec<(String, String)> = Vec::new();
    for block in readme.split("```console\n").skip(1) {
        for line in block.split("```").next().unwrap().lines() {
            match (line.strip_prefix("$ "), sessions.last_mut()) {
                (Some(command), _) => sessions.push((command.to_owned(), String::new())),
                (None, Some((_, printed))) => *printed += &format!("{line}\n"),
                (None, None) => panic!("{line}"),
            }
        }
    }
    sessions
}

fn deployed(track: &str) -> Value {
    let mut done = deployment(track);
    done["warnings"] = json!([]);
    done["expected"] =
        if track == "canary" { json!({"detect_minutes": 12, "pass_minutes": 40}) } else { Value::Null };
    done
}

async fn answers(bench: &Bench) {
    let stable = || running("main-75700bc", "75700bcdc5250000000000000000000000000000");
    let service = |name: &str, canary: Value, verdict: Value, held: bool| json!({"name": name, "stable": stable(), "canary": canary, "operation": null, "held": held, "verdict": verdict});
    let services = [
        service("shop", running("main-3f2a91c", REVISION), json!("inconclusive"), false),
        service("cart", Value::Null, Value::Null, true),
    ];
    bench.answer("GET", "/", json!({"version": "0.1.0", "services": services})).await;
    let image = |tag: &str| json!({"kind": "Deployment", "spec": {"image": format!("shop:{tag}")}});
    let preview = json!({"service": "shop", "track": "stable", "revision": REVISION, "tag": "main-3f2a91c", "objects": [
        {"object": object("shop"), "change": "configured", "before": image("main-75700bc"), "after": image("main-3f2a91c")}]});
    let dry = asked("PUT", "/shop/deploy").and(body_string_contains("dry_run=true"));
    bench.mount(dry, ResponseTemplate::new(200).set_body_json(preview)).await;
    bench.answer("PUT", "/shop/deploy", deployed("stable")).await;
    bench.answer("PUT", "/shop/promote", deployed("stable")).await;
    bench.answer("PUT", "/shop/canary", deployed("canary")).await;
    bench.answer("GET", "/shop/canary", judgement(&json!({"verdict": "pass"}), "every rule holds")).await;
    let held = json!({"by": "ada", "reason": "the fair", "since": "2026-11-26T13:00:00Z"});
    bench.answer("PUT", "/shop/hold", json!({"service": "shop", "held": held})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn its_commands_print_what_stands_there() {
    let bench = Bench::new().await;
    answers(&bench).await;
    let rule = "{rule: percentile, metric: cpu, percentile: 50, margin: {relative: 0.2}, min_samples: 5}";
    bench.write("shop/policy.yml", &format!("rules: [{rule}]\n"));
    let rows = (0..5).map(|pod| format!("0,stable,cpu,{pod},0.2\n0,canary,cpu,{pod},0.3\n"));
    bench.write("shop/series.csv", &format!("minute,track,metric,pod,value\n{}", rows.collect::<String>()));
    let sessions = sessions(include_str!("../../README.md"));
    assert!(sessions.len() >= 8, "{sessions:?}");
    for (line, printed) in sessions {
        // Arguments as a shell cuts them.
        let words = line.split('\'').enumerate().flat_map(|(index, part)| match index % 2 {
            0 => part.split_whitespace().collect(),
            _ => vec![part],
        });
        let words: Vec<&str> = words.collect();
        assert_eq!(words[0], "depctl", "{line}");
        let ran = run(&mut bench.command(&words[1..]));
        assert_eq!((ran.err.as_str(), ran.out.as_str()), ("", printed.as_str()), "{line}");
        assert_eq!(ran.code, if line.contains("replay") { 3 } else { 0 }, "{line}");
    }
}

/// The configuration of the README is one; each command and code is in it.
#[tokio::test(flavor = "multi_thread")]
async fn it_says_everything() {
    let readme = include_str!("../../README.md");
    let bench = Bench::new().await;
    let config = readme.split("```yaml\n").nth(1).unwrap().split("```").next().unwrap();
    bench.write(".config/depctl/config.yml", config);
    run(&mut bench.bare(&["status", "--context", "none"])).is(2);
    let refused =
        run(&mut bench.bare(&["rollback", "shop", "--context", "live", "--token-file", "/none"])).is(2);
    assert!(refused.err.contains("/none"), "{}", refused.err);
    bench.write(".config/depctl/live.token", "secret");
    let refused = run(&mut bench.bare(&["rollback", "shop", "--context", "live"])).is(2);
    assert!(refused.err.contains("eu-west is production"), "{}", refused.err);
    let help = run(&mut bench.bare(&["--help"])).is(0).out;
    let commands = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let commands: Vec<&str> = commands.lines().map(|line| line.split_whitespace().next().unwrap()).collect();
    assert!(commands.len() >= 16, "{commands:?}");
    for command in commands.into_iter().filter(|command| *command != "help") {
        assert!(readme.contains(&format!("`{command}")), "{command}");
    }
}
