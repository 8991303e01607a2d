//! Who selects pods or Services by their labels: found in any object, also of a kind that is not known.

use std::fmt;

use nprt_core::model::Object;
use serde_json::{Map, Value, json};

use super::selector::{self, Labels};

/// What a selector is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    Pods,
    Services,
}

/// One selector of an object.
pub(super) struct Select<'a> {
    pub(super) object: &'a Object,
    /// Where it stands, such as `spec.ingress[0].from[1].podSelector`.
    pub(super) field: String,
    pub(super) target: Target,
    /// `matchLabels` and `matchExpressions`.
    selector: Value,
}

impl Select<'_> {
    /// Whether it selects what has these labels.
    pub(super) fn matches(&self, labels: &Labels) -> bool {
        selector::selects(&self.selector, labels)
    }

    /// How many steps of the budget [`matches`](Self::matches) takes.
    pub(super) fn steps(&self) -> u64 {
        selector::steps(&self.selector)
    }

    /// The labels that it asks for by their values.
    pub(super) fn by_label(&self) -> Option<&Labels> {
        self.selector.get("matchLabels").and_then(Value::as_object)
    }

    /// The labels that it goes by.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        let keys = self.by_label().into_iter().flatten().map(|(key, _)| key.as_str());
        keys.chain(self.expressions().filter_map(|expression| expression.get("key")?.as_str()))
    }

    /// Whether what it asks of this label alone holds for these labels.
    pub(super) fn accepts(&self, key: &str, labels: &Labels) -> bool {
        let mut part = Map::new();
        if let Some(value) = self.selector.pointer("/matchLabels").and_then(|labels| labels.get(key)) {
            part.insert("matchLabels".to_owned(), json!({key: value}));
        }
        let expressions = self.expressions().filter(|expression| expression["key"] == key);
        part.insert("matchExpressions".to_owned(), expressions.cloned().collect());
        selector::selects(&Value::Object(part), labels)
    }

    fn expressions(&self) -> impl Iterator<Item = &Value> {
        self.selector.get("matchExpressions").and_then(Value::as_array).into_iter().flatten()
    }
}

/// As kubectl writes selectors: `app=web,track in (stable)`.
impl fmt::Display for Select<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let none = Map::new();
        let by_label = self.by_label().unwrap_or(&none);
        write!(f, "{}", selector::Plain(by_label))?;
        for (i, expression) in self.expressions().enumerate() {
            let text = |field: &str| expression.get(field).and_then(Value::as_str).unwrap_or_default();
            let values = expression.get("values").and_then(Value::as_array).into_iter().flatten();
            let values: Vec<&str> = values.filter_map(Value::as_str).collect();
            let (key, values) = (text("key"), values.join(","));
            f.write_str(if i == 0 && by_label.is_empty() { "" } else { "," })?;
            match text("operator") {
                "In" => write!(f, "{key} in ({values})")?,
                "NotIn" => write!(f, "{key} notin ({values})")?,
                "Exists" => f.write_str(key)?,
                "DoesNotExist" => write!(f, "!{key}")?,
                other => write!(f, "{key} {other} ({values})")?,
            }
        }
        Ok(())
    }
}

/// The selectors of an object that may select pods or Services of its own namespace.
pub(super) fn of(object: &Object) -> Vec<Select<'_>> {
    let id = object.id();
    let target = match (id.group(), object.kind()) {
        // These select volumes, or other objects of their own kinds.
        ("" | "storage.k8s.io", "PersistentVolumeClaim" | "PersistentVolume") => return Vec::new(),
        ("admissionregistration.k8s.io" | "apiextensions.k8s.io" | "rbac.authorization.k8s.io", _) => {
            return Vec::new();
        }
        ("monitoring.coreos.com", "ServiceMonitor") => Target::Services,
        ("monitoring.coreos.com", kind) if kind != "PodMonitor" => return Vec::new(),
        _ => Target::Pods,
    };
    let mut found = Found { object, target, selects: Vec::new() };
    let spec = object.as_value().get("spec").unwrap_or(&Value::Null);
    // A Service's selector, and that of the oldest workloads, is a plain map.
    if let ("", "Service" | "ReplicationController") = (id.group(), object.kind())
        && let Some(labels) = spec.get("selector").and_then(Value::as_object).filter(|all| !all.is_empty())
    {
        found.add("spec.selector".to_owned(), json!({"matchLabels": labels}));
    }
    found.look(spec, &mut vec![Step::Field("spec")]);
    found.selects
}

/// A step on the way to a value. Ways are written out only where a selector is: one alone may have a long name.
enum Step<'v> {
    Field(&'v str),
    Item(usize),
}

fn written(way: &[Step<'_>]) -> String {
    let mut text = String::new();
    for step in way {
        match step {
            Step::Field(name) if text.is_empty() => text.push_str(name),
            Step::Field(name) => text.extend([".", name]),
            Step::Item(index) => text.push_str(&format!("[{index}]")),
        }
    }
    text
}

struct Found<'a> {
    object: &'a Object,
    target: Target,
    selects: Vec<Select<'a>>,
}

