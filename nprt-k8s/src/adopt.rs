//! An apply that takes fields over: what it would do, and doing it.
//!
//! A change of owners and an apply are two requests, and a dry run of the second does not see the first. So what
//! they would make of the object together is worked out [here](crate::merge), and the server is asked whether it
//! would accept that, by the dry run of one patch: it fills in its defaults, and its schema and admission decide.
//! The write is the two requests themselves, each refused where the object is another than the one that was read.

use std::collections::{BTreeMap, BTreeSet};

use kube::core::Status;
use kube::core::response::StatusCause;
use serde_json::{Value, json};

use crate::client::Client;
use crate::error::{Failure, caused_by};
use crate::fields;
use crate::leftover::{leftovers, without_nulls};
use crate::merge::{difference, merged};
use crate::object::pin;
use crate::owners::{Taking, entries, entries_of, is_of, is_ours};
use crate::resource::Place;

/// How often more is claimed after a refusal: as many unions may be in each other's way.
const CLAIMS: usize = 3;

/// What an apply made of an object, or would.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) after: Value,
    /// Those whose fields are taken over.
    pub(crate) adopts: BTreeSet<String>,
    /// Whether that makes other owners.
    pub(crate) differs: bool,
}

impl Outcome {
    fn plain(after: Value) -> Self {
        Self { after, adopts: BTreeSet::new(), differs: false }
    }
}

impl Client {
    /// What applying `body` would make of the object. A conflict with fields that [`write`](Client::write)
    /// would take is none.
    pub(crate) async fn predict(
        &self,
        place: &Place,
        body: &Value,
        before: Option<&Value>,
    ) -> Result<Outcome, Failure> {
        match before {
            Some(before) => Ok(self.foresee(place, body, before).await?.0),
            None => self.patch(place, body, true, false).await.map(Outcome::plain),
        }
    }

    /// Applies `body` to the object, which was `before`. What is built on an object that is another by now is
    /// refused, at each step.
    pub(crate) async fn write(
        &self,
        place: &Place,
        body: &Value,
        before: Option<&Value>,
    ) -> Result<Outcome, Failure> {
        let Some(before) = before else {
            return self.patch(place, body, false, false).await.map(Outcome::plain);
        };
        if !Taking::of(before, Some(body)).differs {
            match self.apply_or_force(place, body, before, false).await {
                Err(refusal) if refusal.is_invalid_object() => {}
                answer => return answer,
            }
        }
        // What is refused changes nothing, not even owners.
        let (foreseen, taking, mut sent) = self.foresee(place, body, before).await?;
        let mut now = before.clone();
        if taking.differs {
            let mut patch = json!({"metadata": {"managedFields": taking.owners}});
            pin(&mut patch, Some(before));
            now = self.merge(place, &patch, false).await?;
            pin(&mut sent, Some(&now));
        }
        let mut after = self.apply_or_force(place, &sent, &now, false).await?.after;
        pin(&mut sent, Some(before));
        if sent != *body {
            // What is in no one's way any more can be named as the manifest does.
            let mut body = body.clone();
            pin(&mut body, Some(&after));
            after = self.apply_or_force(place, &body, &after, false).await?.after;
        }
        Ok(Outcome { after, ..foreseen })
    }

    /// What [`write`](Client::write) would do, what it takes over for that, and what it sends then.
    async fn foresee(
        &self,
        place: &Place,
        body: &Value,
        before: &Value,
    ) -> Result<(Outcome, Taking, Value), Failure> {
        let mut taking = Taking::of(before, Some(body));
        let mut body = body.clone();
        let mut answer = match taking.differs {
            true => self.would_accept(place, &body, before, &taking).await,
            false => self.apply_or_force(place, &body, before, true).await,
        };
        // Where claims do not help, the server's first words are those about the manifest.
        let mut first = None;
        for _ in 0..CLAIMS {
            let Err(Failure::Refused(status)) = &answer else { break };
            if status.code != 422 {
                break;
            }
            let object = merged(before, &body, &taking.owners);
            let claims = leftovers(status, &object, &body, &entries_of(&taking.owners, |_| true));
            if fields::steps(&claims).is_none() || !taking.claim(&claims, &body["apiVersion"]) {
                break;
            }
            without_nulls(&mut body, &claims);
            let next = self.would_accept(place, &body, before, &taking).await;
            first = first.or(std::mem::replace(&mut answer, next).err());
        }
        let mut outcome = answer.map_err(|failure| match first {
            Some(first) if failure.is_invalid_object() => first,
            _ => failure,
        })?;
        outcome.adopts.extend(taking.from.iter().cloned());
        outcome.differs = taking.differs;
        Ok((outcome, taking, body))
    }

