//! From what the file says to what holds: what is missing, what is there twice, what is out of bounds.

use std::collections::BTreeSet;
use std::fmt::Display;

use nprt::model::{ServiceName, find_hidden};
use nprt::oci::OciConfig;
use nprt::pipeline::Service;

use super::file::{File, Limits, MetricsFile, ServiceFile, TokenFile};
use super::token::{hash_of, read_hash};
use super::{
    Action, AggregatorConfig, Config, Environment, LISTEN, Metrics, Problems, Registry, ServiceConfig, Token,
};

/// Routes of the server that a service could be called like.
const RESERVED: [&str; 4] = ["healthz", "metrics", "readyz", "version"];

/// Secrets that are shorter can be guessed.
pub(super) const SHORTEST_SECRET: usize = 16;

/// What holds of `file`; where there are problems, it is not to be used.
pub(crate) fn check(file: File, environment: &Environment, problems: &mut Problems) -> Config {
    check_limits(&file.limits, problems);
    within(problems, "autopilot.interval_seconds", file.autopilot.interval_seconds, 1, 3600);
    if file.services.is_empty() && file.aggregator.is_none() {
        problems.add("services", "expected at least one service");
    }
    let aggregator = file.aggregator.map(|section| AggregatorConfig::check(section, file.limits, problems));
    let services = services(file.services, problems);
    let names: BTreeSet<&ServiceName> = services.iter().map(|service| &service.service.name).collect();
    let tokens = tokens(file.tokens, &names, problems);
    let name = file.name.or_else(|| environment.get("HOSTNAME")).unwrap_or_else(|| "deployer".to_owned());
    if name.trim().is_empty() || name.chars().count() > 100 || !is_one_line(&name) {
        problems.add("name", "expected 1 to 100 characters, on one line");
    }
    let url = file.url.and_then(|url| {
        let checked = public_url(&url);
        if checked.is_none() {
            let expected = "expected an address such as https://deployer.example.com, without user and query";
            problems.add("url", expected);
        }
        checked
    });
    Config {
        listen: file.listen.unwrap_or(LISTEN),
        health_listen: file.health_listen,
        url,
        name,
        cache: file.cache,
        limits: file.limits,
        pipeline: file.pipeline,
        autopilot: file.autopilot,
        tokens,
        services,
        aggregator,
    }
}

/// The address without a `/` at its end, if it is one of the web that holds no secret.
fn public_url(text: &str) -> Option<String> {
    let url = nprt_http::base_url("deployer.check", text).ok()?;
    Some(url.as_str().trim_end_matches('/').to_owned())
}

pub(super) fn check_limits(limits: &Limits, problems: &mut Problems) {
    within(problems, "limits.body_bytes", limits.body_bytes, 1024, 16 << 20);
    within(problems, "limits.header_bytes", limits.header_bytes, 8192, 1 << 20);
    within(problems, "limits.receive_seconds", limits.receive_seconds, 1, 300);
    within(problems, "limits.idle_seconds", limits.idle_seconds, 1, 3600);
    within(problems, "limits.send_seconds", limits.send_seconds, 1, 600);
    within(problems, "limits.read_seconds", limits.read_seconds, 1, 600);
    within(problems, "limits.connections", limits.connections, 1, 1 << 20);
    let of_peer = limits.connections_per_peer.unwrap_or(1);
    within(problems, "limits.connections_per_peer", of_peer, 1, limits.connections);
    within(problems, "limits.wrong_tokens_per_minute", limits.wrong_tokens_per_minute, 1, 100_000);
    within(problems, "limits.shutdown_seconds", limits.shutdown_seconds, 0, 3600);
}

fn within<T: PartialOrd + Display + Copy>(problems: &mut Problems, path: &str, value: T, least: T, most: T) {
    if value < least || value > most {
        problems.add(path, format!("expected {least} to {most}, found {value}"));
    }
}

fn services(files: Vec<ServiceFile>, problems: &mut Problems) -> Vec<ServiceConfig> {
    let mut names = BTreeSet::new();
    let mut services = Vec::new();
    for (number, file) in files.into_iter().enumerate() {
        let path = format!("services[{number}]");
        if let Some(name) = &file.name {
            if !names.insert(name.clone()) {
                problems.add(format!("{path}.name"), format!("the service {name} is there twice"));
            }
            // They would be taken for the server's own routes.
            if RESERVED.contains(&name.as_str()) {
                problems.add(format!("{path}.name"), format!("{name} is a route of the server itself"));
            }
        }
        services.extend(service(file, path, problems));
    }
    services
}

