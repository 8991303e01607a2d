//! `deployer check` and `deployer schema`, through the binary.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::support::DEPLOYER;

fn check(file: &Path) -> Output {
    Command::new(DEPLOYER)
        .args(["check", "--config"])
        .arg(file)
        .env("SLACK_URL", "https://hooks.example.com/x")
        .output()
        .unwrap()
}

fn write(folder: &Path, text: &str) -> std::path::PathBuf {
    let path = folder.join("deployer.yml");
    std::fs::write(&path, text).unwrap();
    path
}

/// One of each backend.
fn everything(folder: &Path) -> String {
    std::fs::create_dir_all(folder.join("shop.git")).unwrap();
    std::fs::create_dir_all(folder.join("images")).unwrap();
    std::fs::write(folder.join("secret"), "correct-horse-battery\n").unwrap();
    let at = folder.display();
    format!(
        "listen: 127.0.0.1:0
url: https://deployer.example.com
cache: {at}/cache
limits: {{body_bytes: 4096, receive_seconds: 5}}
pipeline: {{lease_seconds: 60}}
autopilot: {{interval_seconds: 30}}
tokens:
- name: ci
  secret: {{from_file: {at}/secret}}
  services: [shop]
  actions: [deploy, canary]
  deployable_branches: [main]
- name: me
  sha256: c8d0a26d3f333b50700310dc79fc9fc8ada83e4a5c343c27c8f920b804b36f5b
services:
- name: shop
  vcs: {{git: {{url: {at}/shop.git}}}}
  registry: {{layout: {{root: {at}/images}}}}
  metrics:
    prometheus:
      url: 'http://prometheus:9090'
      auth: {{type: bearer_file, path: {at}/secret}}
      headers: {{X-Scope-OrgID: shop}}
      profile: [istio, {{name: kubernetes, labels: {{track: {{label: pod, names: pod}}}}}}]
      labels: {{pod: null, version: destination_canonical_revision}}
      status: [{{label: response_code, values: {{'0': failure}}}}, grpc_response_status]
    errors: {{sentry: {{organization: acme, token: a}}}}
  policy: {{preset: default, soak_minutes: 10}}
  notifiers: [{{slack: {{webhook_url: {{from_env: SLACK_URL}}}}}}, {{bugsnag: {{api_key: 0123456789abcdef0123456789abcdef, least_severity: warning}}}}]
  cluster: {{kubernetes: {{context: production, namespace: shop}}}}
  deployable_branches: [main, 'release/*']
  autopilot: {{at_deadline: keep}}
- name: blog
  vcs: {{svn: {{url: 'http://svn.example.com/blog'}}}}
  manifests: deploy
  metrics:
    datadog: {{api_key: a, application_key: b, profile: datadog-openmetrics, namespace: blog}}
    errors: {{bugsnag: {{token: a, projects: {{blog: 515fb9337c1074f6fd000003}}}}}}
  cluster: {{memory: {{}}}}
- name: news
  vcs: {{git: {{url: 'http://git.example.com/news.git'}}}}
  registry: {{oci: {{page_size: 50}}}}
  notifiers:
  - slack: {{token: {{from_file: {at}/secret}}, channel: C0123456789}}
  - webhook: {{url: 'https://hooks.example.com/nprt', secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw}}
  metrics: {{statsd: {{listen: '127.0.0.1:0'}}}}
  cluster: {{memory: {{namespace: news}}}}
  prune: true
"
    )
}

