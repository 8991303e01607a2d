//! What a manager has applied of an object, and the way back to it.

use std::collections::{BTreeMap, BTreeSet};

use nprt_core::model::{Object, ObjectId, label};
use nprt_core::ports::Applied;
use nprt_core::{Error, ErrorKind, Result};

use super::fields::{self, Path};
use super::state::{State, Write};

/// The tools by which objects are made, whose fields nprt takes over with its first apply.
const MAKERS: [&str; 3] = ["helm", "kubectl-client-side-apply", "kubectl-create"];

/// Makes what the tools have that made the object the `manager`'s, and says whose that was. People's writes are
/// `kubectl`'s here, and stay conflicts.
pub(super) fn adopt(owners: &mut BTreeMap<String, BTreeSet<Path>>, manager: &str) -> Vec<String> {
    if manager != "nprt" {
        return Vec::new();
    }
    let made = owners.extract_if(.., |owner, _| MAKERS.contains(&owner.as_str()));
    let (adopts, taken): (Vec<String>, Vec<BTreeSet<Path>>) = made.unzip();
    if !adopts.is_empty() {
        owners.entry(manager.to_owned()).or_default().extend(taken.into_iter().flatten());
    }
    adopts
}

impl State {
    /// Refuses an object that belongs to none of `services`.
    pub(super) fn belongs_to(&self, services: &[Option<&str>], id: &ObjectId, namespace: &str) -> Result<()> {
        let owner = self.get(id, namespace)?.and_then(|stored| stored.object.label(label::SERVICE));
        match owner {
            Some(owner) if !services.contains(&Some(owner)) => {
                let ours = services.iter().flatten().next().unwrap_or(&"");
                let message = format!("the object now belongs to service {owner:?}, not to {ours:?}");
                Err(Error::new(ErrorKind::Conflict, "cluster", message)
                    .with("object", id)
                    .with("owner", owner))
            }
            _ => Ok(()),
        }
    }

    /// The fields of the live object that `write.manager` owns.
    pub(super) fn owned(&self, write: Write<'_>, id: &ObjectId) -> Result<Option<Object>> {
        let Some(stored) = self.get(id, write.namespace)? else { return Ok(None) };
        let mut value = fields::without_server_fields(stored.object.as_value());
        let mut others = fields::owned(&value);
        let mut owners = stored.owners.clone();
        adopt(&mut owners, write.manager);
        let mine = owners.get(write.manager);
        others.retain(|path| mine.is_none_or(|mine| !mine.contains(path)));
        fields::remove(&mut value, &others);
        Object::new(value).map(Some)
    }

    /// Applies `former` again, without the fields that others have set otherwise.
    pub(super) fn restore(&mut self, write: Write<'_>, former: &Object) -> Result<Option<Applied>> {
        let Some(stored) = self.get(&former.id(), write.namespace)? else { return Ok(None) };
        let (live, mut former) = (stored.object.as_value(), former.as_value().clone());
        let others = stored.owners.iter().filter(|(owner, _)| *owner != write.manager);
        let differs = |path: &&Path| {
            fields::at(&former, path).is_some_and(|old| fields::at(live, path).is_some_and(|now| now != old))
        };
        let theirs: BTreeSet<Path> =
            others.flat_map(|(_, paths)| paths.iter()).filter(differs).cloned().collect();
        fields::remove(&mut former, &theirs);
        self.write(write, &Object::new(former)?).map(Some)
    }
}
