//! deployer on Kubernetes, as its README installs it: the manifests on a real control plane, and deployer with the rights
//! that they give it, deploying them.

use std::path::{Path, PathBuf};

use nprt_testkit::{ControlPlane, Kubectl, need};
use serde_json::Value;

use crate::support::{HERE, Server, commits, images};

const IMAGE: &str = "ghcr.io/nprt/deployer";

#[tokio::test(flavor = "multi_thread")]
async fn it_is_installed_by_two_commands_and_deploys_itself() {
    let Some(plane) = need(ControlPlane::shared().await) else { return };
    let admin = plane.kubectl();
    let commands = install_commands();
    assert_eq!(commands.len(), 2, "{commands:?}");
    for command in commands {
        run(&command, admin);
    }
    assert_eq!(running(admin, "deployer").await, (3, format!("{IMAGE}:v0.1.0")));

    // That the pods were accepted means something: others are not.
    let image = format!("--image={IMAGE}");
    let refused = admin.run(&["-n", "deployer", "run", "other", &image]).await.unwrap_err();
    assert!(refused.to_string().contains("violates PodSecurity"), "{refused}");

    let account = need(plane.known_service_account("deployer", "deployer").await).unwrap();
    let world = World::new(&account, admin).await;
    let server = Server::serve(&world.config, &world.token).await;
    let (first, second) = (world.tag(0), world.tag(1));

    let (status, done) = server.put(&format!("/deployer/deploy?tag={first}")).await;
    assert_eq!((status.as_u16(), done["tag"].as_str()), (200, Some(&*first)), "{done}");
    assert_eq!(done["applied"].as_array().unwrap().len(), 5, "{done}");
    assert_eq!(running(admin, "deployer").await, (3, format!("{IMAGE}:{first}")));

    let (status, done) = server.put(&format!("/deployer/canary?tag={second}")).await;
    assert_eq!((status.as_u16(), done["tag"].as_str()), (200, Some(&*second)), "{done}");
    assert_eq!(running(admin, "deployer-canary").await.1, format!("{IMAGE}:{second}"));
    assert_eq!(running(admin, "deployer").await, (3, format!("{IMAGE}:{first}")));
    let both =
        ["-n", "deployer", "get", "endpointslices", "-o", "jsonpath={.items[*].endpoints[*].targetRef.name}"];
    let both = admin.run(&both).await.unwrap();
    assert!(both.contains("deployer-canary-") && both.split_whitespace().count() > 3, "{both}");

    let (status, done) = server.put("/deployer/promote").await;
    assert_eq!((status.as_u16(), done["tag"].as_str()), (200, Some(&*second)), "{done}");
    assert_eq!(running(admin, "deployer").await, (3, format!("{IMAGE}:{second}")));
    let status = server.get("/deployer/status").await.1;
    assert_eq!((&status["canary"], &status["operation"]), (&Value::Null, &Value::Null), "{status}");

    // It may do nothing elsewhere before it is bound there.
    let may = ["auth", "can-i", "create", "deployments.apps", "-n", "default"];
    assert!(account.run(&may).await.is_err());
    run(&command_with("create rolebinding").replace("shop", "default"), admin);
    assert_eq!(account.run(&may).await.unwrap().trim(), "yes");
    assert!(account.run(&["auth", "can-i", "create", "clusterroles"]).await.is_err());
}

/// How many pods of a Deployment are ready, after its rollout, and their image.
async fn running(kubectl: &Kubectl, name: &str) -> (u64, String) {
    let rollout = ["-n", "deployer", "rollout", "status", "deployment", name, "--timeout=120s"];
    kubectl.run(&rollout).await.unwrap();
    let shown = kubectl.run(&["-n", "deployer", "get", "deployment", name, "-o", "json"]).await.unwrap();
    let shown: Value = serde_json::from_str(&shown).unwrap();
    let image = shown["spec"]["template"]["spec"]["containers"][0]["image"].as_str().unwrap();
    (shown["status"]["readyReplicas"].as_u64().unwrap(), image.to_owned())
}

/// The lines of the README that begin with `$` in its section about Kubernetes.
fn readme_commands() -> Vec<String> {
    let readme = std::fs::read_to_string(Path::new(HERE).join("README.md")).unwrap();
    let section = readme.split("\n## ").find(|section| section.starts_with("On Kubernetes")).unwrap();
    section.lines().filter_map(|line| line.strip_prefix("$ ")).map(str::to_owned).collect()
}

fn install_commands() -> Vec<String> {
    readme_commands().into_iter().take(2).collect()
}

fn command_with(text: &str) -> String {
    readme_commands().into_iter().find(|command| command.contains(text)).unwrap()
}

/// Runs a command as a person does, at the top of the repository.
fn run(command: &str, kubectl: &Kubectl) {
    let folder = kubectl.program().parent().unwrap().display().to_string();
    let output = std::process::Command::new("bash")
        .args(["-o", "pipefail", "-c", command])
        .current_dir(Path::new(HERE).join("../.."))
        .env("PATH", format!("{folder}:{}", std::env::var("PATH").unwrap()))
        .env("KUBECONFIG", kubectl.kubeconfig())
        .output()
        .unwrap();
    assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
}

/// The shipped configuration, with a repository and images that are here, and the account of the manifests.
struct World {
    _folder: tempfile::TempDir,
    config: PathBuf,
    token: String,
    commits: Vec<String>,
}

impl World {
    async fn new(account: &Kubectl, admin: &Kubectl) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        let manifests = at.join("repository/examples/deployer/kubernetes");
        std::fs::create_dir_all(&manifests).unwrap();
        for file in std::fs::read_dir(Path::new(HERE).join("kubernetes")).unwrap() {
            let file = file.unwrap();
            std::fs::copy(file.path(), manifests.join(file.file_name())).unwrap();
        }
        let commits = commits(&at.join("repository"));

        let get = async |what: &str, template: &str| {
            let template = format!("go-template={template}");
            admin.run(&["-n", "deployer", "get", what, "deployer", "-o", &template]).await.unwrap()
        };
        let token = get("secret", "{{.data.ci | base64decode}}").await;
        std::fs::write(at.join("ci"), &token).unwrap();
        let mut config = get("configmap", r#"{{index .data "deployer.yml"}}"#).await;
        let cluster = format!("kubeconfig: {}, namespace: deployer", account.kubeconfig().display());
        for (theirs, here) in [
            ("/run/secrets/deployer", at.display().to_string()),
            ("/var/cache/deployer", at.join("cache").display().to_string()),
            ("https://github.com/nprt/nprt.git", at.join("repository").display().to_string()),
            ("oci: {}", format!("layout: {{root: {}}}", at.join("images").display())),
            ("in_cluster: true", cluster),
        ] {
            assert!(config.contains(theirs), "{theirs} in {config}");
            config = config.replace(theirs, &here);
        }
        let file = at.join("deployer.yml");
        std::fs::write(&file, config).unwrap();
        let world = Self { _folder: folder, config: file, token: token.trim().to_owned(), commits };
        let layout = world.config.parent().unwrap().join("images/nprt/deployer");
        images(&layout, &[world.tag(0), world.tag(1)]);
        world
    }

    fn tag(&self, number: usize) -> String {
        format!("main-{}", &self.commits[number][..12])
    }
}
