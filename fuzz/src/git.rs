//! Objects of git: a commit, or the tree of one, read as a deploy reads them.

use gix::objs::{Kind, Write as _};
use gix::refs::transaction::PreviousValue;
use nprt::git::GitSource;
use nprt::model::{BranchName, Budget, Reference, RepoPath};
use nprt::ports::VcsSource as _;
use tokio::runtime::{Builder, Runtime};

/// A repository, and who reads it.
struct World {
    repository: gix::Repository,
    source: GitSource,
    runtime: Runtime,
    _folder: tempfile::TempDir,
}

thread_local! {
    static WORLD: World = World::new();
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [at, cache] = ["repository", "cache"].map(|name| folder.path().join(name));
        let (options, isolated) = (gix::create::Options::default(), gix::open::Options::isolated());
        let made = gix::ThreadSafeRepository::init_opts(&at, gix::create::Kind::Bare, options, isolated);
        let source = GitSource::builder(at.to_str().unwrap()).cache(cache).build().unwrap();
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        Self { repository: made.unwrap().into(), source, runtime, _folder: folder }
    }

    /// Makes the object, and a commit of it the branch's last.
    fn commit(&self, kind: Kind, data: &[u8]) {
        let object = self.repository.objects.write_buf(kind, data).unwrap();
        let commit = match kind {
            Kind::Commit => object,
            _ => {
                let who = "Eve <eve@example.com> 1790000000 +0000";
                let text = format!("tree {object}\nauthor {who}\ncommitter {who}\n\nx\n");
                self.repository.objects.write_buf(Kind::Commit, text.as_bytes()).unwrap()
            }
        };
        // A reference to what is no commit is refused.
        let _ = self.repository.reference("refs/heads/main", commit, PreviousValue::Any, "");
    }
}

/// A tree, or after a first `c` a commit.
pub fn git(data: &[u8]) {
    WORLD.with(|world| {
        match data.strip_prefix(b"c") {
            Some(commit) => world.commit(Kind::Commit, commit),
            None => world.commit(Kind::Tree, data),
        }
        world.runtime.block_on(async {
            let main = Reference::Branch(BranchName::new("main").unwrap());
            let Ok(commit) = world.source.resolve(&main).await else { return };
            let _ =
                world.source.read(&commit.revision, &RepoPath::new(".").unwrap(), &Budget::default()).await;
        });
    });
}
