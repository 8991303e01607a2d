//! Which requests a canary gets by an HTTPRoute of the Gateway API: what the route becomes, and what it was.

use std::collections::BTreeSet;

use nprt_core::model::{Object, ObjectId, Track, annotation, label};
use nprt_core::{Error, Result};
use serde_json::{Map, Value, json};

use super::fields::{list_in, map_at};
use super::pair;
use super::settings::Traffic;

const OPERATION: &str = "manifest.traffic";

/// The most that a backend may weigh.
const HEAVIEST: u64 = 1_000_000;

/// Which object an HTTPRoute of this name is.
pub fn http_route(name: &str) -> ObjectId {
    ObjectId {
        api_version: "gateway.networking.k8s.io/v1".to_owned(),
        kind: "HTTPRoute".to_owned(),
        namespace: None,
        name: name.to_owned(),
    }
}

pub fn is_http_route(object: &Object) -> bool {
    object.id().group() == "gateway.networking.k8s.io" && object.kind() == "HTTPRoute"
}

/// The Services of its own namespace to which a route sends requests.
pub fn backends(route: &Object) -> BTreeSet<String> {
    let rules = route.as_value().pointer("/spec/rules").and_then(Value::as_array);
    let refs = rules.into_iter().flatten().filter_map(|rule| rule.get("backendRefs")?.as_array()).flatten();
    refs.filter_map(|backend| service_of(backend, route.namespace())).map(str::to_owned).collect()
}

/// The Service of `namespace` that a backend is.
fn service_of<'a>(backend: &'a Value, namespace: Option<&str>) -> Option<&'a str> {
    let text = |field: &str| backend.get(field).and_then(Value::as_str);
    let is_service = text("kind").is_none_or(|kind| kind == "Service")
        && text("group").is_none_or(str::is_empty)
        && text("namespace").is_none_or(|named| namespace.is_none_or(|namespace| named == namespace));
    text("name").filter(|_| is_service)
}

/// The rules by which a canary gets what `traffic` says of the requests to `services`. `route` is as it was
/// without one.
///
/// # Errors
/// `Invalid` for a route whose own weights are too large to be divided.
pub fn split(route: &Object, services: &BTreeSet<String>, traffic: &Traffic) -> Result<Vec<Value>> {
    let rules = route.as_value().pointer("/spec/rules").and_then(Value::as_array);
    let mut rules = rules.cloned().unwrap_or_default();
    for rule in &mut rules {
        let ours = |backend: &Value| {
            service_of(backend, route.namespace()).filter(|name| services.contains(*name)).map(str::to_owned)
        };
        split_rule(rule, ours, traffic).map_err(|error| error.with("object", route.id()))?;
    }
    Ok(rules)
}

fn split_rule(rule: &mut Value, ours: impl Fn(&Value) -> Option<String>, traffic: &Traffic) -> Result<()> {
    let Some(backends) = rule.get("backendRefs").and_then(Value::as_array).cloned() else { return Ok(()) };
    if backends.iter().all(|backend| ours(backend).is_none()) {
        return Ok(());
    }
    // In hundredths, so that other backends of the rule keep their part.
    let share = u64::from(traffic.weight.unwrap_or_default());
    let (mut split, mut mirrors) = (Vec::new(), Vec::new());
    for backend in backends {
        let weight = weight_of(&backend)?;
        let Some(service) = ours(&backend) else {
            split.push(weighing(backend, None, weight * 100)?);
            continue;
        };
        let canary = pair::name(&service, Track::Canary);
        split.push(weighing(
            backend.clone(),
            Some(&pair::name(&service, Track::Stable)),
            weight * (100 - share),
        )?);
        if traffic.mirror {
            mirrors.push(json!({"type": "RequestMirror",
                "requestMirror": {"backendRef": {"name": canary, "port": backend.get("port")}}}));
        }
        if traffic.weight.is_some() {
            split.push(weighing(backend, Some(&canary), weight * share)?);
        }
    }
    let rule = map_at(rule, &[""; 0])?;
    rule.insert("backendRefs".to_owned(), split.into());
    if !mirrors.is_empty() {
        list_in(rule, "filters")?.extend(mirrors);
    }
    Ok(())
}

