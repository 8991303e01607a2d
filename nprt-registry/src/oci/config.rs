use std::collections::BTreeMap;
use std::path::PathBuf;

use nprt_core::model::Secret;
use nprt_http::ClientConfig;
use serde::Deserialize;

/// How registries are reached. The default serves public registries, and private ones with the credentials
/// that docker has.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OciConfig {
    /// Time-outs.
    pub http: ClientConfig,
    /// Tags asked for at a time, 1 to 1000; 100 by default. A registry may answer with fewer.
    pub page_size: u32,
    /// Tags that an image may have; 200,000 by default.
    pub max_tags: usize,
    /// Seconds that a list of tags may take, with all its pages; 120 by default.
    pub list_timeout_seconds: u64,
    /// Credentials that docker has.
    pub docker_config: DockerConfig,
    /// What differs from the defaults, by the host (and port) in the images' names; Docker Hub is `docker.io`.
    pub registries: BTreeMap<String, RegistryConfig>,
}

impl Default for OciConfig {
    fn default() -> Self {
        Self {
            http: ClientConfig::default(),
            page_size: 100,
            max_tags: 200_000,
            list_timeout_seconds: 120,
            docker_config: DockerConfig::default(),
            registries: BTreeMap::new(),
        }
    }
}

/// How one registry is reached.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RegistryConfig {
    /// The host (and port) that serves it, such as a mirror; by default that of the images' names
    /// (`registry-1.docker.io` for `docker.io`). It gets the credentials below.
    pub host: Option<String>,
    /// Whether to speak http without TLS; by default only with a loopback host.
    pub plain_http: Option<bool>,
    /// Who we are. By default docker's configuration is asked by the name of the host that serves it.
    pub credentials: Option<Credentials>,
    /// Token services (URLs without query) that are allowed although they speak plain http. Others must
    /// speak https, or share the host of a registry that is itself on plain http, or both be on loopback.
    pub realms: Vec<String>,
}

/// Who we are to a registry.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Credentials {
    /// Nobody; docker's configuration is not asked.
    Anonymous,
    /// A user, to the registry or its token service.
    Basic {
        /// The name, without `:`.
        username: String,
        /// The password, or what the registry takes for one.
        password: Secret,
    },
    /// A long-lived token that the token service changes for short-lived ones (OAuth 2 refresh token).
    IdentityToken {
        /// The token.
        token: Secret,
    },
}

/// Whether and where docker's `config.json` is read for credentials (in it, or by the helpers it names).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DockerConfig {
    /// Whether it is read at all; true by default. A missing file means no credentials.
    pub enabled: bool,
    /// The file; by default `$DOCKER_CONFIG/config.json`, or `~/.docker/config.json`.
    pub file: Option<PathBuf>,
    /// Seconds that a credential helper may take; 10 by default.
    pub timeout_seconds: u64,
}

impl Default for DockerConfig {
    fn default() -> Self {
        Self { enabled: true, file: None, timeout_seconds: 10 }
    }
}
