//! A cache that is damaged anywhere is fetched again: nobody ever has to clean it up.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use nprt_core::conformance::vcs::Edit;
use nprt_core::model::{Budget, Commit, RepoPath};
use nprt_core::ports::VcsSource;
use nprt_testkit::{GitHttp, GitHttpOptions, need};
use nprt_vcs::git::GitSource;
use tempfile::TempDir;

use crate::writer::Writer;

/// What can become of a file.
type Damage = fn(&Path);

const DAMAGES: [(&str, Damage); 7] = [
    ("deleted", |file| fs::remove_file(file).unwrap()),
    ("empty", |file| fs::write(file, "").unwrap()),
    ("cut in half", |file| {
        let content = fs::read(file).unwrap();
        fs::write(file, &content[..content.len() / 2]).unwrap();
    }),
    ("flipped", |file| {
        let content = fs::read(file).unwrap();
        fs::write(file, content.iter().map(|byte| byte ^ 0x55).collect::<Vec<_>>()).unwrap();
    }),
    ("one bit", |file| {
        let mut content = fs::read(file).unwrap();
        let middle = content.len() / 2;
        content[middle] ^= 1;
        fs::write(file, content).unwrap();
    }),
    ("a directory", |file| {
        fs::remove_file(file).unwrap();
        fs::create_dir(file).unwrap();
    }),
    ("a link to nothing", |file| {
        fs::remove_file(file).unwrap();
        std::os::unix::fs::symlink("/nowhere", file).unwrap();
    }),
];

struct Setting {
    source: GitSource,
    cache: TempDir,
    _server: GitHttp,
    commits: Vec<Commit>,
}

impl Setting {
    /// A cache with everything: copies, and a mirror with loose objects or with packs.
    async fn start(files: usize) -> Option<Self> {
        let server = need(GitHttp::start(GitHttpOptions::default()).await)?;
        let (writer, cache) = (Writer::new(server.repository("shop.git").unwrap()), TempDir::new().unwrap());
        let source = GitSource::builder(server.url("shop.git")).cache(cache.path()).build().unwrap();
        let names: Vec<(String, String)> =
            (0..files).map(|n| (format!("many/{n}"), format!("{n}\n"))).collect();
        let mut commits = Vec::new();
        for content in ["first", "second", "third"] {
            let mut edits = vec![("a", Edit::File(content)), ("deep/er/b", Edit::File(content))];
            edits.extend(names.iter().map(|(name, content)| (&**name, Edit::File(content))));
            commits.push(writer.write("main", content, &edits));
        }
        let setting = Self { source, cache, _server: server, commits };
        setting.serves("at first").await;
        Some(setting)
    }

    /// Each of the commits, by its name, by the beginning of it, and the branch; with all files.
    async fn serves(&self, when: &str) {
        for (n, commit) in self.commits.iter().enumerate() {
            let full = commit.revision.to_string();
            let branch = (n == 2).then_some("main");
            for reference in [&full[..], &full[..12]].into_iter().chain(branch) {
                let resolved = self.source.resolve(&reference.parse().unwrap()).await;
                let resolved = resolved.unwrap_or_else(|error| panic!("{when}: {reference}: {error:?}"));
                assert_eq!((&resolved.revision, &resolved.message), (&commit.revision, &commit.message));
            }
            for path in ["a", "."] {
                let path = RepoPath::new(path).unwrap();
                let files = self.source.read(&commit.revision, &path, &Budget::default()).await;
                let files = files.unwrap_or_else(|error| panic!("{when}: {full}: {error:?}"));
                assert_eq!(files[0].content, commit.message, "{when}");
            }
        }
    }

    /// All files of the cache.
    fn files(&self) -> Vec<PathBuf> {
        let (mut files, mut open) = (Vec::new(), vec![self.cache.path().to_owned()]);
        while let Some(directory) = open.pop() {
            for entry in fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { open.push(path) } else { files.push(path) }
            }
        }
        files.sort();
        files
    }

    /// Damages each file, one after the other.
    async fn survives(&self) {
        let beside = self.cache.path().join("beside");
        fs::create_dir(&beside).unwrap();
        fs::write(beside.join("file"), "of somebody else").unwrap();
        for (name, damage) in DAMAGES {
            for file in self.files().into_iter().filter(|file| !file.starts_with(&beside)) {
                let is_there = file.exists() && fs::metadata(&file).unwrap().len() > 0;
                if !is_there {
                    continue;
                }
                fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
                damage(&file);
                self.serves(&format!(
                    "{} is {name}",
                    file.strip_prefix(self.cache.path()).unwrap().display()
                ))
                .await;
            }
        }
        assert_eq!(fs::read_to_string(beside.join("file")).unwrap(), "of somebody else");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn any_damaged_file_of_copies_and_loose_objects_is_fetched_again() {
    let Some(setting) = Setting::start(0).await else { return };
    setting.survives().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn any_damaged_file_of_packs_is_fetched_again() {
    let Some(setting) = Setting::start(120).await else { return };
    setting.survives().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn directories_that_are_gone_or_files_are_made_again() {
    let Some(setting) = Setting::start(0).await else { return };
    let top = fs::read_dir(setting.cache.path()).unwrap().next().unwrap().unwrap().path();
    let places = ["", "copies", "mirror.git", "temporary", "mirror.git/objects", "mirror.git/refs", "lock"];
    for place in places {
        let path = if place.is_empty() { top.clone() } else { top.join(place) };
        for kind in ["gone", "a file", "an empty directory"] {
            // It may be gone already, until it is needed, and so may be what it is in.
            let _ = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            let _ = match kind {
                "a file" => fs::write(&path, "a file"),
                "an empty directory" => fs::create_dir(&path),
                _ => Ok(()),
            };
            setting.serves(&format!("{place:?} is {kind}")).await;
        }
    }
    for lock in ["HEAD.lock", "config.lock", "packed-refs.lock", "shallow.lock", "objects/pack/x.lock"] {
        let mirror = top.join("mirror.git");
        fs::write(mirror.join(lock), "").unwrap();
        setting.serves(lock).await;
    }
}