#[test]
fn a_right_configuration_is_said_to_be() {
    let folder = tempfile::tempdir().unwrap();
    let output = check(&write(folder.path(), &everything(folder.path())));
    let (said, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{errors}");
    assert!(said.ends_with("right; services: 3, tokens: 2\n"), "{said}");
}

#[test]
fn every_error_is_said_at_once_with_its_field_and_without_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let right = everything(folder.path());
    let wrong = right
        .replace("interval_seconds: 30", "interval_seconds: 0")
        .replace("services: [shop]", "services: [ship]")
        .replace("name: me", "name: ci")
        .replace("soak_minutes: 10", "soak_minutes: soon")
        .replace("{from_env: SLACK_URL}", "{from_env: NO_SUCH_URL}")
        .replace("http://svn.example.com", "http://ada:hunter2@svn.example.com")
        .replace("page_size: 50", "page_size: 5000")
        .replace("prune: true", "prun: true");
    let output = check(&write(folder.path(), &wrong));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && output.stdout.is_empty());
    for expected in [
        "autopilot.interval_seconds: expected 1 to 3600, found 0",
        "tokens[0].services: there is no service ship",
        "tokens[1].name: the token ci is there twice",
        "services[0].policy.soak_minutes: expected u32, found string",
        "services[0].notifiers[0].slack.webhook_url: the environment variable NO_SUCH_URL is not set",
        "services[2].prun: unknown field",
    ] {
        assert!(said.lines().any(|line| line.starts_with(expected)), "{expected}\n{said}");
    }
    assert!(!said.contains("hunter2") && !said.contains("horse"), "{said}");
}

