//! What a server sends, written into a repository.

use std::fs;
use std::io::BufRead;
use std::sync::atomic::{AtomicBool, Ordering};

use gix::Repository;
use gix::error::{ErrorExt as _, ResultExt as _, cancelled, message};
use gix::objs::{Kind, Write as _};
use gix::odb::pack::{self, Bundle};
use gix::progress::Discard;
use tempfile::TempDir;

/// From this many objects on, a pack stays one file with an index. Fewer are written one by one, as git does it: a lookup
/// searches every index, and there would be one per fetch.
const PACKED: u32 = 100;

/// What one object may hold, in bytes: a few kilobytes can inflate to gigabytes, and GitHub takes no file above 100 MB.
/// Objects that hold more together stay packed, as they were sent.
pub(super) const LARGEST: usize = 128 << 20;

/// Writes all of a pack, checked; a process that is killed meanwhile leaves no commit without its files.
pub(super) fn store(repository: &Repository, pack: &mut dyn BufRead, stop: &AtomicBool) -> gix::Result<()> {
    store_within(LARGEST, repository, pack, stop)
}

fn store_within(
    largest: usize,
    repository: &Repository,
    pack: &mut dyn BufRead,
    stop: &AtomicBool,
) -> gix::Result<()> {
    let failed = || message("what was sent cannot be kept");
    let made = TempDir::new_in(repository.path()).or_raise(failed)?;
    let bases = repository.objects.clone().into_inner();
    let alloc_limit_bytes = Some(largest);
    let options =
        pack::bundle::write::Options { thread_limit: Some(1), alloc_limit_bytes, ..Default::default() };
    let (at, hash) = (Some(made.path()), repository.object_hash());
    let written = Bundle::write_to_directory(pack, at, &mut Discard, stop, Some(bases), hash, options)?;
    if written.index.num_objects < PACKED {
        let Some(bundle) = written.to_bundle() else { return Ok(()) };
        let mut bundle = bundle?;
        bundle.pack = bundle.pack.with_alloc_limit_bytes(alloc_limit_bytes);
        if unpack(largest, repository, &bundle, stop)? {
            return Ok(());
        }
    }
    let packs = repository.objects.store_ref().path().join("pack");
    // By its index it is found.
    for file in [written.data_path, written.index_path].into_iter().flatten() {
        let name = file.file_name().unwrap_or_default();
        fs::rename(&file, packs.join(name)).or_raise(failed)?;
    }
    Ok(())
}

/// Writes the objects of a pack one by one; whether they were few enough bytes for that. Commits come last: where one
/// is, its files are.
fn unpack(largest: usize, repository: &Repository, bundle: &Bundle, stop: &AtomicBool) -> gix::Result<bool> {
    let (mut data, mut inflate, mut written) = (Vec::new(), Default::default(), 0);
    for kinds in [&[Kind::Blob, Kind::Tree][..], &[Kind::Commit, Kind::Tag]] {
        for object in 0..bundle.index.num_objects() {
            if stop.load(Ordering::Relaxed) {
                return Err(cancelled("the call was dropped").raise());
            }
            let (object, _) =
                bundle.get_object_by_index(object, &mut data, &mut inflate, &mut pack::cache::Never)?;
            if !kinds.contains(&object.kind) {
                continue;
            }
            written += object.data.len();
            if written > largest {
                return Ok(false);
            }
            repository.objects.write_buf(object.kind, object.data)?;
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::path::Path;
    use std::process::{Command, Stdio};

    use super::super::repository;
    use super::*;

    fn git(repository: &Path, arguments: &[&str], input: &str) -> Vec<u8> {
        let mut child = Command::new("git")
            .arg("--git-dir")
            .arg(repository)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "git {arguments:?}");
        output.stdout
    }

    /// A commit with three files of 1,000 bytes, as git packs it.
    fn packed(at: &Path) -> (String, Vec<u8>) {
        git(at, &["init", "--quiet", "--bare"], "");
        let mut stream = "commit refs/heads/main\ncommitter A <a@x> 1790000000 +0000\ndata 1\nx\n".to_owned();
        for name in ["a", "b", "c"] {
            stream += &format!("M 100644 inline {name}\ndata 1000\n{}\n", name.repeat(1000));
        }
        git(at, &["fast-import", "--quiet"], &stream);
        let commit = String::from_utf8(git(at, &["rev-parse", "main"], "")).unwrap().trim().to_owned();
        (commit, git(at, &["pack-objects", "--quiet", "--revs", "--stdout"], "main\n"))
    }

    /// How many packs a repository has, and whether it holds the commit.
    fn state(repository: &Repository, commit: &str) -> (usize, bool) {
        let packs = repository.objects.store_ref().path().join("pack");
        let packs = fs::read_dir(packs)
            .unwrap()
            .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().ends_with(".pack"));
        let fresh = repository::open(repository.path()).unwrap();
        (packs.count(), repository::is_complete(&fresh, commit.parse().unwrap()))
    }

    #[test]
    fn few_objects_are_written_one_by_one_unless_they_are_large() {
        let folder = TempDir::new().unwrap();
        let (commit, pack) = packed(&folder.path().join("source"));
        for (largest, expected) in [(1 << 20, (0, true)), (4_000, (0, true)), (2_500, (1, true))] {
            let copy = TempDir::new().unwrap();
            let repository = repository::init(copy.path()).unwrap();
            store_within(largest, &repository, &mut pack.as_slice(), &AtomicBool::new(false)).unwrap();
            assert_eq!(state(&repository, &commit), expected, "{largest}");
        }
    }

    #[test]
    fn a_large_object_and_a_call_that_was_dropped_leave_nothing() {
        let folder = TempDir::new().unwrap();
        let (commit, pack) = packed(&folder.path().join("source"));
        let copy = TempDir::new().unwrap();
        let repository = repository::init(copy.path()).unwrap();
        let store = |largest, stop| {
            store_within(largest, &repository, &mut pack.as_slice(), &AtomicBool::new(stop)).unwrap_err()
        };
        assert!(store(999, false).is_resource_exhausted());
        assert!(store(1 << 20, true).is_cancelled());
        assert_eq!(state(&repository, &commit), (0, false));
        let left = fs::read_dir(repository.path()).unwrap().map(|entry| entry.unwrap().file_name());
        assert!(left.into_iter().all(|name| !name.to_string_lossy().starts_with(".tmp")));
    }
}
