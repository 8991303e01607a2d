use jiff::SignedDuration;
use nprt_core::model::Secret;
use nprt_core::{Error, ErrorKind, Result};
use serde::Deserialize;
use url::Url;

use super::{Authorization, Challenge};
use crate::oci::config::Credentials;
use crate::oci::error::refusal;
use crate::oci::host::Host;

/// The longest answer of a token service that is read, in bytes.
const LONGEST: usize = 1 << 20;

/// Asks a token service for a token, by the distribution project's token authentication: GET with the
/// user's password (or as nobody), POST with an identity token.
pub(super) struct Request<'a> {
    operation: &'static str,
    realm: Url,
    /// `service` and `scope`.
    asked: Vec<(&'static str, String)>,
    credentials: &'a Credentials,
}

/// The answer. A token's name is `token`, or `access_token` as in OAuth 2.
#[derive(Deserialize)]
struct Answer {
    token: Option<Secret>,
    access_token: Option<Secret>,
    expires_in: Option<u32>,
}

impl<'a> Request<'a> {
    /// The request that `challenge` asks for, refused where it would tell our credentials to a stranger.
    pub(super) fn new(
        operation: &'static str,
        host: &Host,
        repository: &str,
        challenge: &Challenge,
        credentials: &'a Credentials,
    ) -> Result<Self> {
        let unexpected =
            |message| Error::new(ErrorKind::Unexpected, operation, message).with("registry", &host.origin);
        let realm = challenge
            .parameters
            .get("realm")
            .and_then(|realm| Url::parse(realm).ok())
            .ok_or_else(|| unexpected("the registry names no token service"))?;
        if !host.trusts(&realm) {
            // Its query is left out: it is not ours to show.
            let named = format!("{}{}", realm.origin().ascii_serialization(), realm.path());
            return Err(unexpected(
                "the registry names a token service without TLS: list it in `realms` to allow it",
            )
            .with("realm", named));
        }
        let scope = challenge.parameters.get("scope").cloned();
        let mut asked = vec![("scope", scope.unwrap_or_else(|| format!("repository:{repository}:pull")))];
        asked.extend(challenge.parameters.get("service").map(|service| ("service", service.clone())));
        Ok(Self { operation, realm, asked, credentials })
    }

    /// The token, and how long it may be used again.
    pub(super) async fn send(self, http: &reqwest::Client) -> Result<(Authorization, SignedDuration)> {
        let (request, sent) = match self.credentials {
            Credentials::Anonymous => (http.get(self.realm.clone()).query(&self.asked), None),
            Credentials::Basic { username, password } => {
                let user = Authorization::Basic { username: username.clone(), password: password.clone() };
                (user.apply(http.get(self.realm.clone()).query(&self.asked)), Some(user))
            }
            Credentials::IdentityToken { token } => {
                let mut form = self.asked.clone();
                form.push(("grant_type", "refresh_token".to_owned()));
                form.push(("client_id", "nprt".to_owned()));
                form.push(("refresh_token", token.expose().to_owned()));
                (http.post(self.realm.clone()).form(&form), Some(Authorization::Bearer(token.clone())))
            }
        };
        let failed = |error| nprt_http::request_error(self.operation, error);
        let response = request.send().await.map_err(failed)?;
        let about = |error: Error| error.with("token service", self.realm.host_str().unwrap_or_default());
        if !response.status().is_success() {
            return Err(about(refusal(self.operation, response, sent.as_ref()).await));
        }
        let content = nprt_http::read_body(self.operation, response, LONGEST).await.map_err(about)?;
        let unreadable = || {
            about(Error::new(
                ErrorKind::Unexpected,
                self.operation,
                "the token service answered with no token",
            ))
        };
        // The cause is left out: it may quote the token.
        let answer: Answer = serde_json::from_slice(&content).map_err(|_| unreadable())?;
        let usable = |token: &Secret| !token.expose().is_empty();
        let token =
            answer.token.filter(usable).or(answer.access_token.filter(usable)).ok_or_else(unreadable)?;
        // The specification's default is a minute. A fifth is kept for the way and for clocks that differ.
        let lasts = SignedDuration::from_secs(i64::from(answer.expires_in.unwrap_or(60)) * 4 / 5);
        Ok((Authorization::Bearer(token), lasts))
    }
}
