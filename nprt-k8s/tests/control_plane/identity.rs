//! As whom we are there: contexts, credential plugins, impersonation, the service account of a pod.

use std::path::{Path, PathBuf};
use std::process::Command;

use nprt_core::model::ServiceName;
use nprt_core::ports::{Cluster, Takeover};
use nprt_core::{Error, ErrorKind};
use nprt_k8s::{Impersonate, KubernetesCluster, KubernetesConfig};
use nprt_testkit::{Kubectl, Missing, need};
use serde_json::{Value, json};

use crate::world::{World, as_user, connect, deployment, request};

fn cart() -> ServiceName {
    ServiceName::new("cart").unwrap()
}

fn kubeconfig(user: &Kubectl) -> Value {
    serde_json::from_slice(&std::fs::read(user.kubeconfig()).unwrap()).unwrap()
}

fn token(user: &Kubectl) -> String {
    kubeconfig(user)["users"][0]["user"]["token"].as_str().unwrap().to_owned()
}

/// Writes a kubeconfig, and names it.
fn configured(folder: &Path, content: &Value) -> KubernetesConfig {
    let path = folder.join("kubeconfig");
    std::fs::write(&path, content.to_string()).unwrap();
    KubernetesConfig { kubeconfig: Some(path), ..KubernetesConfig::default() }
}

fn forbidden(error: &Error, user: &str) {
    assert_eq!(error.kind(), ErrorKind::Forbidden, "{error:?}");
    assert!(error.message().contains(&format!("User {user:?}")), "{error:?}");
}

/// Two contexts of one kubeconfig, in one process: each is somebody else, elsewhere.
#[tokio::test]
async fn a_context_says_who_and_where() {
    let Some(blue) = World::new("blue").await else { return };
    let Some(green) = World::new("green").await else { return };
    let mut both = kubeconfig(&blue.user);
    both["users"] = json!([{"name": "blue", "user": {"token": token(&blue.user)}},
        {"name": "green", "user": {"token": token(&green.user)}}]);
    let cluster = both["clusters"][0]["name"].clone();
    let context = |name: &str, world: &World| json!({"name": name, "context": {"cluster": cluster, "user": name, "namespace": world.namespace}});
    both["contexts"] = json!([context("blue", &blue), context("green", &green)]);
    both["current-context"] = json!("blue");
    let folder = tempfile::tempdir().unwrap();
    let config = configured(folder.path(), &both);
    let of = |context: &str| KubernetesConfig { context: Some(context.to_owned()), ..config.clone() };

    let (first, second) = (connect(config.clone()).await, connect(of("green")).await);
    assert_eq!((first.namespace(), second.namespace()), (blue.namespace.clone(), green.namespace.clone()));
    for (cluster, world, other) in [(&first, &blue, &green), (&second, &green, &blue)] {
        let lease = cluster.acquire(&request("cart", "test", Takeover::WhenExpired)).await.unwrap();
        cluster.apply(&lease, &deployment("cart")).await.unwrap();
        assert_eq!(world.admin(&["get", "deployments", "-o", "name"]).await, "deployment.apps/cart\n");
        let mut elsewhere = deployment("cart").id();
        elsewhere.namespace = Some(other.namespace.clone());
        let account = format!("system:serviceaccount:{}:nprt", world.namespace);
        forbidden(&cluster.get(&elsewhere).await.unwrap_err(), &account);
    }
    let error = KubernetesCluster::builder(of("red")).build().await.unwrap_err();
    assert_eq!(
        (error.kind(), error.available()),
        (ErrorKind::NotFound, &["blue".to_owned(), "green".to_owned()][..])
    );
}

/// Prints what is in the file `credential` beside it, and notes that it ran; only where it is told for which
/// cluster, by the arguments and the environment that the kubeconfig gives it.
const PLUGIN: &str = r#"#!/bin/sh
cd "$(dirname "$0")" && echo >>runs
case "$1 $AUDIENCE $KUBERNETES_EXEC_INFO" in
  'login nprt {'*'"server":"https://127.0.0.1:'*) cat credential ;;
  *) echo "called as: $*" >&2; exit 1 ;;
esac
"#;

