use std::fs;
use std::path::Path;

use git2::{Commit, IndexAddOption, Repository, RepositoryInitOptions, Signature, Time};
use nprt_core::model::Revision;

use crate::Result;
use crate::manifests::MANIFESTS;

/// Makes the git repository, one commit for each message, and returns their revisions.
pub(crate) fn make(path: &Path, messages: &[&str]) -> Result<Vec<Revision>> {
    let mut options = RepositoryInitOptions::new();
    let repository = Repository::init_opts(path, options.initial_head("main"))?;
    fs::create_dir(path.join("kubernetes"))?;
    for (name, content) in MANIFESTS {
        fs::write(path.join("kubernetes").join(name), content)?;
    }
    let mut revisions = Vec::new();
    let mut parent = None;
    for message in messages {
        fs::write(path.join("CHANGES"), message)?;
        let mut index = repository.index()?;
        index.add_all(["*"], IndexAddOption::DEFAULT, None)?;
        index.write()?;
        let tree = repository.find_tree(index.write_tree()?)?;
        // A fixed author and time, so that the commits have the same names in every run.
        let author = Signature::new("Ada", "ada@example.com", &Time::new(1_790_000_000, 0))?;
        let parents: Vec<&Commit<'_>> = parent.iter().collect();
        let id = repository.commit(Some("HEAD"), &author, &author, message, &tree, &parents)?;
        parent = Some(repository.find_commit(id)?);
        revisions.push(Revision::new(&id.to_string())?);
    }
    Ok(revisions)
}
