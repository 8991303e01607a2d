//! Every right of the recommended roles is needed: whoever has all of them but one fails for want of that one,
//! where all of them serve. The cases are generated from `role.yaml` and `role-extra.yaml`; what each does is in
//! `scenario.rs`.

mod sample;
mod scenario;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use futures_util::StreamExt;
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec};
use kube::api::{Api, PostParams};
use serde_json::{Value, json};

use crate::world::World;
use sample::NO_RIGHTS;
use scenario::{Shared, scenario};

/// How many cases run at once.
const AT_ONCE: usize = 8;

/// The recommended roles, and whether they are of the whole cluster.
const ROLES: [(&str, bool); 3] = [("nprt", false), ("nprt-extra", false), ("nprt-extra-cluster", true)];

/// One verb on one resource of one group, in a namespace or everywhere.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Right {
    everywhere: bool,
    group: String,
    resource: String,
    verb: String,
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { group, resource, verb, .. } = self;
        let dot = if group.is_empty() { "" } else { "." };
        write!(f, "{verb} {resource}{dot}{group}")
    }
}

impl Right {
    /// As a part of names.
    fn slug(&self) -> String {
        self.to_string().replace([' ', '/', '.'], "-")
    }

    /// Who has all rights but this one; the name of their roles too.
    fn user(&self) -> String {
        format!("all-but-{}", self.slug())
    }

    /// How the API server says that it is missing.
    fn refusal(&self) -> String {
        format!("cannot {} resource {:?} in API group {:?}", self.verb, self.resource, self.group)
    }
}

/// The rights of a role; its rules name neither single objects nor paths.
fn rights(role: &Value, everywhere: bool) -> BTreeSet<Right> {
    let texts = |rule: &Value, field: &str| -> Vec<String> {
        let list = rule[field].as_array().unwrap_or_else(|| panic!("no {field}: {rule}"));
        list.iter().map(|text| text.as_str().unwrap().to_owned()).collect()
    };
    let mut rights = BTreeSet::new();
    for rule in role["rules"].as_array().unwrap() {
        assert_eq!(rule.as_object().unwrap().len(), 3, "a rule of another form: {rule}");
        for group in texts(rule, "apiGroups") {
            for resource in texts(rule, "resources") {
                for verb in texts(rule, "verbs") {
                    let (group, resource) = (group.clone(), resource.clone());
                    assert!([&group, &resource, &verb].iter().all(|text| *text != "*"), "{rule}");
                    rights.insert(Right { everywhere, group, resource, verb });
                }
            }
        }
    }
    rights
}

/// Roles with all of `rights` but one, and their bindings to a user of the same name.
fn without(rights: &BTreeSet<Right>, missing: &Right) -> Vec<Value> {
    let mut rules = BTreeMap::<_, BTreeMap<_, Vec<&str>>>::new();
    for right in rights.iter().filter(|right| *right != missing) {
        let resources = rules.entry(right.everywhere).or_default();
        resources.entry((&right.group, &right.resource)).or_default().push(&right.verb);
    }
    let (api, name) = ("rbac.authorization.k8s.io", missing.user());
    let version = format!("{api}/v1");
    let role = |(everywhere, resources): (bool, BTreeMap<_, _>)| {
        let kind = if everywhere { "ClusterRole" } else { "Role" };
        let rule = |((group, resource), verbs)| json!({"apiGroups": [group], "resources": [resource], "verbs": verbs});
        let rules: Vec<_> = resources.into_iter().map(rule).collect();
        [
            json!({"apiVersion": version, "kind": kind, "metadata": {"name": name}, "rules": rules}),
            json!({"apiVersion": version, "kind": format!("{kind}Binding"), "metadata": {"name": name},
                "roleRef": {"apiGroup": api, "kind": kind, "name": name},
                "subjects": [{"apiGroup": api, "kind": "User", "name": name}]}),
        ]
    };
    rules.into_iter().flat_map(role).collect()
}

/// What the API server's authorizer thinks.
struct Authorizer {
    reviews: Api<SubjectAccessReview>,
    namespace: String,
}

impl Authorizer {
    async fn new(world: &World) -> Self {
        let file = kube::config::Kubeconfig::read_from(world.plane.kubeconfig()).unwrap();
        let config = kube::Config::from_custom_kubeconfig(file, &Default::default()).await.unwrap();
        let reviews = Api::all(kube::Client::try_from(config).unwrap());
        Self { reviews, namespace: world.namespace.clone() }
    }

