//! Refuses to rewrite a label by which somebody selects: a Service would lose its endpoints, a
//! PodDisruptionBudget or a NetworkPolicy its pods, without a word.

use std::collections::{BTreeMap, BTreeSet};

use nprt_core::model::{Budget, Limit, Object, label};
use nprt_core::{Error, Result};
use serde_json::Value;

use super::datadog;
use super::document::{Document, same};
use super::places::{Documents, Objects};
use super::selector::{Labels, labels_of};
use super::selectors::pairs;
use super::selects::{self, Select, Target};
use super::settings::Settings;
use super::template::TemplatePath;
use super::version::Version;

const OPERATION: &str = "manifest.selectors";

/// Labels of pods, or of a Service: as the manifest has them, as the cluster has them, and as they will be.
struct Rewritten<'a> {
    document: &'a Document,
    target: Target,
    before: Vec<Labels>,
    after: Labels,
}

/// Checks that every selector, of the manifests and of `live`, selects after the change what it selected before,
/// in the manifests or in the cluster. One of the service's own may begin to select our labels on purpose, such
/// as that of a PodDisruptionBudget for stable's pods; one of somebody else must say more than labels of ours.
///
/// # Errors
/// `Invalid`, with the object, the selector, the label and what to do.
pub(super) fn check(
    documents: &Documents<'_>,
    stable: &[Document],
    version: &Version,
    settings: &Settings,
    live: &Objects<'_>,
    budget: &Budget,
) -> Result<()> {
    let ours = labels_of_ours(settings);
    let mut rewritten = Vec::new();
    for (before, after) in documents.iter().zip(stable) {
        rewritten.extend(rewrite(before, after, settings, live)?);
    }
    let by_label = ByLabel::new(&rewritten);
    let own = documents.iter().flat_map(|document| selects::of(&document.object));
    let is_own = |object: &Object| object.label(label::SERVICE) == Some(version.service.as_str());
    let others = live.all.iter().filter(|object| documents.find(&object.id()).is_none());
    let others = others.flat_map(|object| selects::of(object).into_iter().map(move |s| (s, is_own(object))));
    for (select, is_own) in own.map(|select| (select, true)).chain(others) {
        if !select.keys().any(|key| ours.contains(key)) {
            continue;
        }
        let candidates = by_label.candidates(&select);
        let steps = (candidates.len() as u64).saturating_mul(select.steps());
        let steps = budget.spend(Limit::Steps, steps);
        steps.map_err(|error| error.with("object", select.object.id()).with("field", &select.field))?;
        for labels in candidates.iter().map(|&place| &rewritten[place]) {
            check_one(&select, is_own, labels, &ours).map_err(|error| labels.document.locate(error))?;
        }
    }
    Ok(())
}

/// The places of what has a label, before or after.
struct ByLabel<'a> {
    places: BTreeMap<(&'a str, &'a str), Vec<usize>>,
    all: Vec<usize>,
}

impl<'a> ByLabel<'a> {
    fn new(rewritten: &'a [Rewritten<'_>]) -> Self {
        let mut places = BTreeMap::<_, Vec<usize>>::new();
        for (place, one) in rewritten.iter().enumerate() {
            for pair in one.before.iter().chain([&one.after]).flat_map(pairs) {
                let places = places.entry(pair).or_default();
                if places.last() != Some(&place) {
                    places.push(place);
                }
            }
        }
        Self { places, all: (0..rewritten.len()).collect() }
    }

    /// All that the selector may select, before or after: those with the rarest of its labels.
    fn candidates<'s>(&'s self, select: &'s Select<'_>) -> &'s [usize] {
        let with = |pair| self.places.get(&pair).map_or(&[][..], Vec::as_slice);
        let asked = select.by_label().into_iter().flat_map(pairs);
        asked.map(with).min_by_key(|places| places.len()).unwrap_or(&self.all)
    }
}

