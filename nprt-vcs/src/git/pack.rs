//! What a server sends, written into a repository.

use std::fs;
use std::io::BufRead;
use std::sync::atomic::AtomicBool;

use gix::Repository;
use gix::error::{ResultExt as _, message};
use gix::objs::{Kind, Write as _};
use gix::odb::pack::{self, Bundle};
use gix::progress::Discard;
use tempfile::TempDir;

/// So many objects or more stay one file with an index. Fewer are written one by one, as git does it: whoever looks
/// for an object looks into each index, and there would be one for each fetch.
const PACKED: u32 = 100;

/// What one object may hold, in bytes. A few kilobytes can inflate to gigabytes; GitHub takes no file above 100 MB.
const LARGEST: usize = 128 << 20;

/// Writes all of a pack, checked; a process that is killed meanwhile leaves no commit without its files.
pub(super) fn store(repository: &Repository, pack: &mut dyn BufRead, stop: &AtomicBool) -> gix::Result<()> {
    let failed = || message("what was sent cannot be kept");
    let made = TempDir::new_in(repository.path()).or_raise(failed)?;
    let bases = repository.objects.clone().into_inner();
    let alloc_limit_bytes = Some(LARGEST);
    let options =
        pack::bundle::write::Options { thread_limit: Some(1), alloc_limit_bytes, ..Default::default() };
    let (at, hash) = (Some(made.path()), repository.object_hash());
    let written = Bundle::write_to_directory(pack, at, &mut Discard, stop, Some(bases), hash, options)?;
    if written.index.num_objects < PACKED {
        return written.to_bundle().map_or(Ok(()), |bundle| unpack(repository, &bundle?));
    }
    let packs = repository.objects.store_ref().path().join("pack");
    // By its index it is found.
    for file in [written.data_path, written.index_path].into_iter().flatten() {
        let name = file.file_name().unwrap_or_default();
        fs::rename(&file, packs.join(name)).or_raise(failed)?;
    }
    Ok(())
}

/// Commits come last: where one is, its files are.
fn unpack(repository: &Repository, bundle: &Bundle) -> gix::Result<()> {
    let (mut data, mut inflate) = (Vec::new(), Default::default());
    for kinds in [&[Kind::Blob, Kind::Tree][..], &[Kind::Commit, Kind::Tag]] {
        for object in 0..bundle.index.num_objects() {
            let (object, _) =
                bundle.get_object_by_index(object, &mut data, &mut inflate, &mut pack::cache::Never)?;
            if kinds.contains(&object.kind) {
                repository.objects.write_buf(object.kind, object.data)?;
            }
        }
    }
    Ok(())
}
