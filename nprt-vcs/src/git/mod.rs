//! Git, in process (libgit2): no `git` program is needed and nothing is ever checked out.
//!
//! A repository in a local directory is read in place. One on a server is read from a cache, in a directory
//! named by a digest of the whole URL, so that two repositories of one name never share:
//!
//! - **copies**: one bare repository per commit with that commit, its parent and their files (a shallow
//!   fetch of depth 2, so that changed lines are known). It is fetched beside and renamed into place, and
//!   never written again: nothing that dies halfway can break it.
//! - **the mirror**: all branches and tags with their history. It is made when it is needed: for an
//!   abbreviated commit, for a commit that the server does not hand out by name, and once there are so many
//!   copies that following the repository is cheaper than copying it. It is written under a file lock, which
//!   ends with the process that holds it.
//!
//! Branches and tags are always looked up on the server. A full commit that the cache holds is served from
//! it, though the server may have dropped its branch since: its name is its content. The cache may be
//! deleted whenever no process uses it.
//!
//! Over https OpenSSL decides which certificates are trusted (`SSL_CERT_FILE`, `SSL_CERT_DIR`). Over ssh the
//! keys are those of the running agent, and the host must be in `~/.ssh/known_hosts`: an unknown host is refused
//! as an untrusted certificate is. A redirect of the first request is followed, but credentials go to the
//! configured scheme, host and port alone.
//!
//! libgit2 has no safe way to limit the time of a socket operation. A call ends at its time-out all the same
//! and aborts its transfer, but a server that falls silent holds its thread until the connection ends. A source has
//! eight threads at most: when they are all held, its calls end at their time-out, and nothing else waits.

mod backend;
mod builder;
mod cache;
mod client;
mod config;
mod error;
mod objects;

pub use backend::GitSource;
pub use builder::GitBuilder;
pub use config::GitConfig;
