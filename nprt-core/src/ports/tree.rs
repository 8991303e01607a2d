//! For backends of version control: reads the files below a path, and follows symbolic links that stay inside.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::model::{RepoPath, SourceFile};
use crate::{Error, Result};

const OPERATION: &str = "vcs.read";
/// As many as Linux follows.
const MOST_LINKS: usize = 40;
/// More than any set of manifests; a path that holds more is a mistake.
const MOST_ENTRIES: usize = 100_000;
const DEEPEST: usize = 100;
const LARGEST: usize = 64 * 1024 * 1024;

/// The files of one revision, as [`read_tree`] asks for them. A path is relative to the root of the repository, with
/// `/` between its parts; the root itself is the empty path. No path leads through a symbolic link.
pub trait SourceTree {
    /// What is at `path`.
    ///
    /// # Errors
    /// Where the repository cannot be read.
    fn entry(&mut self, path: &str) -> Result<TreeEntry>;

    /// The target of the symbolic link at `path`; `None` where something else is, or nothing.
    ///
    /// # Errors
    /// Where the repository cannot be read.
    fn link(&mut self, path: &str) -> Result<Option<String>> {
        Ok(match self.entry(path)? {
            TreeEntry::Link(target) => Some(target),
            _ => None,
        })
    }
}

/// What is at a path of a [`SourceTree`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TreeEntry {
    /// Nothing.
    Missing,
    /// A file, with its content.
    File(Bytes),
    /// A directory, with the names in it.
    Directory(Vec<String>),
    /// A symbolic link, with its target.
    Link(String),
    /// Another repository.
    Submodule,
}

/// The files at and below `path`, sorted by path; none if nothing is there. Symbolic links are followed
/// to files and directories inside the repository, also outside `path`; a file has the path by which it was found.
///
/// # Errors
/// `Invalid`, naming the link and its target, for a link that is absolute, leaves the repository, leads to nothing or
/// in a circle; for a submodule; and for more than 64 MiB or 100,000 entries.
pub fn read_tree(tree: &mut dyn SourceTree, path: &RepoPath) -> Result<Vec<SourceFile>> {
    let top = if path.is_root() { "" } else { path.as_str() };
    let mut walk = Walk { tree, files: Vec::new(), size: 0, entries: 0, open: Vec::new() };
    let link = Link { path: top, target: "" };
    if !walk.visit(top, top, None)? {
        // The path itself may lead through a link.
        let real = walk.resolve("", top, &link)?;
        if real != top {
            walk.visit(top, &real, None)?;
        }
    }
    walk.files.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    Ok(walk.files)
}

struct Walk<'a> {
    tree: &'a mut dyn SourceTree,
    files: Vec<SourceFile>,
    size: usize,
    entries: usize,
    /// The directories on the way, by where they really are.
    open: Vec<String>,
}

/// A link that was followed, for errors.
#[derive(Clone, Copy)]
struct Link<'a> {
    path: &'a str,
    target: &'a str,
}

impl Link<'_> {
    fn refused(&self, why: &str) -> Error {
        let error = Error::invalid(OPERATION, why).with("path", self.path);
        if self.target.is_empty() { error } else { error.with("target", format_args!("{:?}", self.target)) }
    }
}