/// The labels that nprt sets on pods.
fn labels_of_ours(settings: &Settings) -> BTreeSet<&str> {
    let named = settings.labels.track().into_iter().chain(settings.labels.version());
    let tags = settings.datadog.then_some(datadog::VERSION_LABEL);
    named.chain(tags).chain([label::SERVICE, label::TRACK]).collect()
}

/// What becomes of the labels of a document's pods, or of a Service; `None` where it has neither, or they stay.
fn rewrite<'a>(
    before: &'a Document,
    after: &Document,
    settings: &Settings,
    live: &Objects<'_>,
) -> Result<Option<Rewritten<'a>>> {
    let object = &before.object;
    let now = live.find(object).map(Object::as_value);
    let (target, path) = match TemplatePath::of(object, settings)? {
        Some(path) => (Target::Pods, path),
        None if object.id().group().is_empty() && object.kind() == "Service" => {
            (Target::Services, TemplatePath::WHOLE)
        }
        None => return Ok(None),
    };
    let labels = |value: &Value| -> Labels { path.find(value).map(labels_of).unwrap_or_default() };
    let from = std::iter::once(object.as_value()).chain(now).map(labels).collect();
    let after = labels(after.object.as_value());
    let rewritten = Rewritten { document: before, target, before: from, after };
    Ok(rewritten.before.iter().any(|before| *before != rewritten.after).then_some(rewritten))
}

fn check_one(select: &Select<'_>, is_own: bool, pods: &Rewritten<'_>, ours: &BTreeSet<&str>) -> Result<()> {
    // The workload's own selector must select its pods anyway, and the live one is kept.
    let is_itself = same(&select.object.id(), &pods.document.object.id()) && select.field == "spec.selector";
    if select.target != pods.target || is_itself || !in_one_namespace(select.object, &pods.document.object) {
        return Ok(());
    }
    let before = pods.before.iter().find(|labels| select.matches(labels));
    match (before, select.matches(&pods.after)) {
        (Some(before), false) => {
            let lost = |key: &&str| select.accepts(key, before) && !select.accepts(key, &pods.after);
            Err(refused("would no longer select", select, pods, ours, lost).with("was", said(select, before)))
        }
        (None, true) if !is_own && select.keys().all(|key| ours.contains(key)) => {
            Err(refused("of another owner would start to select", select, pods, ours, |_| true))
        }
        _ => Ok(()),
    }
}

fn refused(
    what: &str,
    select: &Select<'_>,
    pods: &Rewritten<'_>,
    ours: &BTreeSet<&str>,
    concerns: impl Fn(&&str) -> bool,
) -> Error {
    let keys: BTreeSet<&str> =
        select.keys().filter(|key| ours.contains(key)).filter(|key| concerns(key)).collect();
    let can_be_named = keys.iter().any(|key| !key.starts_with("nprt.dev/"));
    let hint = match can_be_named {
        true => "take the label out of the selector, or rename it or turn it off in `transform.labels`",
        false => "take the label out of the selector: nprt itself relies on it",
    };
    let whose = match pods.target {
        Target::Pods => "the pods of this workload",
        Target::Services => "this Service",
    };
    let labels = keys.iter().copied().collect::<Vec<_>>().join(", ");
    Error::invalid(OPERATION, format!("a selector {what} {whose}, because of a label that nprt sets; {hint}"))
        .with("by", select.object.id())
        .with("field", &select.field)
        .with("selector", select)
        .with("label", labels)
        .with("would be", said(select, &pods.after))
}

/// What the labels say of those that the selector goes by.
fn said(select: &Select<'_>, labels: &Labels) -> String {
    let keys: BTreeSet<&str> = select.keys().collect();
    let value = |key: &str| labels.get(key).and_then(Value::as_str).map(|value| format!("{key}={value}"));
    keys.into_iter()
        .map(|key| value(key).unwrap_or_else(|| format!("{key} missing")))
        .collect::<Vec<_>>()
        .join(",")
}

fn in_one_namespace(a: &Object, b: &Object) -> bool {
    a.namespace().is_none() || b.namespace().is_none() || a.namespace() == b.namespace()
}
