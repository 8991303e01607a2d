//! Subversion, through the program `svn` (1.14 or newer), which must be on the `PATH`.
//!
//! Revisions are numbers of the whole repository, so that a number alone does not say whether trunk or a
//! branch is meant. Here a revision means the **line** that it changed (trunk, one branch or one tag), and
//! paths are relative to that line: `kubernetes` is the same path on trunk, on a branch and in git. What a
//! branch or tag resolves to is the last revision that changed it. A revision that changed several lines is
//! `Ambiguous`, and one that changed none is `Invalid`: it is never guessed whose manifests are meant. Images
//! must therefore be tagged with the last changed revision (`svn info --show-item last-changed-revision`).
//! Where the URL is that of trunk itself and the layout's trunk is `.`, any revision will do.
//!
//! Changed lines are those of text that `svn diff` shows for the revision, below the URL: neither
//! properties nor binary files count. A revision that is a copy, such as a new branch or tag, is compared with
//! what it was copied from. They are unknown (`None`) where `svn` cannot show the diff, or it is longer than
//! 32 MiB, or takes longer than half of the time that the call has.
//!
//! Before files are exported `svn` lists their names and sizes, and nothing is exported that has more of them than
//! the budget allows. While it exports, the folder is looked at as well, since a server may send more than it lists.
//! `svn`'s temporary files are in folders of its own, limited to 64 MiB where it does not export.
//!
//! Passwords go to `svn` on its standard input. It runs with a configuration directory of its own, which is
//! removed afterwards: it neither reads nor stores anything in the user's. `svn` follows redirects;
//! credentials go to the URL's host alone.

mod backend;
mod builder;
mod client;
mod config;
mod diff;
mod error;
mod exported;
mod folder;
mod layout;
mod listed;
mod room;
mod running;
mod xml;

pub use backend::SvnSource;
pub use builder::SvnBuilder;
pub use config::{SvnConfig, SvnLayout};
