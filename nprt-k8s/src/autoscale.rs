//! A workload's replicas where an autoscaler sets them.

use futures_util::future::try_join;
use nprt_core::Result;
use nprt_core::model::Object;
use serde_json::Value;

use crate::client::Client;
use crate::object::{live, whole};
use crate::owners::{Taking, is_ours};
use crate::resource::{Place, Resource};

impl Client {
    /// Makes `body` keep the live replicas where an autoscaler of the namespace sets them: it leaves them to
    /// another manager that owns them, and names them as they are where none does, since a field that nobody
    /// owns falls back to 1.
    ///
    /// Autoscalers are looked for only where it matters: where applying `body` as it is would change the
    /// replicas or who owns them.
    pub(crate) async fn keep_replicas(
        &self,
        place: &Place,
        object: &Object,
        body: &mut Value,
        before: Option<&Value>,
    ) -> Result<()> {
        let Some(before) = before else { return Ok(()) };
        let (Some(live), Some(namespace)) = (before.pointer("/spec/replicas"), &place.namespace) else {
            return Ok(());
        };
        let owners = Taking::of(before, Some(body)).owners;
        let owns = |entry: &Value| entry.pointer("/fieldsV1/f:spec/f:replicas").is_some();
        let ours = owners.iter().any(|entry| is_ours(entry) && owns(entry));
        let theirs = owners.iter().any(|entry| !is_ours(entry) && owns(entry));
        let stays = match body.pointer("/spec/replicas").filter(|named| !named.is_null()) {
            Some(named) => named == live && (ours || !theirs),
            None => !ours,
        };
        if stays {
            return Ok(());
        }
        let kinds = [Resource::autoscalers(), Resource::scaled_objects()];
        let list = async |kind: &Resource| {
            let items = self.list(kind, namespace, "").await;
            items.map_err(|failure| failure.into_error().with("kind", &kind.api.kind))
        };
        let (first, second) = try_join(list(&kinds[0]), list(&kinds[1])).await?;
        let id = object.id();
        for (kind, items) in kinds.iter().zip([first, second]) {
            for item in items {
                if self::live(whole(kind, item))?.scales(&id) {
                    name_replicas(body, (!theirs).then_some(live));
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

/// Names `replicas`, or none.
fn name_replicas(body: &mut Value, replicas: Option<&Value>) {
    if let Some(spec) = body.get_mut("spec").and_then(Value::as_object_mut) {
        spec.shift_remove("replicas");
        spec.extend(replicas.map(|replicas| ("replicas".to_owned(), replicas.clone())));
    }
}
