//! Programs built from their Go modules, once for each version of the recipe.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sha2::{Digest, Sha256};

use crate::Missing;
use crate::need::switched_on;
use crate::process::cache;

/// How programs are built.
#[derive(Debug, Clone)]
pub struct Recipe {
    /// What messages and the cache call them.
    pub name: &'static str,
    /// The script that builds them into the folder it is given. It runs in the first folder of the modules.
    pub script: PathBuf,
    /// The folders with `go.mod` and `go.sum`.
    pub modules: Vec<PathBuf>,
}

impl Recipe {
    /// What decides which programs come out.
    fn files(&self) -> impl Iterator<Item = PathBuf> {
        let modules =
            self.modules.iter().flat_map(|folder| ["go.mod", "go.sum"].map(|file| folder.join(file)));
        modules.chain([self.script.clone()])
    }

    /// Where the script runs.
    fn folder(&self) -> &Path {
        self.modules.first().map_or(Path::new("."), PathBuf::as_path)
    }
}

/// The folder with the programs of a recipe, built now where they are not there yet; `say` is told when that
/// begins. Takes minutes then, and blocks.
///
/// They are cached under a name that holds the hash of the recipe. The folder gets that name only once it is
/// complete, and a lock lets one process build at a time, so a build that was killed is never used.
///
/// # Errors
/// [`Missing`] when Go is not installed (with the way to get it) or the build fails.
pub fn programs(recipe: &Recipe, say: impl FnOnce(&str)) -> Result<PathBuf, Missing> {
    let name = recipe.name;
    let failed = |error: std::io::Error| Missing::new(name, error);
    let mut hash = Sha256::new();
    for path in recipe.files() {
        let content =
            fs::read(&path).map_err(|e| Missing::new(name, format_args!("{}: {e}", path.display())))?;
        hash.update(content.len().to_le_bytes());
        hash.update(content);
    }
    switched_on(name)?;
    let hash: String = hash.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    let built = cache().join(format!("{name}-{hash}"));
    if built.is_dir() {
        return Ok(built);
    }
    fs::create_dir_all(cache()).map_err(failed)?;
    let lock = File::create(cache().join(format!("{name}.lock"))).map_err(failed)?;
    lock.lock().map_err(failed)?;
    if built.is_dir() {
        return Ok(built);
    }
    say(&format!("building {name} into {} (once, several minutes)", built.display()));
    let partial = built.with_extension("partial");
    if partial.exists() {
        fs::remove_dir_all(&partial).map_err(failed)?;
    }
    run(recipe, &partial)?;
    fs::rename(&partial, &built).map_err(failed)?;
    Ok(built)
}

/// Runs `script out`. Go reports what it does on stderr, which a person sees.
fn run(recipe: &Recipe, out: &Path) -> Result<(), Missing> {
    let name = recipe.name;
    let out = std::path::absolute(out).map_err(|error| Missing::new(name, error))?;
    // Where go.dev's archive is unpacked by its own instructions; often not in PATH.
    let path = format!("{}:/usr/local/go/bin", std::env::var("PATH").unwrap_or_default());
    let go = Command::new("go").arg("version").env("PATH", &path).stdout(Stdio::null()).status();
    if !go.is_ok_and(|status| status.success()) {
        return Err(Missing::new(
            name,
            "Go 1.26 or newer builds it, and there is none: get it from https://go.dev/dl/ (unpack it to /usr/local)",
        ));
    }
    let status = Command::new("bash")
        .arg(&recipe.script)
        .arg(out)
        .current_dir(recipe.folder())
        .env("PATH", &path)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .map_err(|error| Missing::new(name, format_args!("bash: {error}")))?;
    if !status.success() {
        return Err(Missing::new(
            name,
            format_args!("the build of {} failed, {status}", recipe.folder().display()),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_recipe_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let modules = folder.path().to_owned();
        let recipe = Recipe { name: "nothing", script: modules.join("build"), modules: vec![modules] };
        let error = programs(&recipe, |_| ()).unwrap_err().to_string();
        assert!(error.contains("go.mod"), "{error}");
    }
}