#[test]
fn what_only_its_backend_knows_is_checked_too() {
    let folder = tempfile::tempdir().unwrap();
    let wrong = everything(folder.path())
        .replace("http://svn.example.com", "http://ada:hunter2@svn.example.com")
        .replace("page_size: 50", "page_size: 5000")
        .replace("C0123456789", "'#deploys'")
        .replace("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "hunter2")
        .replace("url: https://deployer", "url: https://ada:hunter2@deployer")
        .replace("'http://prometheus:9090'", "'prometheus'")
        .replace("soak_minutes: 10", "soak_minutes: 0")
        + "- {name: one, vcs: {git: {url: x}}, cluster: {memory: {}}, metrics: {statsd: {}}}
- {name: two, vcs: {git: {url: x}}, cluster: {memory: {}}, metrics: {statsd: {receive_buffer_bytes: 1}}}
";
    let output = check(&write(folder.path(), &wrong));
    let said = String::from_utf8(output.stderr).unwrap();
    for expected in [
        "services[0].metrics: ",
        "services[0].policy",
        "services[1].vcs: ",
        "services[2].registry: ",
        "services[2].notifiers[0]: slack.build: invalid: expected a channel's ID",
        "services[2].notifiers[1]: webhook.build: invalid: expected whsec_",
        "url: expected an address",
        "services[4].metrics: ",
    ] {
        assert!(said.lines().any(|line| line.starts_with(expected)), "{expected}\n{said}");
    }
    assert!(!said.contains("hunter2"), "{said}");
}

#[test]
fn a_rule_on_a_metric_that_the_backend_lacks_is_refused_with_those_that_it_has() {
    let folder = tempfile::tempdir().unwrap();
    let right = everything(folder.path());
    let policy = "policy: {preset: default, soak_minutes: 10}";
    assert!(right.contains(policy));
    let with = |rule: &str| {
        let rules = format!("policy: {{soak_minutes: 10, rules: [{{rule: failures}}, {rule}]}}");
        let output = check(&write(folder.path(), &right.replace(policy, &rules)));
        (output.status.success(), String::from_utf8(output.stderr).unwrap())
    };
    let (is_right, said) = with("{rule: measurements, metric: queue_length}");
    assert!(!is_right, "{said}");
    for expected in [
        "services[0]",
        "a metric that the metrics backend is not configured for",
        "rule: measurements",
        "metric: queue_length",
        "cpu, errors, latency, memory",
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    // Where the rule can do without it, and where the backend has it, nothing is wrong.
    assert_eq!(with("{rule: measurements, metric: queue_length, required: false}"), (true, String::new()));
    assert_eq!(with("{rule: measurements, metric: memory}"), (true, String::new()));
}

/// What `serve` refuses is not right.
#[test]
fn a_file_without_tokens_is_right_only_where_that_is_meant() {
    let folder = tempfile::tempdir().unwrap();
    let right = everything(folder.path());
    let (before, rest) = right.split_once("tokens:\n").unwrap();
    let file =
        write(folder.path(), &format!("{before}services:\n{}", rest.split_once("services:\n").unwrap().1));
    let output = check(&file);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said, "tokens: without one anybody could deploy; --insecure allows it\n");
    assert!(!output.status.success() && output.stdout.is_empty());
    let mut meant = Command::new(DEPLOYER);
    meant
        .args(["check", "--insecure", "--config"])
        .arg(&file)
        .env("SLACK_URL", "https://hooks.example.com/x");
    let output = meant.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_measurements_are_at_one_server_and_the_errors_perhaps_at_a_tracker() {
    let folder = tempfile::tempdir().unwrap();
    let right = everything(folder.path());
    for (from, to, expected) in [
        (
            "    datadog: {",
            "    # datadog: {",
            "services[1].metrics: expected one of prometheus, datadog, statsd and",
        ),
        (
            "    errors: {bugsnag",
            "    statsd: {}\n    errors: {bugsnag",
            "services[1].metrics: expected one of prometheus,",
        ),
        ("{sentry: {organization: acme,", "{sentry: {organization: a/c,", "services[0].metrics.errors: "),
        ("{sentry: {organization: acme,", "{rollbar: {organization: acme,", "services[0].metrics.errors"),
        ("projects: {blog:", "projects: {news:", "the service has no project"),
        ("namespace: blog", "operation: blog", "services[1].metrics.datadog"),
    ] {
        assert!(right.contains(from), "{from}");
        let output = check(&write(folder.path(), &right.replace(from, to)));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && said.contains(expected), "{expected}: {said}");
    }
}

#[test]
fn a_file_that_is_not_there_is_an_error() {
    let output = check(Path::new("/nowhere/deployer.yml"));
    assert!(!output.status.success());
    assert!(String::from_utf8(output.stderr).unwrap().contains("/nowhere/deployer.yml: cannot be read"));
}

#[test]
fn the_schema_accepts_what_the_check_accepts() {
    let output = Command::new(DEPLOYER).arg("schema").output().unwrap();
    let schema: Value = serde_json::from_slice(&output.stdout).unwrap();
    let (mut schemas, mut compiler) = (boon::Schemas::new(), boon::Compiler::new());
    compiler.add_resource("deployer.json", schema).unwrap();
    let compiled = compiler.compile("deployer.json", &mut schemas).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let right: Value = serde_saphyr::from_str(&everything(folder.path())).unwrap();
    schemas.validate(&right, compiled).unwrap();
    for (pointer, wrong) in [
        ("/services/0/policy/preset", json!("defaul")),
        ("/services/0/vcs", json!({})),
        ("/services/0/metrics/errors/sentry/class", json!("message")),
        ("/services/0/metrics/statsd", json!({})),
        ("/services/1/metrics/errors/bugsnag/projects", json!({})),
        ("/services/1/metrics/datadog/profile", json!("datadog")),
        ("/services/0/name", json!(5)),
        ("/tokens/1/sha256", json!("abc")),
        ("/tokens/0/secret", json!({"from": "x"})),
        ("/limits/body_bytes", json!(1)),
        ("/services/0/autopilot/at_deadline", json!("promote")),
        ("/services/2/notifiers/0/slack/webhook_url", json!("https://hooks.example.com/x")),
        ("/services/2/notifiers/0/slack/channel", json!("#deploys")),
        ("/services/2/notifiers/1/webhook/secret", json!(5)),
        ("/url", json!("deployer.example.com")),
    ] {
        let mut value = right.clone();
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        value.pointer_mut(parent).unwrap()[key] = wrong;
        assert!(schemas.validate(&value, compiled).is_err(), "{pointer}");
    }
}
