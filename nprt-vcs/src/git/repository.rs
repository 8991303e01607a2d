//! Repositories on this disk: opened and made as nobody's settings but their own say.

use std::path::{Path, PathBuf};

use gix::config::Source;
use gix::create::{Kind, Options};
use gix::{ObjectId, Repository, ThreadSafeRepository};
use nprt_core::{Error, ErrorKind, Result};

/// A team's repository, or one of the cache.
pub(super) fn open(path: &Path) -> Result<Repository> {
    gix::open_opts(path, options()).map_err(|error| {
        if let Some(format) = object_format(path) {
            return unsupported(&format).with("path", path.display()).with_source(error);
        }
        let message = "no git repository there that can be read";
        Error::new(ErrorKind::NotFound, "git.open", message).with("path", path.display()).with_source(error)
    })
}

/// How a repository names its objects, where its own settings say that it is not by SHA-1.
fn object_format(path: &Path) -> Option<String> {
    let read = |file: PathBuf| gix::config::File::from_path_no_includes(file, Source::Local).ok();
    let settings = read(path.join("config")).or_else(|| read(path.join(".git/config")))?;
    let format = settings.string("extensions.objectFormat")?.to_string();
    (!format.eq_ignore_ascii_case(SHA1)).then_some(format)
}

/// The one way to name objects that we know.
pub(super) const SHA1: &str = "sha1";

pub(super) fn unsupported(format: &str) -> Error {
    let message = "the repository names its objects in a way that nprt cannot read";
    Error::new(ErrorKind::Unsupported, "git.open", message)
        .with("object format", format)
        .with_available([SHA1])
}

/// A new one without files, at `path`, which is empty.
pub(super) fn init(path: &Path) -> Result<Repository> {
    let made = ThreadSafeRepository::init_opts(path, Kind::Bare, Options::default(), options());
    made.map(Into::into).map_err(|error| {
        let message = "no repository can be made";
        Error::new(ErrorKind::Unexpected, "git.open", message).with("path", path.display()).with_source(error)
    })
}

/// Whether `repository` has the commit and its files.
pub(super) fn is_complete(repository: &Repository, commit: ObjectId) -> bool {
    repository.find_commit(commit).and_then(|commit| commit.tree()).is_ok()
}

/// What one object may take in memory, in bytes: a file, but also a directory or commit that somebody made large.
pub(super) const LARGEST: usize = 64 << 20;

fn options() -> gix::open::Options {
    gix::open::Options::isolated().config_overrides([format!("gitoxide.objects.allocLimit={LARGEST}")])
}