    async fn allows(&self, user: &str, right: &Right) -> bool {
        let (resource, subresource) = match right.resource.split_once('/') {
            Some((resource, part)) => (resource, Some(part.to_owned())),
            None => (right.resource.as_str(), None),
        };
        let resource_attributes = Some(ResourceAttributes {
            group: Some(right.group.clone()),
            resource: Some(resource.to_owned()),
            subresource,
            verb: Some(right.verb.clone()),
            namespace: (!right.everywhere).then(|| self.namespace.clone()),
            ..ResourceAttributes::default()
        });
        let user = Some(user.to_owned());
        let spec =
            SubjectAccessReviewSpec { resource_attributes, user, ..SubjectAccessReviewSpec::default() };
        let review = SubjectAccessReview { spec, ..SubjectAccessReview::default() };
        let answer = self.reviews.create(&PostParams::default(), &review).await.unwrap();
        answer.status.unwrap().allowed
    }

    /// Waits until it knows the roles of the user who has all of `rights` but one.
    async fn knows(&self, rights: &BTreeSet<Right>, missing: &Right) {
        let user = missing.user();
        for everywhere in [false, true] {
            let mut others = rights.iter().filter(|right| *right != missing);
            let other = others.find(|right| right.everywhere == everywhere).unwrap();
            while !self.allows(&user, other).await {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        assert!(!self.allows(&user, missing).await, "{user} has it by another way");
    }
}

/// Fails, saying why, unless `right` is needed by its scenario.
async fn check(shared: &Shared, right: &Right) -> Result<(), String> {
    let Some(scenario) = scenario(right) else {
        return Err(format!(
            "{right}: no scenario needs it: take it out of the role, or add one to scenario.rs"
        ));
    };
    let world = &shared.world;
    let limited = world.impersonating(&right.user()).await;
    scenario.prepare(shared, right).await;
    scenario
        .fails_without(shared, right, &*limited)
        .await
        .map_err(|why| format!("{right}: taken away: {why}"))?;
    scenario.goes_with_all(shared, right).await.map_err(|why| format!("{right}: with all rights: {why}"))
}

/// Gives nprt the extra roles, and makes one without rights, for bindings.
async fn bind_extra(world: &World) {
    let roles = include_str!("../../../role-extra.yaml");
    let nothing = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
        "metadata": {"name": NO_RIGHTS}, "rules": []});
    for content in [roles, &nothing.to_string()] {
        world.admin_with_input(&["apply", "--server-side", "-f", "-"], content).await;
    }
    let account = format!("--serviceaccount={}:nprt", world.namespace);
    for (role, everywhere) in &ROLES[1..] {
        let (kind, role) = (if *everywhere { "clusterrolebinding" } else { "rolebinding" }, *role);
        world.admin(&["create", kind, role, &format!("--clusterrole={role}"), &account]).await;
    }
}

/// The kinds of the Prometheus operator that select pods and Services.
async fn install_monitors(world: &World) {
    for (kind, plural) in [("PodMonitor", "podmonitors"), ("ServiceMonitor", "servicemonitors")] {
        let version = json!({"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema":
            {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}});
        let definition = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": format!("{plural}.monitoring.coreos.com")},
            "spec": {"group": "monitoring.coreos.com", "scope": "Namespaced", "versions": [version],
                "names": {"kind": kind, "plural": plural, "singular": kind.to_lowercase()}}});
        world.admin_with_input(&["apply", "--server-side", "-f", "-"], &definition.to_string()).await;
        let established = format!("crd/{plural}.monitoring.coreos.com");
        world.admin(&["wait", "--for=condition=established", &established, "--timeout=60s"]).await;
    }
}

#[tokio::test]
async fn every_right_of_the_role_is_needed() {
    let Some(world) = World::new("rights").await else { return };
    world.plane.install_http_routes().await.unwrap();
    install_monitors(&world).await;
    bind_extra(&world).await;
    let mut rights = BTreeSet::new();
    for (role, everywhere) in ROLES {
        let role = world.admin(&["get", "clusterrole", role, "-o", "json"]).await;
        rights.extend(self::rights(&serde_json::from_str(&role).unwrap(), everywhere));
    }
    let roles: Vec<_> = rights.iter().flat_map(|right| without(&rights, right)).collect();
    let list = json!({"apiVersion": "v1", "kind": "List", "items": roles});
    world.admin_with_input(&["create", "-f", "-"], &list.to_string()).await;

    let (authorizer, shared) = (Authorizer::new(&world).await, Shared::new(world).await);
    let cases = rights.iter().map(async |right| {
        authorizer.knows(&rights, right).await;
        check(&shared, right).await
    });
    let done: Vec<_> = futures_util::stream::iter(cases).buffer_unordered(AT_ONCE).collect().await;
    let failed: Vec<String> = done.into_iter().filter_map(Result::err).collect();
    assert!(
        !rights.is_empty() && failed.is_empty(),
        "{} of {} rights:\n{}",
        failed.len(),
        rights.len(),
        failed.join("\n")
    );
}