impl Walk<'_> {
    /// Adds what is at `real`, shown as `at`; whether something is there. `via` is the link that led here.
    fn visit(&mut self, at: &str, real: &str, via: Option<Link<'_>>) -> Result<bool> {
        self.entries += 1;
        let refused = |why: &str| Error::invalid(OPERATION, why).with("path", at);
        if self.entries > MOST_ENTRIES {
            return Err(refused("more than 100,000 files and directories below the path"));
        }
        match self.tree.entry(real)? {
            TreeEntry::Missing => return Ok(false),
            TreeEntry::Submodule => return Err(refused("a submodule is another repository")),
            TreeEntry::File(content) => {
                self.size += content.len();
                if self.size > LARGEST {
                    return Err(refused("the files below the path hold more than 64 MiB"));
                }
                self.files.push(SourceFile { path: RepoPath::new(at)?, content });
            }
            TreeEntry::Directory(names) => {
                if self.open.iter().any(|open| open == real) {
                    let link = via.unwrap_or(Link { path: at, target: "" });
                    return Err(
                        link.refused("the symbolic link leads in a circle: to a directory that contains it")
                    );
                }
                if self.open.len() >= DEEPEST {
                    return Err(refused("nested deeper than 100 directories"));
                }
                self.open.push(real.to_owned());
                for name in names {
                    self.visit(&join(at, &name), &join(real, &name), via)?;
                }
                self.open.pop();
            }
            TreeEntry::Link(target) => {
                let link = Link { path: at, target: &target };
                let end = self.resolve(parent(real), &target, &link)?;
                if !self.visit(at, &end, Some(link))? {
                    return Err(
                        link.refused("the symbolic link leads to nothing: no such file in this revision")
                    );
                }
            }
        }
        Ok(true)
    }

    /// Where `target` leads from the directory `from`, through any links on the way.
    fn resolve(&mut self, from: &str, target: &str, link: &Link<'_>) -> Result<String> {
        let mut at = from.to_owned();
        let mut left: VecDeque<String> = parts(target, link)?.collect();
        let mut followed = 0;
        while let Some(part) = left.pop_front() {
            match part.as_str() {
                "" | "." => {}
                ".." if at.is_empty() => {
                    return Err(link.refused("the symbolic link leaves the repository"));
                }
                ".." => at = parent(&at).to_owned(),
                name => {
                    let next = join(&at, name);
                    let Some(target) = self.tree.link(&next)? else {
                        at = next;
                        continue;
                    };
                    followed += 1;
                    if followed > MOST_LINKS {
                        return Err(link
                            .refused("the symbolic link leads in a circle, or through more than 40 others"));
                    }
                    for part in parts(&target, link)?.rev() {
                        left.push_front(part);
                    }
                }
            }
        }
        Ok(at)
    }
}

fn parts<'a>(target: &'a str, link: &Link<'_>) -> Result<impl DoubleEndedIterator<Item = String> + use<'a>> {
    if target.starts_with('/') {
        return Err(
            link.refused("the symbolic link is absolute, so it leaves the repository: use a relative target")
        );
    }
    Ok(target.split('/').map(str::to_owned))
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

fn join(parent: &str, name: &str) -> String {
    if parent.is_empty() { name.to_owned() } else { format!("{parent}/{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Levels of directories, each with ten links to the next.
    struct Levels(usize);

    impl SourceTree for Levels {
        fn entry(&mut self, path: &str) -> Result<TreeEntry> {
            let (level, link) = path.split_once('/').unwrap_or((path, ""));
            let Ok(level) = level.parse::<usize>() else { return Ok(TreeEntry::Missing) };
            Ok(match link {
                "" if level == self.0 => TreeEntry::File(Bytes::new()),
                "" => TreeEntry::Directory((0..10).map(|n| n.to_string()).collect()),
                _ => TreeEntry::Link(format!("../{}", level + 1)),
            })
        }
    }

    /// A chain of links to a file.
    struct Chain(usize);

    impl SourceTree for Chain {
        fn entry(&mut self, path: &str) -> Result<TreeEntry> {
            Ok(match path.parse::<usize>() {
                Ok(n) if n == self.0 => TreeEntry::File(Bytes::new()),
                Ok(n) => TreeEntry::Link((n + 1).to_string()),
                Err(_) => TreeEntry::Missing,
            })
        }
    }

    #[test]
    fn links_that_multiply_end_at_a_limit() {
        let path = RepoPath::new("0").unwrap();
        assert_eq!(read_tree(&mut Levels(3), &path).unwrap().len(), 1000);
        let error = read_tree(&mut Levels(9), &path).unwrap_err();
        assert!(error.is_invalid() && error.to_string().contains("100,000"), "{error}");
    }

    #[test]
    fn a_chain_of_links_ends_at_a_limit() {
        let path = RepoPath::new("0").unwrap();
        assert_eq!(read_tree(&mut Chain(MOST_LINKS), &path).unwrap().len(), 1);
        let error = read_tree(&mut Chain(MOST_LINKS + 2), &path).unwrap_err().to_string();
        assert!(error.contains("through more than 40 others") && error.contains("path: 0"), "{error}");
    }
}