    /// Asks the server whether it would accept what an apply of `body` makes of `before` under other owners.
    async fn would_accept(
        &self,
        place: &Place,
        body: &Value,
        before: &Value,
        taking: &Taking,
    ) -> Result<Outcome, Failure> {
        let mut patch = difference(before, &merged(before, body, &taking.owners));
        patch["metadata"]["managedFields"] = json!(taking.owners);
        pin(&mut patch, Some(before));
        let mut after = self.merge(place, &patch, true).await?;
        let lost = lost(&taking.owners, &after);
        let adopts = self.may_force(&lost).ok_or_else(|| conflict(&lost))?;
        settle(&mut after, before, body);
        Ok(Outcome { after, adopts, differs: true })
    }

    /// A server-side apply; by force where it takes fields from those alone whom the policy names.
    async fn apply_or_force(
        &self,
        place: &Place,
        body: &Value,
        before: &Value,
        dry_run: bool,
    ) -> Result<Outcome, Failure> {
        match self.patch(place, body, dry_run, false).await {
            Err(refusal) if refusal.is_conflict() && !refusal.is_outdated() && !self.forced.is_empty() => {
                let after = self.patch(place, body, true, true).await?;
                let owners: Vec<Value> = entries(before).cloned().collect();
                let Some(adopts) = self.may_force(&lost(&owners, &after)) else { return Err(refusal) };
                let after = if dry_run { after } else { self.patch(place, body, false, true).await? };
                Ok(Outcome { after, adopts, differs: false })
            }
            answer => answer.map(Outcome::plain),
        }
    }

    /// The managers that have `lost` fields, where the policy names them all.
    fn may_force(&self, lost: &BTreeMap<String, Vec<String>>) -> Option<BTreeSet<String>> {
        lost.keys().all(|manager| self.forced.contains(manager)).then(|| lost.keys().cloned().collect())
    }
}

/// The fields that others have of `owners`, by manager, and have no more in `after`. The server answers with who
/// owns what then.
fn lost(owners: &[Value], after: &Value) -> BTreeMap<String, Vec<String>> {
    let same = |a: &Value, b: &Value| {
        ["manager", "operation", "apiVersion", "subresource"].iter().all(|key| a.get(key) == b.get(key))
    };
    let mut lost = BTreeMap::<String, Vec<String>>::new();
    // Controllers write the status all the time; an apply does not reach it.
    for entry in owners.iter().filter(|entry| !is_ours(entry) && entry["subresource"] != "status") {
        let now = entries(after).find(|now| same(entry, now)).and_then(|now| now.get("fieldsV1"));
        let fields = entry.get("fieldsV1").map(|owned| fields::missing(now, owned)).unwrap_or_default();
        if !fields.is_empty() {
            let manager = entry["manager"].as_str().unwrap_or_default();
            lost.entry(manager.to_owned()).or_default().extend(fields);
        }
    }
    lost
}

/// The refusal of the server's for an apply that takes fields from others.
fn conflict(lost: &BTreeMap<String, Vec<String>>) -> Failure {
    let causes = lost.iter().flat_map(|(manager, fields)| {
        fields.iter().map(move |field| StatusCause {
            reason: "FieldManagerConflict".to_owned(),
            message: format!("conflict with {manager:?}"),
            field: field.clone(),
        })
    });
    let causes: Vec<StatusCause> = causes.collect();
    let fields: Vec<String> =
        causes.iter().map(|cause| format!("{}: {}", cause.message, cause.field)).collect();
    Failure::Refused(Box::new(Status {
        code: 409,
        reason: "Conflict".to_owned(),
        message: format!("the apply conflicts with other field managers: {}", fields.join(", ")),
        details: Some(caused_by(causes)),
        ..Status::default()
    }))
}

/// Makes the owners in the answer to a patch those that an apply of `body` leaves: what it names is ours.
fn settle(after: &mut Value, before: &Value, body: &Value) {
    let was_there = entries(before).any(|entry| is_of(entry, "Update"));
    let Some(owners) = after.pointer_mut("/metadata/managedFields").and_then(Value::as_array_mut) else {
        return;
    };
    let ours = entries_of(owners, |entry| is_ours(entry) || is_of(entry, "Update"));
    owners.retain(|entry| was_there || !is_of(entry, "Update"));
    if let Some(entry) = owners.iter_mut().find(|entry| is_ours(entry)) {
        entry["fieldsV1"] = fields::split(&ours, body).0;
    }
}
