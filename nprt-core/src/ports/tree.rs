//! For backends of version control: reads the files below a path, and follows symbolic links that stay inside.

use std::collections::VecDeque;
use std::rc::Rc;

use bytes::Bytes;

use crate::model::{Budget, Limit, RepoPath, SourceFile};
use crate::{Error, Result};

const OPERATION: &str = "vcs.read";
/// As many as Linux follows.
const MOST_LINKS: usize = 40;
/// How long the target of a link may be, as on Linux.
pub const LONGEST_LINK: usize = 4096;

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
/// It draws paths, depth, files, bytes and steps of `budget`. An implementor of [`SourceTree`] checks by
/// [`Budget::allow`] before it loads something large.
///
/// # Errors
/// `Invalid`, naming the link and its target, for a link that is absolute, leaves the repository, leads to nothing or
/// in a circle; for a submodule; and where `budget` is used up.
pub fn read_tree(tree: &mut dyn SourceTree, path: &RepoPath, budget: &Budget) -> Result<Vec<SourceFile>> {
    let top = if path.is_root() { "" } else { path.as_str() };
    let mut walk = Walk { tree, budget, files: Vec::new(), open: Vec::new() };
    if !walk.below(top, top.to_owned())? {
        // The path itself may lead through a link.
        let real = walk.resolve("", &Link { path: top.to_owned(), target: top.to_owned() })?;
        if real != top {
            walk.below(top, real)?;
        }
    }
    walk.files.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    Ok(walk.files)
}

struct Walk<'a> {
    tree: &'a mut dyn SourceTree,
    budget: &'a Budget,
    files: Vec<SourceFile>,
    /// The directories on the way.
    open: Vec<Open>,
}

/// A directory that is being read.
struct Open {
    /// Its path as it was found, and where it really is.
    at: String,
    real: String,
    /// What is left of it.
    names: std::vec::IntoIter<String>,
    /// The link that led here.
    via: Option<Rc<Link>>,
}

/// A link that was followed, for errors.
struct Link {
    path: String,
    target: String,
}

impl Link {
    fn refused(&self, why: &str) -> Error {
        let error = Error::invalid(OPERATION, why).with("path", &self.path);
        let is_link = self.target != self.path;
        if is_link { error.with("target", format_args!("{:?}", self.target)) } else { error }
    }
}

impl Walk<'_> {
    /// Adds all that is at and below `real`, shown as `at`; whether something is there.
    fn below(&mut self, at: &str, real: String) -> Result<bool> {
        self.spend(Limit::Paths, 1, at)?;
        let is_there = self.visit(at.to_owned(), real, None)?;
        while let Some(open) = self.open.last_mut() {
            let Some(name) = open.names.next() else {
                self.open.pop();
                continue;
            };
            let (at, real, via) = (join(&open.at, &name), join(&open.real, &name), open.via.clone());
            self.visit(at, real, via)?;
        }
        Ok(is_there)
    }

    /// Adds the file at `real`, shown as `at`, or opens the directory there; whether something is there. `via` is the
    /// link that led here.
    fn visit(&mut self, at: String, mut real: String, mut via: Option<Rc<Link>>) -> Result<bool> {
        loop {
            let refused = |why: &str| Error::invalid(OPERATION, why).with("path", &at);
            match self.tree.entry(&real)? {
                TreeEntry::Missing => match via.filter(|link| link.path == at) {
                    None => return Ok(false),
                    Some(link) => {
                        return Err(
                            link.refused("the symbolic link leads to nothing: no such file in this revision")
                        );
                    }
                },
                TreeEntry::Submodule => return Err(refused("a submodule is another repository")),
                TreeEntry::File(content) => {
                    self.spend(Limit::Files, 1, &at)?;
                    self.spend(Limit::Bytes, content.len(), &at)?;
                    self.files.push(SourceFile { path: RepoPath::new(&at)?, content });
                }
                TreeEntry::Directory(names) => self.open(at, real, names, via)?,
                TreeEntry::Link(target) => {
                    let link = Link { path: at.clone(), target };
                    real = self.resolve(parent(&real), &link)?;
                    via = Some(Rc::new(link));
                    continue;
                }
            }
            return Ok(true);
        }
    }

    fn open(&mut self, at: String, real: String, names: Vec<String>, via: Option<Rc<Link>>) -> Result<()> {
        if self.open.iter().any(|open| open.real == real) {
            let link = via.unwrap_or_else(|| Rc::new(Link { path: at.clone(), target: at }));
            return Err(link.refused("the symbolic link leads in a circle: to a directory that contains it"));
        }
        self.budget
            .allow(Limit::Depth, self.open.len() as u64 + 1)
            .map_err(|error| error.with("path", shortened(&at)))?;
        self.spend(Limit::Paths, names.len(), &at)?;
        self.spend(Limit::Bytes, names.iter().map(|name| at.len() + 1 + name.len()).sum(), &at)?;
        self.open.push(Open { at, real, names: names.into_iter(), via });
        Ok(())
    }

    fn spend(&self, limit: Limit, amount: usize, at: &str) -> Result<()> {
        self.budget.spend(limit, amount as u64).map_err(|error| error.with("path", shortened(at)))
    }

    /// Where `link` leads from the directory `from`, through any links on the way.
    fn resolve(&mut self, from: &str, link: &Link) -> Result<String> {
        let mut at = from.to_owned();
        let mut left: VecDeque<String> = parts(&link.target, link)?.collect();
        let mut followed = 0;
        while let Some(part) = left.pop_front() {
            self.spend(Limit::Steps, 1, &link.path)?;
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

fn parts<'a>(target: &'a str, link: &Link) -> Result<impl DoubleEndedIterator<Item = String> + use<'a>> {
    if target.starts_with('/') {
        return Err(
            link.refused("the symbolic link is absolute, so it leaves the repository: use a relative target")
        );
    }
    if target.len() > LONGEST_LINK {
        let error = Error::invalid(OPERATION, "the target of a symbolic link is longer than 4,096 bytes");
        return Err(error.with("path", shortened(&link.path)));
    }
    Ok(target.split('/').map(str::to_owned))
}

/// What a person reads of a path of any length.
fn shortened(path: &str) -> String {
    match path.char_indices().nth(200) {
        Some((end, _)) => format!("{}…", &path[..end]),
        None => path.to_owned(),
    }
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

fn join(parent: &str, name: &str) -> String {
    if parent.is_empty() { name.to_owned() } else { format!("{parent}/{name}") }
}

#[cfg(test)]
mod tests;
