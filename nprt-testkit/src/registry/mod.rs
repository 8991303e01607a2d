//! The distribution project's registry (version 3), built from its Go module.

mod push;
mod token;

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use self::token::TokenService;
use crate::build::Recipe;
use crate::process::{Process, free_address};
use crate::{Missing, build};

const NAME: &str = "registry";

/// `htpasswd -nbBC 4` of [`Registry::USERNAME`] and [`Registry::PASSWORD`].
const HTPASSWD: &str = "nprt:$2y$04$YV8ntGSIcKTQhQXRjxIa0.HrdtFNbwMOZxIlpNKIzt849pvW3V3nq\n";

/// Whom a [`Registry`] serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everybody.
    Anonymous,
    /// Whoever sends the user's name and password.
    Basic,
    /// Whoever brings a token of the registry's token service, which serves the same user.
    Bearer,
}

/// A running registry, empty at first.
#[derive(Debug)]
pub struct Registry {
    address: SocketAddr,
    access: Access,
    http: reqwest::Client,
    tokens: Option<TokenService>,
    // Ends before its folder goes.
    _process: Process,
    _folder: TempDir,
}

impl Registry {
    /// The one user.
    pub const USERNAME: &str = "nprt";
    /// The user's password.
    pub const PASSWORD: &str = "s3cret-word";

    /// Starts one; builds it first where it is not cached (minutes).
    ///
    /// # Errors
    /// [`Missing`] when it cannot be built or started.
    pub async fn start(access: Access) -> Result<Self, Missing> {
        let failed = |error: &dyn std::fmt::Display| Missing::new(NAME, error);
        let program = tokio::task::spawn_blocking(program).await.map_err(|e| failed(&e))??;
        let folder = tempfile::tempdir().map_err(|e| failed(&e))?;
        let address = free_address()?;
        let tokens = match access {
            Access::Bearer => Some(TokenService::start().await?),
            Access::Anonymous | Access::Basic => None,
        };
        let config = config(folder.path(), address, access, tokens.as_ref()).map_err(|e| failed(&e))?;
        let file = folder.path().join("config.yml");
        // JSON is YAML.
        std::fs::write(&file, config.to_string()).map_err(|e| failed(&e))?;
        let mut command = Command::new(program);
        command.arg("serve").arg(&file).env("OTEL_TRACES_EXPORTER", "none");
        let mut process = Process::start(NAME, &mut command, &folder.path().join("log"))?;
        process.wait_for_port(address).await?;
        let http = nprt_http::client(&nprt_http::ClientConfig::default()).map_err(|e| failed(&e))?;
        Ok(Self { address, access, http, tokens, _process: process, _folder: folder })
    }

    /// Its host and port, as images' names begin.
    #[must_use]
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// How many tokens its token service gave.
    #[must_use]
    pub fn tokens_given(&self) -> usize {
        self.tokens.as_ref().map_or(0, TokenService::given)
    }
}

#[expect(clippy::print_stderr, reason = "a person who waits for minutes wants to know why")]
fn program() -> Result<std::path::PathBuf, Missing> {
    let modules = Path::new(env!("CARGO_MANIFEST_DIR")).join("registry");
    let recipe = Recipe { name: NAME, script: modules.join("build"), modules: vec![modules] };
    Ok(build::programs(&recipe, |say| eprintln!("{say}"))?.join("registry"))
}

fn config(
    folder: &Path,
    address: SocketAddr,
    access: Access,
    tokens: Option<&TokenService>,
) -> std::io::Result<Value> {
    let mut config = json!({
        "version": "0.1",
        "log": {"level": "warn", "accesslog": {"disabled": true}},
        "storage": {
            "filesystem": {"rootdirectory": folder.join("images")},
            "delete": {"enabled": true}
        },
        "http": {"addr": address.to_string()}
    });
    match (access, tokens) {
        (Access::Basic, _) => {
            let file = folder.join("htpasswd");
            std::fs::write(&file, HTPASSWD)?;
            config["auth"] = json!({"htpasswd": {"realm": "nprt, \"testkit\"", "path": file}});
        }
        (Access::Bearer, Some(tokens)) => {
            let file = folder.join("jwks.json");
            std::fs::write(&file, tokens.jwks().to_string())?;
            config["auth"] = json!({"token": {
                "realm": tokens.realm(), "service": token::SERVICE, "issuer": token::ISSUER, "jwks": file
            }});
        }
        _ => {}
    }
    Ok(config)
}
