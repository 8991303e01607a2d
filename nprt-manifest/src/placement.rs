//! What may keep a canary's pods from running beside stable's: said before they start, not after a time-out.

use std::collections::BTreeSet;

use nprt_core::model::label;
use serde_json::Value;

use super::diagnose::{CLAIM, Pair, claims, find_namesake};
use super::selector::{Labels, labels_of, selects};
use super::surroundings::Surroundings;

/// A warning for each rule of the canary's pods that stable's pods can keep them from running by: what cannot be
/// placed, why, and what to do.
pub(super) fn warnings(pair: &Pair<'_>, around: &Surroundings<'_>) -> Vec<String> {
    let canary = spec(pair.canary);
    let stable = pair.live.unwrap_or(pair.stable);
    let mut found = Vec::new();
    found.extend(host_ports(canary, spec(stable)));
    found.extend(anti_affinity(pair, stable));
    found.extend(spread(pair, stable));
    found.extend(claims(canary).filter_map(|claim| held_claim(pair, claim, around)));
    let workload = pair.document.object.id();
    found.into_iter().map(|what| format!("{workload}: {what}")).collect()
}

fn spec(template: &Value) -> &Value {
    template.get("spec").unwrap_or(&Value::Null)
}

fn list<'a>(value: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> {
    value.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

fn text<'a>(value: &'a Value, field: &str) -> Option<&'a str> {
    value.get(field).and_then(Value::as_str)
}

fn host_ports(canary: &Value, stable: &Value) -> Option<String> {
    let taken: BTreeSet<String> = ports_of_the_host(stable).into_iter().collect();
    let port = ports_of_the_host(canary).into_iter().find(|port| taken.contains(port))?;
    let network = host_network(canary);
    let from = if network { "hostNetwork" } else { "hostPort" };
    Some(format!(
        "its canary takes port {port} of its node ({from}), as stable's pods do, so it can start only on a node where \
         none of them runs; keep such a node free, or remove {from}"
    ))
}

fn host_network(spec: &Value) -> bool {
    spec.get("hostNetwork").and_then(Value::as_bool).unwrap_or_default()
}

/// The ports of the node that a pod takes, such as `8080/TCP`; in the host's network every port is one.
fn ports_of_the_host(spec: &Value) -> Vec<String> {
    let of_the_host = |port: &Value| {
        let number = |field: &str| port.get(field).and_then(Value::as_u64).filter(|&port| port > 0);
        let taken = number("hostPort").or_else(|| number("containerPort").filter(|_| host_network(spec)))?;
        Some(format!("{taken}/{}", text(port, "protocol").unwrap_or("TCP")))
    };
    let containers = list(spec, "/initContainers").chain(list(spec, "/containers"));
    containers.flat_map(|container| list(container, "/ports")).filter_map(of_the_host).collect()
}

const REQUIRED: &str = "/affinity/podAntiAffinity/requiredDuringSchedulingIgnoredDuringExecution";

/// Required anti-affinity counts in both directions: a rule of either track's pods keeps them apart.
fn anti_affinity(pair: &Pair<'_>, stable: &Value) -> Option<String> {
    let (ours, theirs) = (labels_of(pair.canary), labels_of(stable));
    let apart = |template: &Value, own: &Labels, other: &Labels| {
        let terms: Vec<Value> = list(spec(template), REQUIRED).cloned().collect();
        terms.into_iter().find(|term| in_namespace(term, pair) && counts(term, own, other))
    };
    let term = apart(pair.canary, &ours, &theirs).or_else(|| apart(stable, &theirs, &ours))?;
    let domain = text(&term, "topologyKey").unwrap_or_default();
    Some(format!(
        "required podAntiAffinity keeps its canary away from stable's pods, so it can start only in a {domain} where \
         none of them runs; {}, or make the rule preferred",
        apart_by_track("have such a place free", "the rule")
    ))
}

/// Whether a term is about pods of the workload's namespace.
fn in_namespace(term: &Value, pair: &Pair<'_>) -> bool {
    let named: Vec<&str> = list(term, "/namespaces").filter_map(Value::as_str).collect();
    let by_labels = term.get("namespaceSelector").is_some_and(|selector| !selector.is_null());
    let own = pair.document.object.namespace();
    by_labels || named.is_empty() || own.is_none_or(|own| named.contains(&own))
}

fn spread(pair: &Pair<'_>, stable: &Value) -> Option<String> {
    let (ours, theirs) = (labels_of(pair.canary), labels_of(stable));
    let must = |constraint: &&Value| text(constraint, "whenUnsatisfiable") != Some("ScheduleAnyway");
    let constraint = list(spec(pair.canary), "/topologySpreadConstraints")
        .filter(must)
        .find(|constraint| counts(constraint, &ours, &theirs))?;
    let domain = text(constraint, "topologyKey").unwrap_or_default();
    let skew = constraint.get("maxSkew").and_then(Value::as_u64).unwrap_or(1);
    Some(format!(
        "topologySpreadConstraints (DoNotSchedule, maxSkew {skew}) count its canary's pods together with stable's, so it \
         can start only in a {domain} that has few enough of both; {}, or set whenUnsatisfiable: ScheduleAnyway",
        apart_by_track("have room there", "the constraint")
    ))
}

fn apart_by_track(room: &str, rule: &str) -> String {
    format!("{room}, add `matchLabelKeys: [{}]` to {rule}", label::TRACK)
}

/// Whether the selector of a rule of a pod with the labels `own` counts a pod with the labels `other`.
fn counts(rule: &Value, own: &Labels, other: &Labels) -> bool {
    let selector = rule.get("labelSelector").filter(|selector| !selector.is_null());
    // The keys that controllers add have another value for each ReplicaSet and revision.
    let differs = |key: &str| match own.get(key) {
        Some(value) => other.get(key) != Some(value),
        None => matches!(key, "pod-template-hash" | "controller-revision-hash"),
    };
    let keys = |field: &'static str| list(rule, field).filter_map(Value::as_str);
    selector.is_some_and(|selector| selects(selector, other))
        && !keys("/matchLabelKeys").any(differs)
        && keys("/mismatchLabelKeys").all(differs)
}

/// Where all access modes of a claim are for one node, or one pod.
fn held_claim(pair: &Pair<'_>, claim: &str, around: &Surroundings<'_>) -> Option<String> {
    let object = find_namesake(pair, CLAIM, claim, around)?;
    let modes: Vec<&str> = list(object.as_value(), "/spec/accessModes").filter_map(Value::as_str).collect();
    let once = |mode: &&str| matches!(*mode, "ReadWriteOnce" | "ReadWriteOncePod");
    if modes.is_empty() || !modes.iter().all(once) {
        return None;
    }
    let opt_out = "opt out of canaries with the annotation nprt.dev/canary: \"false\"";
    let id = object.id();
    Some(if modes.contains(&"ReadWriteOncePod") {
        format!(
            "its canary mounts {id}, which only one pod at a time can mount (ReadWriteOncePod): it cannot start while \
             a pod of stable holds the claim; give the claim the mode ReadWriteMany, or {opt_out}"
        )
    } else {
        format!(
            "its canary mounts {id}, which only one node at a time can mount (ReadWriteOnce): it can start only on the \
             node of stable's pod, and then both write to it; give the claim the mode ReadWriteMany, or {opt_out}"
        )
    })
}
