//! The Kubernetes versions that a control plane is built in. A folder of `cluster` is the recipe of each: the Go
//! modules of that minor version, with the etcd that it is made for. kwok is the same for all.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::{NAME, RECIPE};
use crate::Missing;
use crate::build::Recipe;

/// The variable that chooses the version where the caller does not.
const VARIABLE: &str = "NPRT_KUBERNETES";

/// A minor version of Kubernetes that the testkit has a recipe for. Reads as `1.34`, `oldest` or `newest`.
///
/// ```
/// use nprt_testkit::KubernetesVersion;
///
/// let oldest: KubernetesVersion = "oldest".parse()?;
/// assert_eq!(oldest, KubernetesVersion::OLDEST);
/// let error = "1.12".parse::<KubernetesVersion>().unwrap_err().to_string();
/// assert!(error.contains(&oldest.to_string()), "it lists what there is: {error}");
/// # Ok::<(), nprt_testkit::Missing>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct KubernetesVersion {
    minor: u32,
}

impl KubernetesVersion {
    /// The oldest version that nprt supports: its client is built against it, and `./test long` runs the suites on it.
    pub const OLDEST: Self = Self { minor: 34 };

    /// The newest version with a recipe: `./test` runs everything on it.
    pub const NEWEST: Self = Self { minor: 37 };

    /// All versions with a recipe, the oldest first.
    pub const ALL: [Self; 2] = [Self::OLDEST, Self::NEWEST];

    /// The version that the environment variable `NPRT_KUBERNETES` names; the newest where it is not set.
    ///
    /// # Errors
    /// [`Missing`] when there is no recipe for it; it lists those that there are.
    pub fn from_environment() -> Result<Self, Missing> {
        match std::env::var_os(VARIABLE) {
            None => Ok(Self::NEWEST),
            Some(value) => {
                let version = value.to_string_lossy().parse::<Self>();
                version.map_err(|error| Missing::new(VARIABLE, error))
            }
        }
    }

    pub(super) fn recipe(self) -> Recipe {
        let [script, kwok] = ["build", "kwok"].map(|file| Path::new(RECIPE).join(file));
        Recipe { name: NAME, script, modules: vec![self.modules(), kwok] }
    }

    fn modules(self) -> PathBuf {
        Path::new(RECIPE).join(self.to_string())
    }
}

impl fmt::Display for KubernetesVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1.{}", self.minor)
    }
}

impl FromStr for KubernetesVersion {
    type Err = Missing;

    fn from_str(text: &str) -> Result<Self, Missing> {
        match text {
            "oldest" => Ok(Self::OLDEST),
            "newest" => Ok(Self::NEWEST),
            _ => Self::ALL.into_iter().find(|version| version.to_string() == text).ok_or_else(|| {
                let all = Self::ALL.map(|version| version.to_string()).join(", ");
                let why = format!("no recipe for Kubernetes {text:?}; available: {all}, oldest, newest");
                Missing::new(NAME, why)
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_folder_is_a_version_and_pins_its_minor() {
        let folders = std::fs::read_dir(RECIPE).unwrap().map(|entry| entry.unwrap().path());
        let folders: BTreeSet<_> = folders.filter(|path| path.is_dir() && !path.ends_with("kwok")).collect();
        assert_eq!(folders, KubernetesVersion::ALL.map(KubernetesVersion::modules).into());
        for version in KubernetesVersion::ALL {
            let modules = std::fs::read_to_string(version.modules().join("go.mod")).unwrap();
            assert!(modules.contains(&format!("k8s.io/kubernetes v{version}.")), "{version}");
            let staging = format!("k8s.io/apiserver => k8s.io/apiserver v0.{}.", version.minor);
            assert!(modules.contains(&staging), "{version}");
        }
    }

    #[test]
    fn an_unknown_version_is_an_error_that_lists_what_is_available() {
        for unknown in ["1.33", "1.3", "1.340", "34", "1.34.4", "v1.34", "", "latest"] {
            let error = unknown.parse::<KubernetesVersion>().unwrap_err().to_string();
            assert!(error.contains(&format!("{unknown:?}")), "{error}");
            assert!(error.contains("available: 1.34, 1.37, oldest, newest"), "{error}");
        }
        for version in KubernetesVersion::ALL {
            assert_eq!(version.to_string().parse::<KubernetesVersion>().unwrap(), version);
        }
    }
}
