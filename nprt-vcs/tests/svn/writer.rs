use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use async_trait::async_trait;
use nprt_core::conformance::vcs::{Edit, VcsWriter};
use nprt_core::model::{Commit, Revision};
use nprt_testkit::USER;
use tempfile::TempDir;

/// Writes a repository on disk through a working copy.
pub(crate) struct Writer {
    repository: PathBuf,
    copy: TempDir,
}

impl Writer {
    pub(crate) fn new(repository: impl Into<PathBuf>) -> Self {
        let writer = Self { repository: repository.into(), copy: TempDir::new().unwrap() };
        // The peg revision is left empty: the path may hold an `@`.
        let url = format!("file://{}@", writer.repository.display());
        writer.svn(&["checkout", "--quiet", &url, "."]);
        writer
    }

    /// Makes the repository first.
    pub(crate) fn create(repository: &Path) -> Self {
        assert!(Command::new("svnadmin").arg("create").arg(repository).status().unwrap().success());
        let writer = Self::new(repository);
        writer.svn(&["mkdir", "--quiet", "trunk", "branches", "tags"]);
        writer.commit_all("the usual directories");
        writer
    }

    /// The repository on disk.
    pub(crate) fn url(&self) -> String {
        format!("file://{}", self.repository.display())
    }

    /// Changes the repository without the working copy.
    pub(crate) fn svnmucc(&self, arguments: &[String]) {
        let output =
            Command::new("svnmucc").args(["--non-interactive", "--username", USER]).args(arguments).output();
        let output = output.unwrap();
        assert!(
            output.status.success(),
            "svnmucc {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    pub(crate) fn youngest(&self) -> Revision {
        Revision::Svn(self.look("youngest").parse().unwrap())
    }

    fn look(&self, what: &str) -> String {
        let output = Command::new("svnlook").arg(what).arg(&self.repository).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    pub(crate) fn svn(&self, arguments: &[&str]) -> String {
        let output = Command::new("svn")
            .env("LC_ALL", "C.UTF-8")
            // It waits for the next second after each change, for file systems with coarse times.
            .env("SVN_I_LOVE_CORRUPTED_WORKING_COPIES_SO_DISABLE_SLEEP_FOR_TIMESTAMPS", "yes")
            .args(["--non-interactive", "--username", USER])
            .args(arguments)
            .current_dir(self.copy.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "svn {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Edits files of the working copy.
    pub(crate) fn edit(&self, line: &str, edits: &[(&str, Edit<'_>)]) {
        for (path, edit) in edits {
            let path = self.copy.path().join(line).join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            match edit {
                Edit::File(content) => fs::write(path, content).unwrap(),
                Edit::Link(target) => std::os::unix::fs::symlink(target, path).unwrap(),
                Edit::Remove => drop(self.svn(&["remove", "--quiet", path.to_str().unwrap()])),
                Edit::Submodule => panic!("subversion has none"),
            }
        }
    }

    pub(crate) fn commit_all(&self, message: &str) -> Commit {
        self.svn(&["add", "--quiet", "--force", "."]);
        self.svn(&["commit", "--quiet", "--message", message]);
        self.svn(&["update", "--quiet"]);
        let revision = self.look("youngest");
        let time = self.svn(&["propget", "--revprop", "--revision", &revision, "svn:date"]);
        Commit {
            revision: Revision::Svn(revision.parse().unwrap()),
            author: self.look("author"),
            time: time.parse().unwrap(),
            message: message.to_owned(),
            changed: None,
        }
    }
}

pub(crate) fn line(branch: &str) -> String {
    if branch == "trunk" { branch.to_owned() } else { format!("branches/{branch}") }
}

#[async_trait]
impl VcsWriter for Writer {
    async fn commit(&self, branch: &str, message: &str, edits: &[(&str, Edit<'_>)]) -> Commit {
        self.edit(&line(branch), edits);
        self.commit_all(message)
    }

    async fn tag(&self, tag: &str, branch: &str) -> Commit {
        self.svn(&["copy", "--quiet", &line(branch), &format!("tags/{tag}")]);
        self.commit_all("a tag")
    }

    fn default_branch(&self) -> String {
        "trunk".to_owned()
    }

    async fn twins(&self, _: &str) -> [Revision; 2] {
        panic!("numbers are not abbreviated")
    }

    fn submodules(&self) -> bool {
        false
    }
}
