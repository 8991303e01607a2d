use std::time::Duration;

use nprt_core::model::Secret;
use nprt_http::base_url;
use url::{Host, Url};

use super::file::{ConfigFile, Context};
use super::sources::{self, Source, variable};
use crate::cli::{Format, Global};
use crate::failure::{Failure, Result};

/// How long a request that changes nothing may take, where the configuration does not say.
const TIMEOUT: Duration = Duration::from_secs(30);

/// What holds for a whole call.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) output: Format,
    /// The server; `None` where none is configured.
    pub(crate) connection: Option<Connection>,
    pub(crate) warnings: Vec<String>,
}

/// A server, and how to talk to it.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) url: Url,
    pub(crate) token: Option<Secret>,
    /// How people call the cluster.
    pub(crate) cluster: String,
    pub(crate) production: bool,
    pub(crate) timeout: Duration,
}

impl Settings {
    pub(crate) fn load(global: &Global) -> Result<Self> {
        let mut warnings = Vec::new();
        let (file, old) = sources::files(&mut warnings)?;
        let output = given_format(global)?.or(file.output).unwrap_or_default();
        let connection = connect(global, &file, &old, &mut warnings)?;
        Ok(Self { output, connection, warnings })
    }

    /// The format by flag and environment alone.
    pub(crate) fn format(global: &Global) -> Result<Format> {
        Ok(given_format(global)?.unwrap_or_default())
    }

    pub(crate) fn connection(self) -> Result<Connection> {
        self.connection.ok_or_else(|| {
            let failure = Failure::usage("no server is configured");
            let path = sources::config_path().map(|path| format!("or a context in {}", path.display()));
            let failure = failure.with("name one by --url, --context, DEPCTL_URL,");
            path.into_iter().fold(failure, Failure::with)
        })
    }
}

fn given_format(global: &Global) -> Result<Option<Format>> {
    match global.output {
        Some(output) => Ok(Some(output)),
        None => variable("DEPCTL_OUTPUT").map(|name| Format::named(&name)).transpose(),
    }
}

/// The server that the highest source names, with the token that belongs to it.
fn connect(
    global: &Global,
    file: &ConfigFile,
    old: &Source,
    warnings: &mut Vec<String>,
) -> Result<Option<Connection>> {
    let flags = Source { url: global.url.clone(), token: None, token_file: global.token_file.clone() };
    let environment = Source::environment();
    let named = |name: Option<String>| {
        name.map(|name| file.context(&name).map(|context| context.url.clone())).transpose()
    };
    let by_flag = named(global.context.clone())?;
    let by_environment = named(variable("DEPCTL_CONTEXT"))?;
    let candidates = [
        ("--url", flags.url.clone()),
        ("the context", by_flag),
        ("DEPCTL_URL", environment.url.clone()),
        ("DEPCTL_CONTEXT", by_environment),
        ("deployer_env", old.url.clone()),
        ("the context", file.default_context().map(|context| context.url.clone())),
    ];
    let Some((origin, url)) = candidates.into_iter().find_map(|(origin, url)| Some((origin, url?))) else {
        return Ok(None);
    };
    let url = address(&url).map_err(|failure| failure.with(format!("it comes from {origin}")))?;
    let context = file.contexts.iter().find(|(_, context)| address(&context.url).is_ok_and(|of| of == url));
    let contexts = context.map(|(_, context)| Source::from(context));
    let mut token = None;
    for source in
        [Some(flags_token(&flags)), Some(environment), Some(old.clone()), contexts].into_iter().flatten()
    {
        let belongs = source.url.as_deref().is_none_or(|of| address(of).is_ok_and(|of| of == url));
        if belongs && token.is_none() {
            token = source.read_token(warnings)?;
        }
    }
    if token.is_some() && url.scheme() == "http" && !is_loopback(&url) {
        warnings.push(format!("the token goes to {url} without encryption"));
    }
    Ok(Some(connection(url, token, context)))
}

/// A file that a flag names is meant for whichever server.
fn flags_token(flags: &Source) -> Source {
    Source { url: None, ..flags.clone() }
}

fn connection(url: Url, token: Option<Secret>, context: Option<(&String, &Context)>) -> Connection {
    let (name, context) = context.unzip();
    let cluster = context.and_then(|context| context.cluster.clone()).or_else(|| name.cloned());
    let cluster = cluster.unwrap_or_else(|| url.host_str().unwrap_or_default().to_owned());
    let timeout = context.and_then(|context| context.timeout_seconds).filter(|seconds| *seconds > 0);
    let timeout = timeout.map_or(TIMEOUT, Duration::from_secs);
    Connection { url, token, cluster, production: context.is_some_and(|context| context.production), timeout }
}

fn address(text: &str) -> Result<Url> {
    base_url("depctl.url", text).map_err(Failure::from)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
