//! The Secrets that hold a record: `nprt-undo-<service>` and, where one does not hold all of it,
//! `nprt-undo-<service>.<digest>.1` and so on, which the first one names. A record that replaces another shares with it
//! the first Secret alone: that one changes last, and until then the other record is whole.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use nprt_core::Result;
use nprt_core::model::{Digest, Object, ObjectId};
use nprt_core::ports::Transition;
use serde_json::json;

use crate::context::Context;
use crate::undo::log::UndoLog;

/// How much of the record one Secret holds: less than the server's bound of 1 MiB.
const PART: usize = 900_000;

/// On the first Secret: how many there are.
const PARTS: &str = "nprt.dev/undo-parts";

/// On the first Secret: what the names of the others have between the service and their number. An older nprt had
/// nothing there.
const DIGEST: &str = "nprt.dev/undo-digest";

/// On each: the service.
const LABEL: &str = "nprt.dev/undo";

/// How many characters of its digest make the names of a record's Secrets their own.
const SHORT: usize = 16;

/// The Secrets of a record, each list in the order in which they are removed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Parts {
    /// The first Secret comes first: without it the others are nothing. These follow from the last one on, so that
    /// whoever finds some finds all.
    of_record: Vec<ObjectId>,
    /// What is left of records that were replaced, or never became whole.
    of_others: Vec<ObjectId>,
}

impl Parts {
    pub(crate) fn is_empty(&self) -> bool {
        self.of_record.is_empty()
    }
}

/// The Secret of this `number`, of the record whose digest begins with `digest`.
fn secret_id(cx: &Context<'_>, number: usize, digest: Option<&str>) -> ObjectId {
    let service = &cx.service.name;
    let name = match (number, digest) {
        (0, _) => format!("nprt-undo-{service}"),
        (_, None) => format!("nprt-undo-{service}.{number}"),
        (_, Some(digest)) => format!("nprt-undo-{service}.{digest}.{number}"),
    };
    ObjectId { api_version: "v1".to_owned(), kind: "Secret".to_owned(), namespace: None, name }
}

pub(crate) fn first_part(cx: &Context<'_>) -> ObjectId {
    secret_id(cx, 0, None)
}

fn of_record(cx: &Context<'_>, parts: usize, digest: Option<&str>) -> Vec<ObjectId> {
    let others = (1..parts).rev().map(|number| secret_id(cx, number, digest));
    [first_part(cx)].into_iter().chain(others).collect()
}

impl UndoLog<'_> {
    /// Writes `json` in the place of what `former` holds, and then removes that. The first part comes last: with it,
    /// all are there.
    pub(crate) async fn write(&self, json: &[u8], digest: &Digest, former: &Parts) -> Result<Parts> {
        let short = short(digest);
        let parts: Vec<&[u8]> = json.chunks(PART).collect();
        for (number, part) in parts.iter().enumerate().skip(1).chain(parts.first().map(|part| (0, part))) {
            let mut annotations = json!({});
            if number == 0 {
                annotations = json!({PARTS: parts.len().to_string(), DIGEST: short});
            }
            let id = secret_id(self.to.cx, number, Some(short));
            let secret = Object::new(json!({
                "apiVersion": id.api_version,
                "kind": id.kind,
                "metadata": {
                    "name": id.name,
                    "labels": {LABEL: self.to.cx.service.name.as_str()},
                    "annotations": annotations,
                },
                "data": {"record": STANDARD.encode(part)},
            }))?;
            self.to.cx.again(|| self.to.cx.ports.cluster.apply(self.to.lease, &secret)).await?;
        }
        let of_record = of_record(self.to.cx, parts.len(), Some(short));
        let replaced = former.of_record.iter().filter(|part| !of_record.contains(part));
        self.remove(replaced).await?;
        Ok(Parts { of_record, of_others: Vec::new() })
    }

    /// Removes what is left of records that are none any more, as long as the lease tells of them.
    pub(crate) async fn remove_left(&self, parts: &Parts) -> Result<()> {
        self.remove(parts.of_others.iter()).await
    }

    /// Removes the record, and says on the lease that the change is over.
    pub(crate) async fn forget(&self, parts: &Parts) -> Result<()> {
        self.remove(parts.of_record.iter().chain(&parts.of_others)).await?;
        self.to.cx.again(|| self.to.cx.ports.cluster.set_transition(self.to.lease, None)).await
    }

    /// The same where there is no record that the lease vouches for: the change had not begun, or was settled.
    pub(crate) async fn forget_nothing(&self, transition: &Transition) -> Result<()> {
        // Whoever wrote a first Secret that is not vouched for may have written the others of an older nprt's names, too:
        // all of these stay.
        let is_ours = self.to.cx.ports.cluster.get(&first_part(self.to.cx)).await?.is_none();
        let digests = transition.records.iter().map(|digest| Some(short(digest)));
        let left = rest_of(self.to.cx, digests.chain(is_ours.then_some(None)).collect()).await?;
        self.remove(left.iter()).await?;
        self.to.cx.again(|| self.to.cx.ports.cluster.set_transition(self.to.lease, None)).await
    }

    async fn remove(&self, parts: impl Iterator<Item = &ObjectId>) -> Result<()> {
        for part in parts {
            self.to.cx.again(|| self.to.cx.ports.cluster.delete(self.to.lease, part)).await?;
        }
        Ok(())
    }
}

