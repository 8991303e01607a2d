//! Version control backends of nprt, each a [`VcsSource`](nprt_core::ports::VcsSource):
//!
//! - `git` (feature `git`, on by default): repositories in a local directory, over HTTP, HTTPS and SSH;
//! - `svn` (feature `svn`): subversion, through the program `svn`.

// Badges of features on docs.rs.
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "git")]
pub mod git;
#[cfg(feature = "svn")]
pub mod svn;
#[cfg(any(feature = "git", feature = "svn"))]
mod url;

/// The README's snippet compiles and runs.
#[cfg(all(doctest, feature = "git"))]
#[doc = include_str!("../README.md")]
struct Readme;
