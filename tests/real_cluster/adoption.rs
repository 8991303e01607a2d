//! The first deploy, or canary, over objects that another tool made, and docs/adoption.md, which says what came of
//! each. With `NPRT_ADOPTION=write` that file is written, otherwise compared.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use futures_util::StreamExt as _;
use nprt::model::ServiceName;
use nprt::pipeline::Service;
use serde_json::{Value, json};

use crate::world::World;

/// How each tool makes objects: its name, and kubectl's command for the same requests under the same field manager.
const TOOLS: [(&str, &[&str]); 5] = [
    ("`kubectl apply`", &["apply"]),
    ("`kubectl apply --server-side`", &["apply", "--server-side"]),
    ("`kubectl create`", &["create"]),
    ("Helm 3", &["create", "--field-manager=helm"]),
    ("Helm 4", &["apply", "--server-side", "--field-manager=helm"]),
];
const FIRST: [&str; 2] = ["Deploy first", "Canary first"];
/// How many cells run at a time.
const AT_ONCE: usize = 8;

const DEPLOYMENT: usize = 0;
const SERVICE: usize = 1;

/// What the manifest changes, next to what the tool made.
struct Edit {
    name: &'static str,
    object: usize,
    field: &'static str,
    old: Value,
    new: Value,
}

fn edits() -> Vec<Edit> {
    let of = |name, object, field, old, new| Edit { name, object, field, old, new };
    let container = "/spec/template/spec/containers/0";
    let (a, b) = (json!({"name": "A", "value": "1"}), json!({"name": "B", "value": "1"}));
    vec![
        of(
            "a container's port",
            DEPLOYMENT,
            "/spec/template/spec/containers/0/ports",
            json!([{"name": "http", "containerPort": 80}]),
            json!([{"name": "http", "containerPort": 8080}]),
        ),
        of(
            "a probe's type",
            DEPLOYMENT,
            "/spec/template/spec/containers/0/livenessProbe",
            json!({"httpGet": {"path": "/", "port": 80}}),
            json!({"exec": {"command": ["x"]}}),
        ),
        of(
            "a volume's type",
            DEPLOYMENT,
            "/spec/template/spec/volumes",
            json!([{"name": "v", "emptyDir": {}}]),
            json!([{"name": "v", "secret": {"secretName": "x", "optional": true}}]),
        ),
        of(
            "a Service's port",
            SERVICE,
            "/spec/ports",
            json!([{"name": "http", "port": 80, "targetPort": 8080}]),
            json!([{"name": "http", "port": 8080, "targetPort": 8080}]),
        ),
        of(
            "`strategy: {type: Recreate}`",
            DEPLOYMENT,
            "/spec/strategy",
            Value::Null,
            json!({"type": "Recreate"}),
        ),
        of(
            "a variable removed",
            DEPLOYMENT,
            "/spec/template/spec/containers/0/env",
            json!([a, b]),
            json!([a]),
        ),
        of(
            "a variable's value",
            DEPLOYMENT,
            "/spec/template/spec/containers/0/env",
            json!([a]),
            json!([{"name": "A", "value": "2"}]),
        ),
        of(
            "a label removed",
            DEPLOYMENT,
            "/metadata/labels",
            json!({"team": "a", "tier": "web"}),
            json!({"team": "a"}),
        ),
        of(
            "a container renamed",
            DEPLOYMENT,
            container,
            json!({"name": "c", "image": "registry.invalid/shop/web:old"}),
            json!({"name": "web", "image": "registry.invalid/shop/web"}),
        ),
    ]
}

/// One tool's objects, one edit, and what comes first.
struct Cell {
    tool: usize,
    edit: usize,
    first: usize,
}

impl Cell {
    fn name(&self) -> String {
        format!("t{}-e{}-f{}", self.tool, self.edit, self.first)
    }

