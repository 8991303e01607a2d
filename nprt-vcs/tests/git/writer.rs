use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use gix::objs::Kind;
use jiff::Timestamp;
use nprt_core::conformance::vcs::{Edit, VcsWriter};
use nprt_core::model::{Commit, Revision};

const AUTHOR: &str = "Ada Lovelace <ada@example.com>";

/// Writes a bare repository by the program `git`.
pub(crate) struct Writer {
    repository: PathBuf,
    time: AtomicI64,
}

impl Writer {
    pub(crate) fn new(repository: impl Into<PathBuf>) -> Self {
        Self { repository: repository.into(), time: AtomicI64::new(1_790_000_000) }
    }

    /// Makes the bare repository first.
    pub(crate) fn init(repository: &Path) -> Self {
        let writer = Self::new(repository);
        let made = Command::new("git").args(["init", "-q", "--bare", "-b", "main"]).arg(repository).status();
        assert!(made.unwrap().success());
        writer
    }

    pub(crate) fn git(&self, arguments: &[&str], input: &str) -> String {
        let mut child = Command::new("git")
            .arg("--git-dir")
            .arg(&self.repository)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "git {arguments:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn tip(&self, branch: &str) -> String {
        self.git(&["for-each-ref", "--format=%(objectname)", &format!("refs/heads/{branch}")], "")
    }

    pub(crate) fn write(&self, branch: &str, message: &str, edits: &[(&str, Edit<'_>)]) -> Commit {
        let seconds = self.time.fetch_add(1, Ordering::Relaxed);
        let parent = self.tip(branch);
        let mut stream = format!("commit refs/heads/{branch}\ncommitter {AUTHOR} {seconds} +0100\n");
        data(&mut stream, message);
        if !parent.is_empty() {
            writeln!(stream, "from {parent}").unwrap();
        }
        for (path, edit) in edits {
            match edit {
                Edit::File(content) => {
                    writeln!(stream, "M 100644 inline \"{path}\"").unwrap();
                    data(&mut stream, content);
                }
                Edit::Link(target) => {
                    writeln!(stream, "M 120000 inline \"{path}\"").unwrap();
                    data(&mut stream, target);
                }
                Edit::Submodule => writeln!(stream, "M 160000 {} \"{path}\"", "1".repeat(40)).unwrap(),
                Edit::Remove => writeln!(stream, "D \"{path}\"").unwrap(),
            }
        }
        self.git(&["fast-import", "--quiet"], &stream);
        self.newest(branch, seconds, message)
    }

    fn newest(&self, branch: &str, seconds: i64, message: &str) -> Commit {
        Commit {
            revision: Revision::new(&self.tip(branch)).unwrap(),
            author: AUTHOR.to_owned(),
            time: Timestamp::from_second(seconds).unwrap(),
            message: message.to_owned(),
            changed: None,
        }
    }
}

fn data(stream: &mut String, content: &str) {
    writeln!(stream, "data {}\n{content}", content.len()).unwrap();
}

#[async_trait]
impl VcsWriter for Writer {
    async fn commit(&self, branch: &str, message: &str, edits: &[(&str, Edit<'_>)]) -> Commit {
        self.write(branch, message, edits)
    }

    async fn tag(&self, tag: &str, branch: &str) -> Commit {
        // An annotated one: it is an object of its own, and the commit is behind it.
        let name = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"];
        let branch = format!("refs/heads/{branch}");
        self.git(&[&name[..], &["tag", "-a", "-m", "a tag", tag, &branch]].concat(), "");
        let shown = self.git(&["log", "-1", "--format=%ct %B", &branch], "");
        let (seconds, message) = shown.split_once(' ').unwrap();
        self.newest(branch.strip_prefix("refs/heads/").unwrap(), seconds.parse().unwrap(), message)
    }

    fn default_branch(&self) -> String {
        "main".to_owned()
    }

    /// By trying: among some ten thousand commits two begin with the same 28 bits.
    async fn twins(&self, branch: &str) -> [Revision; 2] {
        self.write(branch, "the parent", &[("twin", Edit::File("1\n"))]);
        let (parent, tree) = (self.tip(branch), self.git(&["write-tree"], ""));
        let person = format!("{AUTHOR} 1790000000 +0000");
        let content = |n: u64| {
            format!("tree {tree}\nparent {parent}\nauthor {person}\ncommitter {person}\n\ntwin {n}\n")
        };
        let mut seen = BTreeMap::new();
        for n in 0.. {
            let name = gix::objs::compute_hash(gix::hash::Kind::Sha1, Kind::Commit, content(n).as_bytes());
            let name = name.unwrap().to_string();
            let Some(other) = seen.insert(name[..7].to_owned(), n) else { continue };
            return [(branch.to_owned(), other), (format!("{branch}-2"), n)].map(|(branch, n)| {
                let hash = ["hash-object", "-w", "-t", "commit", "--stdin"];
                let name = self.git(&hash, &content(n));
                self.git(&["update-ref", &format!("refs/heads/{branch}"), &name], "");
                Revision::new(&name).unwrap()
            });
        }
        unreachable!("numbers do not end")
    }

    fn submodules(&self) -> bool {
        true
    }
}
