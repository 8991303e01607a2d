//! What a manager has applied of an object, and the way back to it.

use std::collections::BTreeSet;

use super::fields::{self, Path};
use super::state::{State, Write};
use crate::Result;
use crate::model::{Object, ObjectId};
use crate::ports::Applied;

impl State {
    /// The fields of the live object that `write.manager` owns.
    pub(super) fn owned(&self, write: Write<'_>, id: &ObjectId) -> Result<Option<Object>> {
        let Some(stored) = self.get(id, write.namespace)? else { return Ok(None) };
        let mut value = fields::without_server_fields(stored.object.as_value());
        let mut others = fields::owned(&value);
        let mine = stored.owners.get(write.manager);
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