/// The text of the record whose first Secret is `first`, and the Secrets that hold it; `None` where it is none.
pub(crate) async fn text(cx: &Context<'_>, first: &Object) -> Result<Option<(Parts, Vec<u8>)>> {
    let parts = first.annotation(PARTS).and_then(|parts| parts.parse().ok());
    let Some((parts, mut json)) = parts.zip(content(first)) else { return Ok(None) };
    let digest = first.annotation(DIGEST);
    if digest.is_some_and(|digest| !is_short(digest)) {
        return Ok(None);
    }
    for number in 1..parts {
        let part = cx.ports.cluster.get(&secret_id(cx, number, digest)).await?;
        let Some(more) = part.as_ref().and_then(content) else { return Ok(None) };
        json.extend(more);
    }
    Ok(Some((Parts { of_record: of_record(cx, parts, digest), of_others: Vec::new() }, json)))
}

/// Adds to the parts of the record of this `digest` what is left of others that the lease vouches for.
pub(crate) async fn with_left(
    cx: &Context<'_>,
    parts: Parts,
    digest: &Digest,
    transition: &Transition,
) -> Result<Parts> {
    let others = transition.records.iter().filter(|other| *other != digest);
    let left = rest_of(cx, others.map(|other| Some(short(other))).chain([None]).collect()).await?;
    let of_others = left.into_iter().filter(|part| !parts.of_record.contains(part)).collect();
    Ok(Parts { of_others, ..parts })
}

/// What is there of records beside their first Secret, by the beginnings of their digests; `None` is a record of an
/// older nprt.
async fn rest_of(cx: &Context<'_>, digests: Vec<Option<&str>>) -> Result<Vec<ObjectId>> {
    let mut left = Vec::new();
    for digest in digests {
        let mut found = Vec::new();
        loop {
            let part = secret_id(cx, found.len() + 1, digest);
            if cx.ports.cluster.get(&part).await?.is_none() {
                break;
            }
            found.push(part);
        }
        left.extend(found.into_iter().rev());
    }
    Ok(left)
}

/// What of a digest makes names.
fn short(digest: &Digest) -> &str {
    let hex = digest.as_str().rsplit(':').next().unwrap_or_default();
    hex.get(..SHORT).unwrap_or(hex)
}

fn is_short(text: &str) -> bool {
    text.len() == SHORT && text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f'))
}

fn content(part: &Object) -> Option<Vec<u8>> {
    STANDARD.decode(part.as_value().pointer("/data/record")?.as_str()?).ok()
}
