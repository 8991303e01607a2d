//! Options, and the variables of the environment that stand for them.

use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::support::{ADMIN, DEPLOYER, Server, World, tokens};

/// Of the networks that are for documentation: no machine has it.
const NOWHERE: &str = "192.0.2.1:80";
const HERE: &str = "127.0.0.1:0";

fn file(world: &World) -> PathBuf {
    world.config(json!({"tokens": tokens(), "listen": NOWHERE}), json!({"autopilot": {"enabled": false}}))
}

fn deployer(arguments: &[&str], variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(DEPLOYER);
    command.args(arguments).envs(variables.iter().copied());
    command
}

fn end(mut command: Command) -> (bool, String) {
    let Output { status, stderr, .. } = command.output().unwrap();
    (status.success(), String::from_utf8(stderr).unwrap())
}

async fn serves(command: Command) -> String {
    let mut server = Server::start(command).await;
    ADMIN.clone_into(&mut server.token);
    let (status, said) = server.put("/web/deploy?commit=nowhere").await;
    assert_eq!(status, 404, "{said}");
    assert!(server.terminate().await, "{}", server.log());
    server.log()
}

#[tokio::test]
async fn the_environment_says_which_file_and_where_and_an_option_goes_before_it() {
    let world = World::new();
    let path = file(&world);
    let path = path.to_str().unwrap();
    let (done, said) = end(deployer(&["serve"], &[]));
    assert!(!done && said.contains("--config <FILE>"), "{said}");
    // Each of these three would have it listen where it cannot, but for the one before it.
    let (done, said) = end(deployer(&["serve", "--config", path], &[]));
    assert!(!done && said.contains(NOWHERE), "{said}");
    let (done, said) = end(deployer(&["serve", "--config", path], &[("DEPLOYER_LISTEN", NOWHERE)]));
    assert!(!done && said.contains(NOWHERE), "{said}");
    serves(deployer(&["serve"], &[("DEPLOYER_CONFIG", path), ("DEPLOYER_LISTEN", HERE)])).await;
    let other = [("DEPLOYER_CONFIG", "/nowhere/deployer.yml"), ("DEPLOYER_LISTEN", NOWHERE)];
    serves(deployer(&["serve", "--config", path, "--listen", HERE], &other)).await;

    // The door for probes as well.
    let serve = ["serve", "--config", path, "--listen", HERE];
    let health = ("DEPLOYER_HEALTH_LISTEN", NOWHERE);
    let option = [&serve[..], &["--health-listen", HERE]].concat();
    for command in
        [deployer(&serve, &[health]), deployer(&[&serve[..], &["--health-listen", NOWHERE]].concat(), &[])]
    {
        let (done, said) = end(command);
        assert!(!done && said.contains(NOWHERE), "{said}");
    }
    let log = serves(deployer(&option, &[health])).await;
    assert!(log.contains("answers probes of health address=127.0.0.1:"), "{log}");

    let (done, said) = end(deployer(&["check"], &other[..1]));
    assert!(!done && said.contains("/nowhere/deployer.yml"), "{said}");
    let (done, said) = end(deployer(&["check"], &[("DEPLOYER_CONFIG", path)]));
    assert!(done, "{said}");
}

#[tokio::test]
async fn the_log_is_text_or_an_object_a_line() {
    let world = World::new();
    let path = file(&world);
    let serve = |more: &[&str], variables: &[(&str, &str)]| {
        let all = [more, &["serve", "--listen", HERE, "--config", path.to_str().unwrap()]].concat();
        deployer(&all, variables)
    };
    let json = ("DEPLOYER_LOG_FORMAT", "json");
    for command in [serve(&["--log-format", "json"], &[]), serve(&[], &[json])] {
        let log = serves(command).await;
        assert!(log.lines().count() > 1, "{log}");
        for line in log.lines() {
            let line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
            for field in ["/timestamp", "/level", "/fields/message"] {
                assert!(line.pointer(field).is_some_and(Value::is_string), "{field}: {line}");
            }
        }
    }
    for command in [serve(&[], &[]), serve(&["--log-format", "text"], &[json])] {
        let log = serves(command).await;
        assert!(log.contains("listens address=127.0.0.1:"), "{log}");
        assert!(log.lines().all(|line| serde_json::from_str::<Value>(line).is_err()), "{log}");
    }
    let (done, said) = end(serve(&["--log-format", "xml"], &[]));
    assert!(!done && said.contains("text, json"), "{said}");
}