impl Found<'_> {
    /// Nothing that was read is nested so deep that this takes the stack.
    fn look<'v>(&mut self, value: &'v Value, way: &mut Vec<Step<'v>>) {
        match value {
            Value::Object(map) => {
                if map.get("matchLabels").is_some_and(Value::is_object)
                    || map.get("matchExpressions").is_some_and(Value::is_array)
                {
                    self.add(written(way), value.clone());
                    return;
                }
                let elsewhere = self.is_elsewhere(map);
                for (key, value) in map {
                    let selects_other = matches!(
                        key.as_str(),
                        "namespaceSelector" | "nodeAffinity" | "nodeSelector" | "volumeClaimTemplates"
                    );
                    let skipped =
                        elsewhere && matches!(key.as_str(), "labelSelector" | "podSelector" | "selector");
                    if !selects_other && !skipped {
                        way.push(Step::Field(key));
                        self.look(value, way);
                        way.pop();
                    }
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    way.push(Step::Item(index));
                    self.look(item, way);
                    way.pop();
                }
            }
            _ => {}
        }
    }

    /// Whether a selector of this map says itself that it is about other namespaces.
    fn is_elsewhere(&self, map: &Map<String, Value>) -> bool {
        let Some(own) = self.object.namespace() else { return false };
        let other = |names: &Value| {
            names.as_array().is_some_and(|names| !names.is_empty() && !names.iter().any(|name| name == own))
        };
        let selector = map.get("namespaceSelector");
        let named =
            selector.and_then(|selector| selector.pointer("/matchLabels/kubernetes.io~1metadata.name"));
        map.get("namespaces").is_some_and(other)
            || selector.and_then(|selector| selector.get("matchNames")).is_some_and(other)
            || named.is_some_and(|named| named != own)
    }

    fn add(&mut self, field: String, selector: Value) {
        let (object, target) = (self.object, self.target);
        self.selects.push(Select { object, field, target, selector });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(value: Value) -> Vec<String> {
        let object = Object::new(value).unwrap();
        of(&object).iter().map(|select| format!("{} {select}", select.field)).collect()
    }

    #[test]
    fn every_selector_of_pods_is_found_with_its_place() {
        let term =
            |value: &str| json!({"labelSelector": {"matchLabels": {"a": value}}, "topologyKey": "host"});
        let pod = json!({"spec": {
            "affinity": {
                "nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {
                    "nodeSelectorTerms": [{"matchExpressions": [{"key": "zone", "operator": "Exists"}]}]}},
                "podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term("1")]},
                "podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution":
                    [{"weight": 1, "podAffinityTerm": term("2")}]},
            },
            "topologySpreadConstraints": [term("3")],
        }});
        let deployment = json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "w"},
            "spec": {"selector": {"matchLabels": {"app": "w"}}, "template": pod,
                "volumeClaimTemplates": [{"spec": {"selector": {"matchLabels": {"disk": "fast"}}}}]}});
        assert_eq!(
            fields(deployment),
            [
                "spec.selector app=w",
                "spec.template.spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].labelSelector a=1",
                "spec.template.spec.affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].podAffinityTerm.labelSelector a=2",
                "spec.template.spec.topologySpreadConstraints[0].labelSelector a=3",
            ]
        );
        let policy = json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
            "metadata": {"name": "n", "namespace": "shop"}, "spec": {
                "podSelector": {"matchExpressions": [
                    {"key": "track", "operator": "NotIn", "values": ["canary"]}, {"key": "x", "operator": "DoesNotExist"}]},
                "ingress": [{"from": [{"podSelector": {"matchLabels": {"app": "w"}}},
                    {"podSelector": {"matchLabels": {"app": "p"}},
                        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}]}],
                "egress": [{"to": [{"podSelector": {}, "namespaceSelector": {"matchLabels": {"a": "b"}}}]}]}});
        assert_eq!(
            fields(policy),
            ["spec.podSelector track notin (canary),!x", "spec.ingress[0].from[0].podSelector app=w"]
        );
        let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"},
            "spec": {"selector": {"app": "w"}}});
        assert_eq!(fields(service), ["spec.selector app=w"]);
        let claim = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "s"},
            "spec": {"selector": {"matchLabels": {"app": "w"}}}});
        assert!(fields(claim).is_empty());
    }

    #[test]
    fn a_monitor_says_what_it_selects_and_where() {
        let monitor = |kind: &str, names: Value| {
            Object::new(json!({"apiVersion": "monitoring.coreos.com/v1", "kind": kind,
                "metadata": {"name": "m", "namespace": "shop"},
                "spec": {"selector": {"matchLabels": {"app": "w"}}, "namespaceSelector": {"matchNames": names}}}))
            .unwrap()
        };
        for (kind, target) in [("ServiceMonitor", Target::Services), ("PodMonitor", Target::Pods)] {
            let own = monitor(kind, json!(["shop"]));
            assert_eq!(of(&own).first().map(|select| select.target), Some(target));
            assert!(of(&monitor(kind, json!(["other"]))).is_empty());
        }
    }
}
