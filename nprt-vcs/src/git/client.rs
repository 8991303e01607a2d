//! Who talks to a git server, and with which credentials.

use std::fmt;
use std::time::Duration;

use gix::credentials::{helper::Action, protocol};
use gix::progress::Discard;
use gix::protocol::transport::Service;
use gix::protocol::{SendFlushOnDrop, handshake};
use gix::sec::identity::Account;
use nprt_core::model::Secret;
use nprt_core::{Error, Result};
use url::Url;

use super::cancel::Cancel;
use super::error::from_gix;
use super::http::Http;
use super::repository::{SHA1, unsupported};
use super::session::Session;
use super::ssh::{Process, Ssh};

pub(super) const OPERATION: &str = "git.fetch";

/// A server's repository.
pub(super) struct Client {
    url: Url,
    way: Way,
    user: Option<String>,
    token: Option<Secret>,
}

enum Way {
    Http(Http),
    Ssh(Ssh),
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("url", &self.url.as_str()).field("user", &self.user).finish()
    }
}

impl Client {
    pub(super) fn new(
        url: Url,
        user: Option<String>,
        token: Option<Secret>,
        timeout: Duration,
    ) -> Result<Self> {
        let way = if url.scheme() == "ssh" {
            Way::Ssh(Ssh::new(&url, user.as_deref(), timeout)?)
        } else if user.is_some() == token.is_some() {
            Way::Http(Http::new(timeout))
        } else {
            return Err(Error::invalid("git.build", "`user` and `token` must be given together"));
        };
        Ok(Self { url, way, user, token })
    }

    pub(super) fn url(&self) -> &str {
        self.url.as_str()
    }

    /// Says hello to the server.
    pub(super) fn connect<'a>(&'a self, cancel: &'a Cancel) -> Result<Session<'a>> {
        cancel.check()?;
        let (transport, mut process) = match &self.way {
            Way::Http(http) => (http.transport(&self.url)?, None),
            Way::Ssh(ssh) => ssh.transport(cancel).map(|(transport, process)| (transport, Some(process)))?,
        };
        let mut transport = SendFlushOnDrop::new(transport, false);
        let (service, credentials) = (Service::UploadPack, |action| self.credentials(&action));
        match handshake(&mut transport.inner, service, credentials, Vec::new(), &mut Discard) {
            Ok(handshake) => {
                let format = handshake.capabilities.capability("object-format");
                if let Some(format) = format.and_then(|format| format.value()).filter(|is| *is != SHA1) {
                    return Err(unsupported(&format.to_string()).with("url", &self.url));
                }
                Ok(Session { client: self, transport, process, handshake, cancel })
            }
            Err(error) => Err(self.error(process.as_mut(), error)),
        }
    }

    /// The credentials, for the configured server alone: a redirect elsewhere gets none.
    fn credentials(&self, action: &Action) -> gix::Result<Option<protocol::Outcome>> {
        let Action::Get(context) = action else { return Ok(None) };
        let asks = context.url.as_ref().is_some_and(|url| self.is_ours(&url.to_string()));
        let (Some(user), Some(token), true) = (&self.user, &self.token, asks) else { return Ok(None) };
        let identity = Account {
            username: user.clone(),
            password: token.expose().to_owned(),
            oauth_refresh_token: None,
        };
        Ok(Some(protocol::Outcome { identity, next: context.clone().into() }))
    }

    fn is_ours(&self, url: &str) -> bool {
        let origin = |url: &Url| {
            (url.scheme().to_owned(), url.host_str().map(str::to_owned), url.port_or_known_default())
        };
        Url::parse(url).is_ok_and(|other| origin(&other) == origin(&self.url))
    }

    /// The error of the conversation. What the server said is in it, but never the token.
    pub(super) fn error(&self, process: Option<&mut Process>, error: gix::Error) -> Error {
        let repeats = |token: &Secret| format!("{error:?}").contains(token.expose());
        let hidden = self.token.as_ref().is_some_and(repeats);
        let error = from_gix(OPERATION, error);
        let error = match process {
            _ if hidden => {
                Error::new(error.kind(), OPERATION, "what was said repeats the token, and is not shown")
            }
            Some(process) => process.explain(error),
            None => error,
        };
        error.with("url", &self.url)
    }
}