/// Makes the plugin print `token`, good until `expires`.
fn credential(folder: &Path, token: &str, expires: &str) {
    let status = json!({"token": token, "expirationTimestamp": expires});
    let credential =
        json!({"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status});
    std::fs::write(folder.join("credential"), credential.to_string()).unwrap();
}

#[tokio::test]
async fn a_credential_plugin_is_asked_again_when_its_token_expires() {
    let Some(world) = World::new("plugin").await else { return };
    let nobody = world.plane.service_account(&world.namespace, "nobody").await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let plugin = folder.path().join("plugin");
    std::fs::write(&plugin, PLUGIN).unwrap();
    let mut content = kubeconfig(&world.user);
    content["users"][0]["user"] = json!({"exec": {"apiVersion": "client.authentication.k8s.io/v1",
        "command": "sh", "args": [plugin, "login"], "env": [{"name": "AUDIENCE", "value": "nprt"}],
        "interactiveMode": "Never", "provideClusterInfo": true}});
    let config =
        KubernetesConfig { namespace: Some(world.namespace.clone()), ..configured(folder.path(), &content) };
    let runs = || std::fs::read_to_string(folder.path().join("runs")).unwrap().lines().count();

    credential(folder.path(), &token(&nobody), "2020-01-01T00:00:00Z");
    let cluster = connect(config.clone()).await;
    let error = cluster.list(&cart()).await.unwrap_err();
    forbidden(&error, &format!("system:serviceaccount:{}:nobody", world.namespace));
    credential(folder.path(), &token(&world.user), "2100-01-01T00:00:00Z");
    assert_eq!(cluster.list(&cart()).await.unwrap(), [], "the same client has the new token");
    let before = runs();
    assert!(before >= 3, "{before} runs");
    cluster.list(&cart()).await.unwrap();
    assert_eq!(runs(), before, "this one lasts");

    for secret in [token(&nobody), token(&world.user)] {
        assert!(!format!("{cluster:?} {config:?} {error:?} {error}").contains(&secret));
    }
}

/// Everything that the config says of somebody else.
fn acting_as(user: &str, groups: &[&str]) -> Option<Impersonate> {
    Some(Impersonate {
        user: user.to_owned(),
        groups: groups.iter().map(|&group| group.to_owned()).collect(),
    })
}

#[tokio::test]
async fn who_may_impersonate_acts_as_somebody_else() {
    let Some(world) = World::new("acting").await else { return };
    let namespace = &world.namespace;
    let front = world.plane.service_account(namespace, "front").await.unwrap();
    let me = format!("system:serviceaccount:{namespace}:front");
    let account = format!("--serviceaccount={namespace}:front");
    let worker = format!("system:serviceaccount:{namespace}:nprt");
    let deployers = format!("{namespace}-deployers");
    // The worker of this namespace; and, of the whole cluster, one user in two groups.
    let accounts = ["--verb=impersonate", "--resource=serviceaccounts", "--resource-name=nprt"];
    world.admin(&[&["create", "role", "front"][..], &accounts].concat()).await;
    world.admin(&["create", "rolebinding", "front", "--role=front", &account]).await;
    let rules = json!([{"apiGroups": [""], "resources": ["users"], "resourceNames": ["jane"], "verbs": ["impersonate"]},
        {"apiGroups": [""], "resources": ["groups"], "resourceNames": [deployers, "staff"], "verbs": ["impersonate"]}]);
    let role = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
        "metadata": {"name": namespace}, "rules": rules});
    world.admin_with_input(&["create", "-f", "-"], &role.to_string()).await;
    let role = format!("--clusterrole={namespace}");
    world.admin(&["create", "clusterrolebinding", namespace, &role, &account]).await;
    world
        .admin(&["create", "rolebinding", "deployers", "--clusterrole=nprt", &format!("--group={deployers}")])
        .await;

    // The server knows a binding a moment after it was made.
    let group = format!("--as-group={deployers}");
    let may = ["-n", namespace, "auth", "can-i", "list", "secrets", "--as=jane", &group];
    while world.plane.kubectl().run(&may).await.is_err() {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }

    let plain = as_user(&front, namespace);
    let list = async |impersonate: Option<Impersonate>| {
        connect(KubernetesConfig { impersonate, ..plain.clone() }).await.list(&cart()).await
    };
    forbidden(&list(None).await.unwrap_err(), &me);
    assert_eq!(list(acting_as(&worker, &[])).await.unwrap(), []);
    assert_eq!(list(acting_as("jane", &["staff", &deployers])).await.unwrap(), []);
    forbidden(&list(acting_as("jane", &["staff"])).await.unwrap_err(), "jane");
    for (user, groups) in [("joe", &[][..]), ("jane", &["system:masters"][..])] {
        let error = list(acting_as(user, groups)).await.unwrap_err();
        forbidden(&error, &me);
        assert!(error.message().contains("cannot impersonate"), "{error}");
    }
    // As kubectl has it; what the configuration says goes before.
    let folder = tempfile::tempdir().unwrap();
    let mut content = kubeconfig(&front);
    content["users"][0]["user"]["as"] = json!("jane");
    content["users"][0]["user"]["as-groups"] = json!([deployers]);
    let written =
        KubernetesConfig { namespace: Some(namespace.clone()), ..configured(folder.path(), &content) };
    assert_eq!(connect(written.clone()).await.list(&cart()).await.unwrap(), []);
    let again = KubernetesConfig { impersonate: acting_as("jane", &["staff"]), ..written };
    forbidden(&connect(again).await.list(&cart()).await.unwrap_err(), "jane");
}