fn service(file: ServiceFile, path: String, problems: &mut Problems) -> Option<ServiceConfig> {
    let name = required(file.name, &path, "name", problems);
    let vcs = required(file.vcs, &path, "vcs", problems);
    let metrics = required(file.metrics, &path, "metrics", problems);
    let errors = metrics.as_ref().and_then(|metrics| metrics.errors.clone());
    let metrics = metrics.and_then(|metrics| server(metrics, &path, problems));
    let cluster = required(file.cluster, &path, "cluster", problems);
    for (number, branch) in file.deployable_branches.names().enumerate() {
        if branch.is_empty() {
            problems.add(format!("{path}.deployable_branches[{number}]"), "expected a name");
        }
    }
    let mut service = Service::new(name?);
    service.manifests = file.manifests.unwrap_or(service.manifests);
    service.policy = file.policy.unwrap_or(service.policy);
    service.transform = file.transform;
    service.images = file.images;
    service.prune = file.prune;
    service.allow_kinds = file.allow_kinds;
    service.take_over = file.take_over;
    service.drift = file.drift;
    service.deployable_branches = file.deployable_branches;
    Some(ServiceConfig {
        path,
        service,
        vcs: vcs?,
        registry: file.registry.unwrap_or_else(|| Registry::Oci(OciConfig::default())),
        metrics: metrics?,
        errors,
        notifiers: file.notifiers,
        cluster: cluster?,
        autopilot: file.autopilot,
    })
}

/// The one server that the measurements are at.
fn server(metrics: MetricsFile, path: &str, problems: &mut Problems) -> Option<Metrics> {
    let mut servers = metrics.servers();
    let server = servers.pop();
    if server.is_none() || !servers.is_empty() {
        let message = "expected one of prometheus, datadog, statsd and aggregator, and errors beside it";
        problems.add(format!("{path}.metrics"), message);
        return None;
    }
    if let Some(Metrics::Statsd(statsd)) = &server
        && statsd.otlp.as_ref().is_some_and(|otlp| otlp.listen.is_none())
    {
        let message =
            "missing, and required here: the address on which OTLP is taken, such as 127.0.0.1:4318";
        problems.add(format!("{path}.metrics.statsd.otlp.listen"), message);
    }
    server
}

/// Whether it can be shown as it is.
fn is_one_line(name: &str) -> bool {
    !name.contains(['\n', '\t']) && find_hidden(name).is_none()
}

fn required<T>(value: Option<T>, path: &str, field: &str, problems: &mut Problems) -> Option<T> {
    if value.is_none() {
        problems.add(format!("{path}.{field}"), "missing");
    }
    value
}

fn tokens(files: Vec<TokenFile>, services: &BTreeSet<&ServiceName>, problems: &mut Problems) -> Vec<Token> {
    let mut tokens = Vec::<Token>::new();
    for (number, file) in files.into_iter().enumerate() {
        let (path, (field, hash)) = (format!("tokens[{number}]"), hash_in(&file));
        let name = required(file.name, &path, "name", problems).unwrap_or_default();
        if !name.is_empty() && tokens.iter().any(|token| token.name == name) {
            problems.add(format!("{path}.name"), format!("the token {name} is there twice"));
        }
        if name.chars().count() > 200 || !is_one_line(&name) {
            problems.add(format!("{path}.name"), "expected 1 to 200 characters, on one line");
        }
        for unknown in file.services.iter().flatten().filter(|name| !services.contains(name)) {
            problems.add(format!("{path}.services"), format!("there is no service {unknown}"));
        }
        match hash {
            Ok(hash) => {
                // It would be left to chance what the secret may be used for.
                if let Some(other) = tokens.iter().find(|token| token.hash == hash) {
                    let message = format!("expected another secret than that of the token {}", other.name);
                    problems.add(format!("{path}.{field}"), message);
                }
                tokens.push(Token {
                    name,
                    hash,
                    services: file.services,
                    actions: file.actions.unwrap_or_else(|| Action::ALL.into()),
                    branches: file.deployable_branches,
                });
            }
            Err(message) => problems.add(format!("{path}.{field}"), message),
        }
    }
    tokens
}

