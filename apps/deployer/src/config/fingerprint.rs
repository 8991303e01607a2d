use std::path::Path;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::references;

/// What a file and the files of its secrets hold: another one where any of them changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// That of the file as it is now. One that is not there has a fingerprint, too.
    pub(crate) fn of(path: &Path) -> Self {
        let mut all = Sha256::new();
        let text = std::fs::read(path).ok();
        let value = text.as_deref().and_then(|text| serde_saphyr::from_slice::<Value>(text).ok());
        let secrets = value.iter().flat_map(references::files);
        for content in std::iter::once(text).chain(secrets.map(|path| std::fs::read(path).ok())) {
            // Each by its hash, so that nothing can move from one file to the next.
            all.update(content.map_or([0; 32], |content| Sha256::digest(content).into()));
        }
        Self(all.finalize().into())
    }
}
