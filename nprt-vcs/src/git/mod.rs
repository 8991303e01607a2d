//! Git, in process (gitoxide): no `git` program is needed and nothing is ever checked out.
//!
//! A repository in a local directory is read in place. One on a server is read from a cache, in a directory
//! named by a digest of the whole URL, so that two repositories of one name never share:
//!
//! - **copies**: one bare repository per commit with that commit, its parent and their files (a shallow
//!   fetch of depth 2, so that changed lines are known). It is fetched beside and renamed into place, and
//!   never written again: nothing that dies halfway can break it.
//! - **the mirror**: commits with their history, in one repository that grows. It is made when it is needed: with
//!   all branches and tags for an abbreviated commit, or one that the server does not hand out by name; and once
//!   there are so many copies that following the repository is cheaper than copying it. It is written under a
//!   file lock, which ends with the process that holds it.
//!
//! A new commit is two requests over HTTP: the server says which protocol it speaks, and hands out the commit. Servers
//! of protocol 2 (git 2.18, 2018) hand out any, others what their references name, unless they are told to.
//!
//! Branches and tags are always looked up on the server. A full commit that the cache holds is served from
//! it, though the server may have dropped its branch since: its name is its content. Whatever is read of a cache is
//! checked against its name. A copy that is damaged or incomplete is discarded, and fetched again. The cache may be
//! deleted whenever no process uses it.
//!
//! Over https the system's certificates are trusted (or `SSL_CERT_FILE`, `SSL_CERT_DIR`). Over ssh the program `ssh`
//! is run for each fetch, with the keys, settings and known hosts of its user; it asks nobody, and an unknown host is
//! refused as an untrusted certificate is. A redirect is followed, but credentials go to the
//! configured scheme, host and port alone.
//!
//! A call ends at its time-out and aborts its transfer. What waits for an HTTP server that fell silent ends at the
//! time-out of its request; until then it holds one of the eight threads that a source has at most. When they are all
//! held, its calls end at their time-out, and nothing else waits.

mod backend;
mod builder;
mod cache;
mod cancel;
mod changed;
mod client;
mod config;
mod error;
mod http;
mod mirror;
mod objects;
mod pack;
mod reader;
mod repository;
mod session;
mod ssh;
mod temporary;

pub use backend::GitSource;
pub use builder::GitBuilder;
pub use config::GitConfig;