/// The hash that the token is known by, or what is wrong; and the field that says so.
fn hash_in(file: &TokenFile) -> (&'static str, Result<[u8; 32], &'static str>) {
    match (&file.sha256, &file.secret) {
        (Some(hash), None) => ("sha256", checked_hash(hash)),
        (None, Some(secret)) if secret.expose().len() < SHORTEST_SECRET => {
            ("secret", Err("expected at least 16 characters"))
        }
        (None, Some(secret)) => ("secret", Ok(hash_of(secret.expose()))),
        (Some(_), Some(_)) => ("secret", Err("expected sha256 or secret, not both")),
        (None, None) => ("sha256", Err("missing: sha256 or secret")),
    }
}

fn checked_hash(text: &str) -> Result<[u8; 32], &'static str> {
    let hash = read_hash(text).ok_or("expected 64 hex digits")?;
    // Whoever hashes a variable that is not set gets one of these, and lets in who has no password.
    let is_of_nothing = ["", "\n", "\r\n"].iter().any(|nothing| hash_of(nothing) == hash);
    if is_of_nothing { Err("expected the hash of a secret, found that of an empty one") } else { Ok(hash) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "
services:
- name: shop
  vcs: {git: {url: /srv/shop}}
  metrics: {statsd: {}}
  cluster: {memory: {}}
tokens:
- {name: ci, secret: {from_env: CI}, actions: [deploy]}
";

    fn read(text: &str) -> Result<Config, Problems> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deployer.yml");
        std::fs::write(&path, text).unwrap();
        Config::load(&path, &Environment::of([("CI", "correct-horse-battery")]))
    }

    #[test]
    fn what_is_not_said_has_a_default() {
        let config = read(GOOD).unwrap();
        let service = &config.services[0];
        assert_eq!(service.service, Service::new(ServiceName::new("shop").unwrap()));
        assert!(
            matches!(service.registry, Registry::Oci(_)) && !service.service.deployable_branches.is_limited()
        );
        assert_eq!((config.listen, config.tokens.len(), &config.url), (LISTEN, 1, &None));
        assert!(!format!("{config:?}").contains("horse"));
    }

    #[test]
    fn everything_wrong_is_said_at_once() {
        let text = "
limits: {body_bytes: 1, extra: 2}
services:
- {vcs: {git: {}}, metrics: {prometheus: {url: http://p, http: {timeout_seconds: hunter2}}}}
- {name: Shop_1, vcs: {hg: {}}, cluster: {memory: {}}, metrics: {statsd: {}}}
- {name: metrics, vcs: {git: {url: x}}, cluster: {memory: {}}, metrics: {statsd: {}}, policy: {preset: defaul}}
tokens:
- {sha256: abc, services: [nothing], actions: [fly]}
- {name: ci, secret: hunter2}
";
        let said = read(text).unwrap_err().to_string();
        for expected in [
            "limits.extra: unknown field",
            "limits.body_bytes: expected 1024",
            "services[0].name: missing",
            "services[0].vcs.git: missing field `url`",
            "services[0].metrics.prometheus.http.timeout_seconds: expected u64, found string",
            "services[0].cluster: missing",
            "services[1].name: ",
            "services[1].vcs",
            "services[2].name: metrics is a route",
            "services[2].policy",
            "tokens[0].name: missing",
            "tokens[0].sha256: expected 64",
            "tokens[0].services: there is no service nothing",
            "tokens[0].actions",
            "tokens[1].secret: expected at least 16",
        ] {
            assert!(said.lines().any(|line| line.starts_with(expected)), "{expected}\n{said}");
        }
        assert!(!said.contains("hunter2"), "{said}");
    }

    #[test]
    fn its_own_address_holds_no_secret() {
        for (url, expected) in [
            ("https://deployer.example.com", Some("https://deployer.example.com")),
            ("http://tools.example.com/deployer/", Some("http://tools.example.com/deployer")),
            ("deployer.example.com", None),
            ("ftp://deployer.example.com", None),
            ("https://me:hunter2@deployer.example.com", None),
            ("https://deployer.example.com/?token=hunter2", None),
        ] {
            match read(&format!("url: '{url}'\n{GOOD}")) {
                Ok(config) => assert_eq!(config.url.as_deref(), expected),
                Err(problems) => {
                    let said = problems.to_string();
                    assert!(expected.is_none() && said.starts_with("url: expected"), "{said}");
                    assert!(!said.contains("hunter2"), "{said}");
                }
            }
        }
    }

    #[test]
    fn text_that_is_no_yaml_is_not_quoted() {
        let said = read("a: [hunter2\nb: }").unwrap_err().to_string();
        assert!(said.contains("line") && !said.contains("hunter2"), "{said}");
    }
}
