//! deployer on Kubernetes, as its README installs it: the manifests on a real control plane, and deployer with the rights
//! that they give it, deploying them. Each command of the README that needs a cluster is run.

use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use nprt_testkit::{ControlPlane, Kubectl, need};
use serde_json::Value;

use crate::aggregator::udp;
use crate::support::{DEPLOYER, HERE, Server, commits, images};

const IMAGE: &str = "ghcr.io/nprt/deployer";

#[tokio::test(flavor = "multi_thread")]
async fn it_is_installed_by_two_commands_and_deploys_itself() {
    let Some(plane) = need(ControlPlane::shared().await) else { return };
    let admin = plane.kubectl();
    let mut commands = Commands::of_the_readme();
    for what in ["apply --server-side -k apps/deployer/install", "create secret generic deployer "] {
        run(&commands.take(what), admin);
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
    run(&commands.take("create rolebinding").replace("shop", "default"), admin);
    assert_eq!(account.run(&may).await.unwrap().trim(), "yes");
    assert!(account.run(&["auth", "can-i", "create", "clusterroles"]).await.is_err());

    for what in ["apply --server-side -k apps/deployer/statsd", "create secret generic statsd "] {
        run(&commands.take(what), admin);
    }
    assert_eq!(running(admin, "statsd").await, (1, format!("{IMAGE}:v0.1.0")));
    the_shipped_statsd_answers(admin).await;
    assert!(commands.0.is_empty(), "no test runs {:?}", commands.0);
}

/// `deployer statsd` with the file that its pod has, and the token that the README made.
async fn the_shipped_statsd_answers(admin: &Kubectl) {
    let get = async |what: &str, name: &str, template: &str| {
        let template = format!("go-template={template}");
        admin.run(&["-n", "deployer", "get", what, name, "-o", &template]).await.unwrap()
    };
    let volume = "{{(index .spec.template.spec.volumes 0).configMap.name}}";
    let map = get("deployment", "statsd", volume).await;
    let config = get("configmap", &map, r#"{{index .data "deployer.yml"}}"#).await;
    let token = get("secret", "statsd", "{{.data.token | base64decode}}").await;
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    std::fs::write(at.join("token"), &token).unwrap();
    let file = at.join("deployer.yml");
    let here = [
        ("/run/secrets/statsd", at.display().to_string()),
        ("0.0.0.0:8126", "127.0.0.1:0".to_owned()),
        ("0.0.0.0:8125", "127.0.0.1:0".to_owned()),
    ];
    std::fs::write(&file, replaced(config, &here)).unwrap();
    let mut command = Command::new(DEPLOYER);
    command.args(["statsd", "--config"]).arg(&file);
    let mut server = Server::start(command).await;
    let ask = async |server: &Server, path: &str| {
        let response = server.send(reqwest::Method::GET, path, |request| request).await;
        (response.status().as_u16(), response.text().await.unwrap())
    };
    assert_eq!(ask(&server, "/healthz").await.0, 200);
    assert_eq!(ask(&server, "/v1/known-since").await.0, 401);
    token.trim().clone_into(&mut server.token);
    assert_eq!(ask(&server, "/v1/known-since").await.0, 200);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let began = Instant::now();
    loop {
        socket.send_to(b"request.latency:120|ms|#service:web,track:stable,pod:a", udp(&server)).unwrap();
        let (_, text) = ask(&server, "/metrics").await;
        let used = text.lines().find_map(|line| line.strip_prefix("statsd_lines_total{fate=\"used\"} "));
        if used.unwrap_or_else(|| panic!("{text}")) != "0" {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "{text}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
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

/// The commands of the README that need a cluster, until they are run; `readme.rs` runs the others.
struct Commands(Vec<String>);

impl Commands {
    fn of_the_readme() -> Self {
        let readme = std::fs::read_to_string(Path::new(HERE).join("README.md")).unwrap();
        let commands = readme.lines().filter_map(|line| line.strip_prefix("$ "));
        Self(commands.filter(|command| command.contains("kubectl ")).map(str::to_owned).collect())
    }

    fn take(&mut self, text: &str) -> String {
        let found = self.0.iter().position(|command| command.contains(text));
        self.0.remove(found.unwrap_or_else(|| panic!("{text} in {:?}", self.0)))
    }
}

/// What stands in a shipped file, with what is here in its place.
fn replaced(mut text: String, here: &[(&str, String)]) -> String {
    for (theirs, here) in here {
        assert!(text.contains(theirs), "{theirs} in {text}");
        text = text.replace(theirs, here);
    }
    text
}

/// Runs a command as a person does, at the top of the repository.
fn run(command: &str, kubectl: &Kubectl) {
    let folder = kubectl.program().parent().unwrap().display().to_string();
    let output = Command::new("bash")
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
        let mut files = Vec::new();
        for file in std::fs::read_dir(Path::new(HERE).join("kubernetes")).unwrap() {
            let file = file.unwrap();
            let name = format!("apps/deployer/kubernetes/{}", file.file_name().display());
            files.push((name, std::fs::read(file.path()).unwrap()));
        }
        let files: Vec<(&str, &[u8])> = files.iter().map(|(name, content)| (&**name, &**content)).collect();
        let commits = commits(&at.join("repository"), &files);

        let get = async |what: &str, template: &str| {
            let template = format!("go-template={template}");
            admin.run(&["-n", "deployer", "get", what, "deployer", "-o", &template]).await.unwrap()
        };
        let token = get("secret", "{{.data.ci | base64decode}}").await;
        std::fs::write(at.join("ci"), &token).unwrap();
        let config = get("configmap", r#"{{index .data "deployer.yml"}}"#).await;
        let cluster = format!("kubeconfig: {}, namespace: deployer", account.kubeconfig().display());
        let here = [
            ("/run/secrets/deployer", at.display().to_string()),
            ("/var/cache/deployer", at.join("cache").display().to_string()),
            ("https://github.com/nprt/nprt.git", at.join("repository").display().to_string()),
            ("oci: {}", format!("layout: {{root: {}}}", at.join("images").display())),
            ("in_cluster: true", cluster),
        ];
        let file = at.join("deployer.yml");
        std::fs::write(&file, replaced(config, &here)).unwrap();
        let world = Self { _folder: folder, config: file, token: token.trim().to_owned(), commits };
        let layout = world.config.parent().unwrap().join("images/nprt/deployer");
        images(&layout, &[world.tag(0), world.tag(1)]);
        world
    }

    fn tag(&self, number: usize) -> String {
        format!("main-{}", &self.commits[number][..12])
    }
}