/// What a backend weighs.
fn weight_of(backend: &Value) -> Result<u64> {
    let weight = backend.get("weight").and_then(Value::as_u64).unwrap_or(1);
    if weight > HEAVIEST / 100 {
        return Err(Error::invalid(OPERATION, "a weight of the route is too large to be divided")
            .with("backend", backend.get("name").and_then(Value::as_str).unwrap_or_default())
            .with("weight", weight)
            .with("largest", HEAVIEST / 100));
    }
    Ok(weight)
}

fn weighing(mut backend: Value, name: Option<&str>, weight: u64) -> Result<Value> {
    let map = map_at(&mut backend, &[""; 0])?;
    map.insert("weight".to_owned(), weight.into());
    if let Some(name) = name {
        map.insert("name".to_owned(), name.into());
    }
    Ok(backend)
}

/// Gives `route`, or the part of it that we apply, other rules, and keeps those that it has without a canary.
pub fn divert(route: &mut Object, rules: Vec<Value>, before: &Object) -> Result<()> {
    let before = before.as_value().pointer("/spec/rules").cloned().unwrap_or_default();
    let value = route.as_value_mut();
    map_at(value, &["spec"])?.insert("rules".to_owned(), rules.into());
    let annotations = map_at(value, &["metadata", "annotations"])?;
    annotations.insert(annotation::RULES_BEFORE.to_owned(), before.to_string().into());
    Ok(())
}

/// What the rules of a route were before a canary got requests by it; `None` where none does.
///
/// # Errors
/// `Invalid` where somebody damaged what was kept.
pub fn rules_before(route: &Object) -> Result<Option<Value>> {
    let Some(text) = route.annotation(annotation::RULES_BEFORE) else { return Ok(None) };
    let rules: Option<Value> = serde_json::from_str(text).ok().filter(|rules: &Value| rules.is_array());
    let damaged = || {
        Error::invalid(OPERATION, "what the route's rules were cannot be read: put them back and remove this")
            .with("object", route.id())
            .with("annotation", annotation::RULES_BEFORE)
    };
    rules.map(Some).ok_or_else(damaged)
}

/// The object as it is without a canary, which only routes may differ from.
pub fn original(route: &Object) -> Result<Object> {
    let rules = if is_http_route(route) { rules_before(route)? } else { None };
    let Some(rules) = rules else { return Ok(route.clone()) };
    let mut original = route.clone();
    restore(&mut original, Some(rules))?;
    Ok(original)
}

/// Gives the route, or the part of it that we apply, `rules` where there are any, and forgets what they were.
pub fn restore(route: &mut Object, rules: Option<Value>) -> Result<()> {
    let value = route.as_value_mut();
    if let Some(rules) = rules {
        map_at(value, &["spec"])?.insert("rules".to_owned(), rules);
    }
    let annotations: &mut Map<String, Value> = map_at(value, &["metadata", "annotations"])?;
    annotations.shift_remove(annotation::RULES_BEFORE);
    if annotations.is_empty() {
        map_at(value, &["metadata"])?.shift_remove("annotations");
    }
    Ok(())
}

/// Whether a Service of a pair selects the pods of `track`.
pub fn leads_to(service: &Object, track: Track) -> bool {
    let selector =
        service.as_value().pointer("/spec/selector").and_then(|selector| selector.get(label::TRACK));
    selector.and_then(Value::as_str) == Some(track.as_str())
}

