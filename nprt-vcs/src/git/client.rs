//! The only place that talks to a git server.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use git2::{
    AutotagOption, Cred, CredentialType, Direction, ErrorClass, ErrorCode, FetchOptions, Oid, ProxyOptions,
    Remote, RemoteCallbacks, Repository,
};
use nprt_core::model::Secret;
use nprt_core::{Error, ErrorKind, Result};
use url::Url;

use super::error::from_git;

const OPERATION: &str = "git.fetch";
/// libgit2 asks again for credentials as long as the server refuses them.
const TRIES: u32 = 3;

/// What a server says of one of its references.
#[derive(Debug, Clone)]
pub(super) struct Head {
    /// Such as `HEAD`, `refs/heads/main`, `refs/tags/v1`, `refs/tags/v1^{}`.
    pub(super) name: String,
    pub(super) oid: Oid,
}

/// Tells a blocking call that nobody waits for it any longer.
#[derive(Debug, Clone, Default)]
pub(super) struct Cancel(Arc<AtomicBool>);

impl Cancel {
    pub(super) fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn check(&self) -> Result<()> {
        if self.is_cancelled() {
            return Err(Error::new(ErrorKind::Cancelled, OPERATION, "the call was dropped"));
        }
        Ok(())
    }
}

/// A server's repository.
pub(super) struct Client {
    url: Url,
    user: Option<String>,
    token: Option<Secret>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("url", &self.url.as_str()).field("user", &self.user).finish()
    }
}

impl Client {
    pub(super) fn new(url: Url, user: Option<String>, token: Option<Secret>) -> Result<Self> {
        if url.scheme() != "ssh" && user.is_some() != token.is_some() {
            return Err(Error::invalid("git.build", "`user` and `token` must be given together"));
        }
        Ok(Self { url, user, token })
    }

    pub(super) fn url(&self) -> &str {
        self.url.as_str()
    }

    /// All references of the server, as they are now.
    pub(super) fn heads(&self, cancel: &Cancel) -> Result<Vec<Head>> {
        cancel.check()?;
        let mut remote = Remote::create_detached(self.url()).map_err(|error| self.error(error))?;
        let connection = remote
            .connect_auth(Direction::Fetch, Some(self.callbacks(cancel)), Some(proxy()))
            .map_err(|error| self.error(error))?;
        connection.list().map(heads).map_err(|error| self.error(error))
    }

    /// Fetches what `wanted` (names of references, or full commits) reaches into `repository`, without
    /// writing a reference there; answers with the server's references at that moment.
    pub(super) fn download(
        &self,
        repository: &Repository,
        wanted: &[String],
        depth: Option<i32>,
        cancel: &Cancel,
    ) -> Result<Vec<Head>> {
        cancel.check()?;
        let mut options = FetchOptions::new();
        options.remote_callbacks(self.callbacks(cancel)).proxy_options(proxy());
        options.download_tags(AutotagOption::None).update_fetchhead(false);
        if let Some(depth) = depth {
            options.depth(depth);
        }
        let mut remote = repository.remote_anonymous(self.url()).map_err(|error| self.error(error))?;
        remote.download(wanted, Some(&mut options)).map_err(|error| self.error(error))?;
        remote.list().map(heads).map_err(|error| self.error(error))
    }

    fn callbacks<'a>(&'a self, cancel: &Cancel) -> RemoteCallbacks<'a> {
        let mut callbacks = RemoteCallbacks::new();
        let mut tries = 0;
        callbacks.credentials(move |url, _, allowed| {
            tries += 1;
            if tries > TRIES || !self.is_ours(url) {
                return Err(refused("no (further) credentials"));
            }
            self.credential(allowed)
        });
        let progress = cancel.clone();
        callbacks.transfer_progress(move |_| !progress.is_cancelled());
        let progress = cancel.clone();
        callbacks.sideband_progress(move |_| !progress.is_cancelled());
        callbacks
    }

    /// Whether `url` is of the configured server: a redirect elsewhere gets no credentials.
    fn is_ours(&self, url: &str) -> bool {
        let same = |other: &Url| {
            (other.scheme(), other.host_str(), other.port_or_known_default())
                == (self.url.scheme(), self.url.host_str(), self.url.port_or_known_default())
        };
        Url::parse(url).is_ok_and(|other| same(&other))
    }

    fn credential(&self, allowed: CredentialType) -> Result<Cred, git2::Error> {
        let user = self.user.as_deref().unwrap_or("git");
        if allowed.contains(CredentialType::USER_PASS_PLAINTEXT) {
            let token = self.token.as_ref().ok_or_else(|| refused("no credentials are configured"))?;
            return Cred::userpass_plaintext(user, token.expose());
        }
        if allowed.contains(CredentialType::USERNAME) {
            return Cred::username(user);
        }
        if allowed.contains(CredentialType::SSH_KEY) {
            return Cred::ssh_key_from_agent(user);
        }
        Err(refused("the server wants a kind of credentials that is not known here"))
    }

    fn error(&self, error: git2::Error) -> Error {
        let repeats = |token: &Secret| error.message().contains(token.expose());
        let error = if self.token.as_ref().is_some_and(repeats) {
            let hidden = "what was said repeats the token, and is not shown";
            git2::Error::new(error.code(), error.class(), hidden)
        } else {
            error
        };
        from_git(OPERATION, error).with("url", &self.url)
    }
}

/// The system's proxy settings, as git itself reads them.
fn proxy() -> ProxyOptions<'static> {
    let mut proxy = ProxyOptions::new();
    proxy.auto();
    proxy
}

fn refused(message: &str) -> git2::Error {
    git2::Error::new(ErrorCode::Auth, ErrorClass::Http, message)
}

/// A name that is no UTF-8 is left out: it is nothing that a [`Reference`](nprt_core::model::Reference) can
/// name, and must not keep others from theirs.
fn heads(list: &[git2::RemoteHead<'_>]) -> Vec<Head> {
    // git2 has no other way to the name than one which panics there, in Rust and holding nothing.
    let name = |head: &git2::RemoteHead<'_>| catch_unwind(AssertUnwindSafe(|| head.name().to_owned())).ok();
    list.iter().filter_map(|head| Some(Head { name: name(head)?, oid: head.oid() })).collect()
}
