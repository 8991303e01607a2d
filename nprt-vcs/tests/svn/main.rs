//! The subversion backend against a repository on disk, `svnserve` and Apache with mod_dav_svn.
#![cfg(feature = "svn")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says what it expects")]

mod conformance;
mod limits;
mod lines;
mod program;
mod writer;