    /// A Deployment and its Service, as the tool made them, or as the manifest has them.
    fn objects(&self, edit: &Edit, is_new: bool) -> [Value; 2] {
        let name = self.name();
        let image = format!("registry.invalid/shop/web{}", if is_new { "" } else { ":old" });
        let mut objects = [
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "labels": {}},
                "spec": {"replicas": 1, "selector": {"matchLabels": {"app": name}}, "template": {
                    "metadata": {"labels": {"app": name}},
                    "spec": {"containers": [{"name": "c", "image": image}]}}}}),
            json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "labels": {}},
                "spec": {"selector": {"app": name}, "ports": [{"name": "http", "port": 80}]}}),
        ];
        let (parent, field) = edit.field.rsplit_once('/').unwrap();
        let place = objects[edit.object].pointer_mut(parent).unwrap();
        let value = if is_new { &edit.new } else { &edit.old }.clone();
        match (place, value) {
            (_, Value::Null) => {}
            (Value::Array(items), value) => items[field.parse::<usize>().unwrap()] = value,
            (place, value) => place[field] = value,
        }
        if !is_new && TOOLS[self.tool].0.starts_with("Helm") {
            for object in &mut objects {
                object["metadata"]["labels"]["app.kubernetes.io/managed-by"] = json!("Helm");
                object["metadata"]["annotations"] =
                    json!({"meta.helm.sh/release-name": name, "meta.helm.sh/release-namespace": "x"});
            }
        }
        objects
    }

    /// What came of it, in a few words.
    async fn outcome(&self, world: &Arc<World>, edit: &Edit) -> String {
        match self.run(world, edit).await {
            Ok(()) => "taken over".to_owned(),
            Err(fault) => fault,
        }
    }

    async fn run(&self, world: &Arc<World>, edit: &Edit) -> Result<(), String> {
        let name = self.name();
        let manifests = self.objects(edit, true).map(|object| object.to_string()).join("\n---\n");
        let revision = world.commit(&manifests);
        let nprt = world.process_of(Service::new(ServiceName::new(&name).unwrap())).await;
        let deployment = format!("deployment/{name}");
        if self.first == 0 {
            nprt.deploy(&revision).await.map_err(|error| format!("deploy refused: {error}"))?;
        } else {
            let before = world.object(&deployment).await;
            nprt.canary(&revision).await.map_err(|error| format!("canary refused: {error}"))?;
            if world.object(&deployment).await["metadata"]["generation"] != before["metadata"]["generation"] {
                return Err("the canary changed stable".to_owned());
            }
            nprt.promote(&revision).await.map_err(|error| format!("promotion refused: {error}"))?;
        }
        let kind = ["deployment", "service"][edit.object];
        let live = world.object(&format!("{kind}/{name}")).await;
        let value = live.pointer(edit.field).unwrap_or(&Value::Null);
        if !is_edited(value, &edit.old, &edit.new) {
            return Err(format!("not as the manifest has it: {value}"));
        }
        let again =
            nprt.deploy(&revision).await.map_err(|error| format!("second deploy refused: {error}"))?;
        match again.applied.iter().find(|applied| applied.change != nprt::ports::Change::Unchanged) {
            Some(changed) => Err(format!("changed again: {changed:?}")),
            None => Ok(()),
        }
    }
}

