//! The canary's own copies of ConfigMaps and Secrets.

use std::collections::BTreeMap;

use nprt_core::Result;
use nprt_core::model::{Object, ObjectId, Track};
use serde_json::Value;

use super::document::Document;
use super::input::Input;
use super::references::{self, ConfigKind};
use super::template::TemplatePath;
use super::twin::rename;
use super::{identity, live, string_data};

/// The originals by what reads them.
pub(super) type Copies<'a> = BTreeMap<(ConfigKind, String), &'a Document>;

/// The configuration that the chosen workloads read and that the promotion would change.
pub(super) fn needed<'a>(chosen: &[&Document], input: &Input<'a>) -> Result<Copies<'a>> {
    let &Input { ref around, settings, .. } = input;
    let mut copies = Copies::new();
    for document in chosen {
        let Some(path) = TemplatePath::of(&document.object, settings)? else { continue };
        let carried = input.promoted(document).filter(|_| input.carry);
        let carried = carried.and_then(|promoted| path.find(promoted.as_value()));
        let own = path.find(document.object.as_value());
        let template = carried.or(own).unwrap_or(&Value::Null);
        for (kind, name) in references::read_by(template) {
            let id = ObjectId {
                api_version: "v1".to_owned(),
                kind: format!("{kind:?}"),
                namespace: document.object.namespace().map(str::to_owned),
                name: name.clone(),
            };
            let Some(config) = around.documents.find(&id) else { continue };
            let promoted = input.promoted(config).unwrap_or(&config.object);
            let now = around.live.find(&config.object);
            if now.is_none_or(|now| live::config_differs(promoted, now)) {
                copies.insert((kind, name), config);
            }
        }
    }
    Ok(copies)
}

/// The copy of a ConfigMap or Secret that only the canary reads. It can be changed even where the original
/// cannot, so that a second canary may follow the first.
pub(super) fn copy(original: &Document, input: &Input<'_>) -> Result<Document> {
    let &Input { version, settings, carry, .. } = input;
    let mut object = original.object.as_value().clone();
    string_data::encode(&mut object, &original.object)?;
    if let Some(promoted) = input.promoted(original).filter(|_| carry) {
        carry_content(&mut object, promoted);
    }
    rename(&mut object, &original.object)?;
    let whole = TemplatePath::WHOLE;
    identity::mark_version(&mut whole.template(&mut object)?, version, Track::Canary, settings)?;
    if let Some(object) = object.as_object_mut() {
        object.shift_remove("immutable");
    }
    Ok(Document { object: Object::new(object)?, source: original.source.clone() })
}

/// Gives a copy what pods read of `promoted`.
fn carry_content(copy: &mut Value, promoted: &Object) {
    let Some(copy) = copy.as_object_mut() else { return };
    for field in ["data", "binaryData", "stringData"] {
        copy.shift_remove(field);
        copy.extend(promoted.as_value().get(field).map(|content| (field.to_owned(), content.clone())));
    }
}