/// Says to the same test in a process of its own that it is in a pod.
const IN_POD: &str = "NPRT_TEST_IN_POD";

/// A pod's files, in a process that sees a `/run` of its own; and one without them.
#[tokio::test]
async fn in_a_pod_it_is_the_service_account_of_the_pod() {
    if let Ok(namespace) = std::env::var(IN_POD) {
        return in_pod(&namespace).await;
    }
    let Some(world) = World::new("pod").await else { return };
    let folder = tempfile::tempdir().unwrap();
    let cluster = kubeconfig(&world.user)["clusters"][0]["cluster"].clone();
    std::fs::copy(cluster["certificate-authority"].as_str().unwrap(), folder.path().join("ca.crt")).unwrap();
    std::fs::write(folder.path().join("token"), token(&world.user)).unwrap();
    std::fs::write(folder.path().join("namespace"), &world.namespace).unwrap();
    let server: http::Uri = cluster["server"].as_str().unwrap().parse().unwrap();
    let pod = |files: PathBuf, namespace: String| {
        let port = server.port_u16().unwrap().to_string();
        move || run_in_pod(&files, &namespace, &port)
    };
    for process in
        [pod(folder.path().to_owned(), world.namespace.clone()), pod(PathBuf::new(), String::new())]
    {
        let ran = tokio::task::spawn_blocking(process).await.unwrap();
        if need(ran).is_none() {
            return;
        }
    }
}

/// Runs the test again with `/run` of its own, which holds the files of a pod.
fn run_in_pod(files: &Path, namespace: &str, port: &str) -> Result<(), Missing> {
    let script = r#"mount -t tmpfs none /run || exit 99
        to=/run/secrets/kubernetes.io/serviceaccount; mkdir -p $to
        [ -z "$0" ] || cp "$0"/ca.crt "$0"/token "$0"/namespace $to
        exec "$@""#;
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script]).arg(files);
    command.arg(std::env::current_exe().unwrap()).args(["--exact", "--nocapture"]);
    command.arg("identity::in_a_pod_it_is_the_service_account_of_the_pod");
    command.env("KUBERNETES_SERVICE_HOST", "127.0.0.1").env("KUBERNETES_SERVICE_PORT", port);
    command.env(IN_POD, namespace).env("KUBECONFIG", "/nowhere");
    let missing = |why: &dyn std::fmt::Display| Missing::new("a mount namespace", why);
    let output = command.output().map_err(|error| missing(&error))?;
    let said =
        [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned()).concat();
    if output.status.code() == Some(99) || said.contains("unshare: ") {
        return Err(missing(&said));
    }
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
    Ok(())
}

async fn in_pod(namespace: &str) {
    let config = KubernetesConfig { in_cluster: true, ..KubernetesConfig::default() };
    if namespace.is_empty() {
        let error = KubernetesCluster::builder(config).build().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error:?}");
        assert!(error.message().contains("no service account of a pod"), "{error:?}");
        return;
    }
    let cluster = connect(config.clone()).await;
    assert_eq!(cluster.namespace(), namespace);
    let lease = cluster.acquire(&request("cart", "pod", Takeover::WhenExpired)).await.unwrap();
    cluster.apply(&lease, &deployment("cart")).await.unwrap();
    cluster.release(&lease).await.unwrap();
    let elsewhere = connect(KubernetesConfig { namespace: Some("default".to_owned()), ..config }).await;
    let error = elsewhere.list(&cart()).await.unwrap_err();
    forbidden(&error, &format!("system:serviceaccount:{namespace}:nprt"));
    let error = KubernetesCluster::builder(KubernetesConfig::default()).build().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "a pod has no kubeconfig: {error:?}");
}
