//! Who we are to a registry: the challenge it answers with, the credentials for it, and what we then send.

mod challenge;
mod docker;
mod token;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use nprt_core::model::Secret;
use nprt_core::ports::Clock;
use nprt_core::{Error, ErrorKind, Result};
use reqwest::RequestBuilder;
use reqwest::header::{HeaderMap, WWW_AUTHENTICATE};

use self::challenge::{Challenge, challenges};
use super::config::{Credentials, DockerConfig};
use super::host::Host;

/// How long a user's password is taken as read; a credential helper is asked again after that.
const BASIC_LASTS: SignedDuration = SignedDuration::from_mins(5);

/// How many answers to remember: repositories choose the images, and a token may last for years.
const MOST_REMEMBERED: usize = 1000;

/// What a request carries.
#[derive(Debug, Clone)]
pub(super) enum Authorization {
    Basic { username: String, password: Secret },
    Bearer(Secret),
}

impl Authorization {
    pub(super) fn apply(&self, request: RequestBuilder) -> RequestBuilder {
        match self {
            Self::Basic { username, password } => request.basic_auth(username, Some(password.expose())),
            Self::Bearer(token) => request.bearer_auth(token.expose()),
        }
    }

    /// Whether `text` gives the secret away: a server may repeat what it got.
    pub(super) fn is_in(&self, text: &str) -> bool {
        match self {
            Self::Basic { username, password } => {
                let encoded = STANDARD.encode(format!("{username}:{}", password.expose()));
                text.contains(password.expose()) || text.contains(&encoded)
            }
            Self::Bearer(token) => text.contains(token.expose()),
        }
    }
}

/// Answers challenges, and remembers what it answered.
#[derive(Debug)]
pub(super) struct Authenticator {
    http: reqwest::Client,
    clock: Arc<dyn Clock>,
    docker_config: DockerConfig,
    /// By origin and repository, each with the end of its life: a token is for one repository.
    remembered: Mutex<BTreeMap<(String, String), (Authorization, Timestamp)>>,
}

impl Authenticator {
    pub(super) fn new(http: reqwest::Client, clock: Arc<dyn Clock>, docker_config: DockerConfig) -> Self {
        Self { http, clock, docker_config, remembered: Mutex::default() }
    }

    /// What a request to `repository` should carry, if that is known already.
    pub(super) fn remembered(&self, host: &Host, repository: &str) -> Option<Authorization> {
        let now = self.clock.now();
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.retain(|_, (_, until)| now < *until);
        remembered.get(&key(host, repository)).map(|(authorization, _)| authorization.clone())
    }

    /// What a request to `repository` must carry after the answer 401 with `headers`.
    pub(super) async fn answer(
        &self,
        operation: &'static str,
        host: &Host,
        repository: &str,
        headers: &HeaderMap,
    ) -> Result<Authorization> {
        let asked: Vec<Challenge> = headers
            .get_all(WWW_AUTHENTICATE)
            .iter()
            .filter_map(|header| header.to_str().ok())
            .flat_map(challenges)
            .collect();
        let by_scheme = |scheme| asked.iter().find(|challenge| challenge.scheme == scheme);
        let credentials = match &host.credentials {
            Some(credentials) => credentials.clone(),
            None => docker::credentials(operation, &self.docker_config, host.docker_key()).await?,
        };
        let now = self.clock.now();
        let (authorization, lasts) = match (by_scheme("bearer"), by_scheme("basic"), credentials) {
            (Some(bearer), _, credentials) => {
                let request = token::Request::new(operation, host, repository, bearer, &credentials)?;
                request.send(&self.http).await?
            }
            (None, Some(_), Credentials::Basic { username, password }) => {
                (Authorization::Basic { username, password }, BASIC_LASTS)
            }
            (None, Some(_), Credentials::Anonymous) => {
                return Err(refused(
                    operation,
                    host,
                    "the registry asks for credentials, and none are configured",
                ));
            }
            (None, Some(_), Credentials::IdentityToken { .. }) => {
                return Err(refused(
                    operation,
                    host,
                    "the registry asks for a password, not an identity token",
                ));
            }
            (None, None, _) => {
                return Err(refused(operation, host, "the registry takes neither a password nor a token"));
            }
        };
        let until = now.checked_add(lasts).unwrap_or(now);
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.len() >= MOST_REMEMBERED {
            // It is asked for again, where it is needed again.
            remembered.pop_first();
        }
        remembered.insert(key(host, repository), (authorization.clone(), until));
        drop(remembered);
        Ok(authorization)
    }
}

pub(super) fn fuzz_challenge(header: &str) {
    let _ = challenges(header);
}

fn key(host: &Host, repository: &str) -> (String, String) {
    (host.origin.to_string(), repository.to_owned())
}

fn refused(operation: &'static str, host: &Host, message: &str) -> Error {
    Error::new(ErrorKind::Unauthenticated, operation, message).with("registry", &host.origin)
}
