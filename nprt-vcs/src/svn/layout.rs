//! Which part of the repository a revision or a name means.

use std::collections::BTreeSet;

use nprt_core::model::{RepoPath, Revision};
use nprt_core::{Error, ErrorKind, Result};

use super::config::SvnLayout;
use super::xml::ChangedPath;

/// A validated [`SvnLayout`].
#[derive(Debug, Clone)]
pub(super) struct Layout {
    pub(super) trunk: RepoPath,
    pub(super) branches: Option<RepoPath>,
    pub(super) tags: Option<RepoPath>,
}

impl Layout {
    pub(super) fn new(layout: &SvnLayout) -> Result<Self> {
        let path = |path: &String| RepoPath::new(path).map_err(|error| error.with("field", "layout"));
        let layout = Self {
            trunk: path(&layout.trunk)?,
            branches: layout.branches.as_ref().map(path).transpose()?,
            tags: layout.tags.as_ref().map(path).transpose()?,
        };
        let others = [&layout.branches, &layout.tags];
        if layout.trunk.is_root() && others.iter().any(|other| other.is_some()) {
            let message =
                "a `trunk` of `.` is the whole repository: there can be no `branches` and no `tags`";
            return Err(Error::invalid("svn.build", message).with("field", "layout"));
        }
        if others.iter().any(|other| other.as_ref().is_some_and(RepoPath::is_root)) {
            let message = "`branches` and `tags` must be directories below the URL";
            return Err(Error::invalid("svn.build", message).with("field", "layout"));
        }
        Ok(layout)
    }

    /// The one line that `revision` changed, by its paths below the URL.
    pub(super) fn line(&self, revision: &Revision, changes: &[ChangedPath], top: &str) -> Result<String> {
        if self.trunk.is_root() {
            return Ok(self.trunk.to_string());
        }
        let below = changes.iter().filter_map(|change| {
            let path = change.path.strip_prefix(top)?.strip_prefix('/')?;
            let line = self.line_of(path)?;
            // A line that is gone has no files: a branch that was renamed is the new one.
            (change.action != "D" || line != path).then_some(line)
        });
        let lines: Vec<&str> = below.collect::<BTreeSet<_>>().into_iter().collect();
        match lines[..] {
            [line] => Ok(line.to_owned()),
            [] => {
                let message = "the revision changed neither trunk nor a branch nor a tag, so that it does not \
                               say whose files are meant";
                Err(Error::invalid("vcs.read", message).with("revision", revision))
            }
            _ => Err(Error::new(ErrorKind::Ambiguous, "vcs.read", "the revision changed several lines")
                .with("revision", revision)
                .with_available(lines)),
        }
    }

    /// The line that `path` lies in.
    fn line_of<'a>(&self, path: &'a str) -> Option<&'a str> {
        let inside = |directory: &RepoPath| {
            let rest = path.strip_prefix(directory.as_str())?;
            (rest.is_empty() || rest.starts_with('/')).then_some(rest)
        };
        if inside(&self.trunk).is_some() {
            return Some(&path[..self.trunk.as_str().len()]);
        }
        [&self.branches, &self.tags].into_iter().flatten().find_map(|directory| {
            let name = inside(directory)?.strip_prefix('/')?.split('/').next()?;
            Some(&path[..directory.as_str().len() + 1 + name.len()])
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(changes: &[(&str, &str)]) -> Result<String> {
        let change = |(action, path): &(&str, &str)| ChangedPath {
            action: action.to_string(),
            copied_path: None,
            copied_revision: None,
            path: path.to_string(),
        };
        let changes: Vec<_> = changes.iter().map(change).collect();
        Layout::new(&SvnLayout::default()).unwrap().line(&Revision::Svn(7), &changes, "/shop")
    }

    #[test]
    fn a_revision_means_the_line_that_it_changed() {
        assert_eq!(line(&[("M", "/shop/trunk/a"), ("A", "/shop/trunk/b/c")]).unwrap(), "trunk");
        assert_eq!(line(&[("A", "/shop/branches/x"), ("M", "/shop/branches/x/a")]).unwrap(), "branches/x");
        assert_eq!(line(&[("A", "/shop/tags/v1"), ("M", "/other/trunk/a")]).unwrap(), "tags/v1");
        let renamed = [("D", "/shop/branches/old"), ("A", "/shop/branches/new")];
        assert_eq!(line(&renamed).unwrap(), "branches/new");
        assert_eq!(line(&[("A", "/shop/trunk"), ("A", "/shop/branches")]).unwrap(), "trunk");
    }

    #[test]
    fn whose_files_are_meant_is_never_guessed() {
        let error = line(&[("M", "/shop/trunk/a"), ("M", "/shop/branches/x/a")]).unwrap_err();
        assert!(error.is_ambiguous());
        assert_eq!(error.available(), ["branches/x", "trunk"]);
        for none in ["/shop", "/shop/branches", "/shop/trunk2/a", "/shopping/trunk/a"] {
            assert!(line(&[("M", none)]).unwrap_err().is_invalid(), "{none}");
        }
    }

    #[test]
    fn a_layout_is_checked() {
        let named = |trunk: &str, branches: Option<&str>| {
            let branches = branches.map(str::to_owned);
            Layout::new(&SvnLayout { trunk: trunk.to_owned(), branches, tags: None })
        };
        assert!(named(".", None).is_ok() && named("main", Some("lines")).is_ok());
        for (trunk, branches) in [("..", None), (".", Some("branches")), ("trunk", Some("."))] {
            assert!(named(trunk, branches).unwrap_err().to_string().contains("layout"), "{trunk}");
        }
    }
}
