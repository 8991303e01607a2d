//! Version control backends of nprt, each a [`VcsSource`](nprt_core::ports::VcsSource):
//!
//! - `git` (feature `git`, on by default): repositories in a local directory and over HTTP;
//!   `git-https` and `git-ssh` add those protocols, and need OpenSSL.

#[cfg(feature = "git")]
pub mod git;
#[cfg(any(feature = "git", feature = "svn"))]
mod url;
