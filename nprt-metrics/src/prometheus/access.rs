//! What a request has to be let in: credentials and headers.

use std::collections::BTreeMap;
use std::path::Path;

use nprt_core::model::Secret;
use nprt_core::{Error, ErrorKind, Result};
use reqwest::RequestBuilder;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};

use super::config::PrometheusAuth;
use super::words::Words;

/// No token is longer, in bytes.
const LONGEST_TOKEN: usize = 16 << 10;

/// How requests are let in.
#[derive(Debug)]
pub(super) struct Access {
    auth: PrometheusAuth,
    headers: HeaderMap,
    words: Words,
}

impl Access {
    /// Checks that the headers can be sent.
    pub(super) fn new(auth: PrometheusAuth, headers: &BTreeMap<String, Secret>) -> Result<Self> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let wrong = |message: &str| {
                Error::invalid("prometheus.config", message).with("field", "headers").with("header", name)
            };
            let known = HeaderName::from_bytes(name.as_bytes())
                .map_err(|_| wrong("expected the name of a header"))?;
            if known == AUTHORIZATION && !matches!(auth, PrometheusAuth::None) {
                return Err(wrong("`auth` sends this header already"));
            }
            let mut value = HeaderValue::from_str(value.expose())
                .map_err(|_| wrong("expected what can be sent in a header"))?;
            value.set_sensitive(true);
            map.insert(known, value);
        }
        let mut secrets: Vec<Secret> = headers.values().cloned().collect();
        if let PrometheusAuth::Basic { password: secret, .. } | PrometheusAuth::Bearer { token: secret } =
            &auth
        {
            secrets.push(secret.clone());
        }
        Ok(Self { auth, headers: map, words: Words::without(secrets) })
    }

    /// `request` with all that lets it in, and what of the answer to it may be shown.
    pub(super) async fn let_in(&self, request: RequestBuilder) -> Result<(RequestBuilder, Words)> {
        let request = request.headers(self.headers.clone());
        let words = self.words.clone();
        Ok(match &self.auth {
            PrometheusAuth::None => (request, words),
            PrometheusAuth::Basic { username, password } => {
                (request.basic_auth(username, Some(password.expose())), words)
            }
            PrometheusAuth::Bearer { token } => (request.bearer_auth(token.expose()), words),
            PrometheusAuth::BearerFile { path } => {
                let token = read(path).await?;
                (request.bearer_auth(token.expose()), words.and_without(token))
            }
        })
    }
}

/// The token in a file.
async fn read(path: &Path) -> Result<Secret> {
    let failed = |message: &str| {
        Error::new(ErrorKind::Unavailable, "prometheus.query", message).with("token", path.display())
    };
    let text = tokio::fs::read_to_string(path)
        .await
        .map_err(|error| failed("the file with the token cannot be read").with_source(error))?;
    let token = text.trim();
    if token.is_empty() || token.len() > LONGEST_TOKEN || !token.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(failed("the file holds no token"));
    }
    Ok(Secret::new(token))
}