/// Makes a Service of a pair, or the part of it that we apply, select the pods of `track`.
pub fn lead_to(service: &mut Object, track: Track) -> Result<()> {
    let selector = map_at(service.as_value_mut(), &["spec", "selector"])?;
    selector.insert(label::TRACK.to_owned(), track.as_str().into());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(rules: &Value) -> Object {
        Object::new(json!({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
            "metadata": {"name": "shop", "namespace": "shop"}, "spec": {"hostnames": ["a"], "rules": rules}}))
        .unwrap()
    }

    fn rules(before: &Value, weight: Option<u8>, mirror: bool) -> Value {
        let traffic = Traffic { http_route: None, weight, mirror };
        split(&route(before), &BTreeSet::from(["web".to_owned()]), &traffic).unwrap().into()
    }

    #[test]
    fn a_weight_divides_what_goes_to_the_service_and_nothing_else() {
        let before = json!([
            {"matches": [{"path": {"value": "/"}}], "backendRefs": [{"name": "web", "port": 80}]},
            {"backendRefs": [{"name": "web", "port": 81, "weight": 3, "filters": []}, {"name": "old", "port": 80}]},
            {"backendRefs": [{"name": "other", "port": 80, "weight": 7}]},
            {"filters": [{"type": "RequestRedirect"}]},
        ]);
        let expected = json!([
            {"matches": [{"path": {"value": "/"}}], "backendRefs": [
                {"name": "web-stable", "port": 80, "weight": 95}, {"name": "web-canary", "port": 80, "weight": 5}]},
            {"backendRefs": [{"name": "web-stable", "port": 81, "weight": 285, "filters": []},
                {"name": "web-canary", "port": 81, "weight": 15, "filters": []}, {"name": "old", "port": 80, "weight": 100}]},
            {"backendRefs": [{"name": "other", "port": 80, "weight": 7}]},
            {"filters": [{"type": "RequestRedirect"}]},
        ]);
        assert_eq!(rules(&before, Some(5), false), expected);
    }

    #[test]
    fn a_mirror_gets_copies_and_no_request_of_its_own() {
        let before =
            json!([{"filters": [{"type": "URLRewrite"}], "backendRefs": [{"name": "web", "port": 80}]}]);
        let mirror = json!({"type": "RequestMirror",
            "requestMirror": {"backendRef": {"name": "web-canary", "port": 80}}});
        let expected = json!([{"filters": [{"type": "URLRewrite"}, mirror],
            "backendRefs": [{"name": "web-stable", "port": 80, "weight": 100}]}]);
        assert_eq!(rules(&before, None, true), expected);
        let both = rules(&before, Some(0), true);
        assert_eq!(both[0]["backendRefs"][1], json!({"name": "web-canary", "port": 80, "weight": 0}));
    }

    #[test]
    fn only_services_of_its_namespace_are_backends() {
        let backends = |backend: Value| backends(&route(&json!([{"backendRefs": [backend]}])));
        let web = BTreeSet::from(["web".to_owned()]);
        assert_eq!(backends(json!({"name": "web"})), web);
        assert_eq!(
            backends(json!({"name": "web", "group": "", "kind": "Service", "namespace": "shop"})),
            web
        );
        for other in [
            json!({"name": "web", "namespace": "elsewhere"}),
            json!({"name": "web", "kind": "ServiceImport", "group": "multicluster.x-k8s.io"}),
        ] {
            assert_eq!(backends(other), BTreeSet::new());
        }
    }

    #[test]
    fn the_way_back_is_on_the_route() {
        let before = route(&json!([{"backendRefs": [{"name": "web", "port": 80}]}]));
        let mut diverted = before.clone();
        divert(&mut diverted, vec![json!({"backendRefs": []})], &before).unwrap();
        assert_ne!(diverted.as_value()["spec"], before.as_value()["spec"]);
        assert_eq!(original(&diverted).unwrap(), before);
        assert_eq!(original(&before).unwrap(), before);
        for damaged in ["", "{}", "[", "null"] {
            diverted.as_value_mut()["metadata"]["annotations"][annotation::RULES_BEFORE] = json!(damaged);
            let error = original(&diverted).unwrap_err();
            assert!(error.is_invalid() && error.to_string().contains("HTTPRoute/shop/shop"), "{error}");
        }
    }

    #[test]
    fn weights_that_cannot_be_divided_are_refused() {
        let heavy = route(&json!([{"backendRefs": [{"name": "web", "port": 80, "weight": 10_001}]}]));
        let traffic = Traffic { http_route: None, weight: Some(1), mirror: false };
        let error = split(&heavy, &BTreeSet::from(["web".to_owned()]), &traffic).unwrap_err();
        assert!(error.to_string().contains("largest: 10000"), "{error}");
        for (weight, mirror, fits) in
            [(None, false, false), (Some(101), false, false), (Some(100), true, true), (None, true, true)]
        {
            assert_eq!(
                Traffic { http_route: None, weight, mirror }.check().is_ok(),
                fits,
                "{weight:?} {mirror}"
            );
        }
        assert!(Traffic { http_route: Some(String::new()), ..traffic }.check().is_err());
    }
}