/// Whether `live` has all of `new`, and nothing that `old` alone has.
fn is_edited(live: &Value, old: &Value, new: &Value) -> bool {
    match (live, new) {
        (Value::Object(live), Value::Object(new)) => {
            let kept = |(field, value): (&String, &Value)| {
                live.get(field)
                    .is_some_and(|live| is_edited(live, old.get(field).unwrap_or(&Value::Null), value))
            };
            let gone = |field: &String| new.contains_key(field) || !live.contains_key(field);
            new.iter().all(kept) && old.as_object().is_none_or(|old| old.keys().all(gone))
        }
        (Value::Array(live), Value::Array(new)) => {
            let has =
                |items: &[Value], item: &Value| items.iter().any(|live| is_edited(live, &Value::Null, item));
            let mut old = old.as_array().into_iter().flatten();
            new.iter().all(|item| has(live, item)) && old.all(|item| has(new, item) || !has(live, item))
        }
        // The image of a version has a tag.
        (Value::String(live), Value::String(new)) => live == new || live.starts_with(&format!("{new}:")),
        _ => live == new,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_of_other_tools_are_taken_over() {
    let Some(world) = World::new("adoption").await else { return };
    let edits = edits();
    let cells = || {
        (0..FIRST.len()).flat_map(|first| {
            let edits = 0..self::edits().len();
            edits.flat_map(move |edit| (0..TOOLS.len()).map(move |tool| Cell { tool, edit, first }))
        })
    };
    let mut kubectl = Vec::new();
    for (tool, (_, command)) in TOOLS.iter().enumerate() {
        let of = |is_new: bool, first: usize| {
            let cells = cells().filter(|cell| cell.tool == tool && cell.first <= first);
            let objects: Vec<Value> =
                cells.flat_map(|cell| cell.objects(&edits[cell.edit], is_new)).collect();
            json!({"apiVersion": "v1", "kind": "List", "items": objects}).to_string()
        };
        world.kubectl_makes(command, &of(false, 1)).await;
        // What kubectl itself would say to the manifests.
        let dry = ["-n", &world.namespace, "apply", "--dry-run=server", "-f", "-"];
        let answer = world.plane.kubectl().run_with_input(&dry, &of(true, 0)).await;
        kubectl.push(answer.err().map(|error| error.to_string()).unwrap_or_default());
    }
    let world = &world;
    let edits = &edits;
    let outcomes: Vec<String> = futures_util::stream::iter(cells())
        .map(|cell| async move { cell.outcome(world, &edits[cell.edit]).await })
        .buffered(AT_ONCE)
        .collect()
        .await;
    let mut page = HEAD.to_owned();
    let mut outcomes = outcomes.into_iter();
    let mut failures = Vec::new();
    for first in FIRST {
        let _ = write!(page, "\n## {first}\n\n| the manifest changes |");
        TOOLS.iter().for_each(|(tool, _)| _ = write!(page, " {tool} |"));
        let _ = write!(page, "\n|---|{}\n", "---|".repeat(TOOLS.len()));
        for (n, edit) in edits.iter().enumerate() {
            let _ = write!(page, "| {} |", edit.name);
            for (tool, (name, _)) in TOOLS.iter().enumerate() {
                let outcome = outcomes.next().unwrap();
                let refused = kubectl[tool].contains(&format!("\"t{tool}-e{n}-f0\""));
                let _ = write!(page, " {outcome}{} |", if refused { " ¹" } else { "" });
                if outcome != "taken over" {
                    failures.push(format!("{first}, {name}, {}: {outcome}", edit.name));
                }
            }
            page.push('\n');
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    compare(&page);
}

const HEAD: &str = "# Adoption

What happens when the first deploy, or the first canary and its promotion, meets objects that another tool made.
`tests/real_cluster/adoption.rs` runs every cell on a real control plane and compares the result with this file;
`NPRT_ADOPTION=write` rewrites it.

*Taken over*: the manifest's value is live, fields that the tool set and the manifest lacks are gone, and a second deploy
changes nothing. A first canary leaves the tool's Deployment as it is; the promotion takes it over and says whose
fields it takes. ¹: `kubectl apply` refuses the same manifest over the same object.

Fields of other managers stay: controllers, operators, and tools that keep applying (Argo CD, Flux). If their values
differ from the manifest's, the deploy is refused, naming manager and field; `force_conflicts` lists managers to
override. The manifest overrides what people changed with kubectl before the first deploy (`kubectl set`, `edit`, `scale`);
fields that it does not name keep their values.
";

fn compare(page: &str) {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/adoption.md");
    if std::env::var_os("NPRT_ADOPTION").is_some_and(|what| what == "write") {
        std::fs::write(&file, page).unwrap();
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(page == kept, "docs/adoption.md says something else; NPRT_ADOPTION=write writes:\n{page}");
}
