//! Each command of the README does what stands there.

use std::process::Command;

use serde_json::json;

use crate::support::{ADMIN, DEPLOYER, Server, World, server};

/// The lines that begin with `$`, without it. Those that need a cluster are run by `kubernetes.rs`.
fn commands() -> Vec<&'static str> {
    let lines = include_str!("../../README.md").lines().filter_map(|line| line.strip_prefix("$ "));
    lines.filter(|line| !line.contains("kubectl ")).collect()
}

#[tokio::test]
async fn its_commands_do_what_stands_there() {
    let world = World::new();
    let server = server(&world, json!({})).await;
    assert_eq!(server.put(&format!("/web/deploy?tag={}", world.tag(0))).await.0, 200);
    let (mut script, mut others) = (String::new(), Vec::new());
    for command in commands() {
        // A comment of the README is one of the shell's, too.
        if command.starts_with("auth=") || command.starts_with("curl ") {
            script += &format!("{command}\necho\n");
        } else {
            others.push(command);
        }
    }
    let script = script
        .replace("http://deployer", &server.url)
        .replace("/shop/", "/web/")
        .replace("main-3f2a91c", &world.tag(1))
        .replace("3f2a91c", &world.commits[1]);
    let curl = "set -e; curl() { command curl --fail-with-body --silent --show-error \"$@\"; }\n";
    let session = Command::new("bash").args(["-c", &format!("{curl}{script}")]).env("TOKEN", ADMIN).output();
    let session = session.unwrap();
    let (out, err) = (String::from_utf8(session.stdout).unwrap(), String::from_utf8(session.stderr).unwrap());
    assert!(session.status.success(), "{script}\n{out}\n{err}");
    for part in
        ["\"services\":[", "\"track\":\"canary\"", "\"verdict\":", "\"track\":\"stable\"", "event: done"]
    {
        assert!(out.contains(part), "{part} in {out}");
    }

    assert_eq!(
        others,
        [
            "cargo run -p nprt-deployer -- demo",
            "deployer check --config deployer.yml",
            "deployer serve --config deployer.yml"
        ]
    );
    let check = ["check", "--config", "deployer.yml"];
    let checked = Command::new(DEPLOYER).args(check).current_dir(world.folder.path()).output().unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    // The server above is `serve`.
}

/// The demo is what cargo would run.
#[tokio::test]
async fn the_demo_says_what_stands_there() {
    let demo = Server::demo(&[]);
    assert_eq!(demo.get("/boutique/status").await.0, 200);
    let readme = include_str!("../../README.md");
    let shown =
        readme.split("$ cargo run -p nprt-deployer -- demo\n").nth(1).unwrap().split("```").next().unwrap();
    let said = demo.hello.replace(&demo.url, "http://127.0.0.1:8080");
    assert_eq!(said.replace(&demo.token, "0123456789abcdef0123456789abcdef"), shown);
    let mine = Server::demo(&["--no-autopilot"]);
    assert!(mine.hello.contains("The verdict is yours: depctl promote") && !mine.hello.contains("autopilot"));
}
