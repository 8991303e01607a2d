//! What is wrong with a configuration is said before any request.
#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

use std::path::PathBuf;

use nprt_core::model::{ObjectId, ServiceName};
use nprt_core::ports::Cluster;
use nprt_core::{Error, ErrorKind};
use nprt_k8s::{Impersonate, KubernetesCluster, KubernetesConfig};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const KUBECONFIG: &str = r#"{"apiVersion": "v1", "kind": "Config", "current-context": "test",
    "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:9"}}],
    "users": [{"name": "u", "user": {"token": "hunter2"}}],
    "contexts": [{"name": "test", "context": {"cluster": "c", "user": "u", "namespace": "shop"}}]}"#;

fn file(content: &str) -> (tempfile::TempDir, KubernetesConfig) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kubeconfig");
    std::fs::write(&path, content).unwrap();
    (folder, KubernetesConfig { kubeconfig: Some(path), ..KubernetesConfig::default() })
}

fn somebody(user: &str, group: &str) -> Impersonate {
    Impersonate { user: user.to_owned(), groups: vec![group.to_owned()] }
}

async fn refused(config: KubernetesConfig) -> Error {
    KubernetesCluster::builder(config).build().await.unwrap_err()
}

#[tokio::test]
async fn a_configuration_is_validated() {
    let (_folder, good) = file(KUBECONFIG);
    let built = KubernetesCluster::builder(good.clone()).build().await.unwrap();
    assert_eq!(built.namespace(), "shop");
    assert!(!format!("{built:?}").contains("hunter2"));

    let missing =
        refused(KubernetesConfig { kubeconfig: Some(PathBuf::from("/nowhere")), ..good.clone() }).await;
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    let context = refused(KubernetesConfig { context: Some("prod".to_owned()), ..good.clone() }).await;
    assert_eq!((context.kind(), context.available()), (ErrorKind::NotFound, &["test".to_owned()][..]));
    let (_folder, none) = file(&KUBECONFIG.replace(r#""current-context": "test","#, ""));
    let none = refused(none).await;
    assert_eq!((none.kind(), none.available()), (ErrorKind::Invalid, &["test".to_owned()][..]));
    let (_folder, stale) = file(&KUBECONFIG.replace(r#"-context": "test""#, r#"-context": "old""#));
    let stale = refused(stale).await;
    assert_eq!((stale.kind(), stale.available()), (ErrorKind::NotFound, &["test".to_owned()][..]));
    let (_folder, two_lines) = file(&KUBECONFIG.replace("hunter2", r"hunter2\n"));
    let two_lines = refused(two_lines).await;
    assert_eq!(two_lines.kind(), ErrorKind::Unauthenticated);
    assert!(!format!("{two_lines:?}").contains("hunter2"), "{two_lines:?}");
    for wrong in [
        KubernetesConfig { namespace: Some("../kube-system".to_owned()), ..good.clone() },
        KubernetesConfig { timeout_seconds: 0, ..good.clone() },
        KubernetesConfig { force_conflicts: vec![String::new()], ..good.clone() },
        KubernetesConfig { in_cluster: true, ..good.clone() },
        KubernetesConfig { impersonate: Some(somebody("", "")), ..good.clone() },
        KubernetesConfig { impersonate: Some(somebody("jane", "a\r\nb")), ..good.clone() },
    ] {
        assert!(refused(wrong.clone()).await.is_invalid(), "{wrong:?}");
    }
    let (_folder, broken) = file("users: [{name: u, user: {token: hunter2]}");
    let error = refused(broken).await;
    assert!(error.is_invalid() && !format!("{error:?}").contains("hunter2"), "{error:?}");
    assert!(serde_json::from_str::<KubernetesConfig>(r#"{"namespaces": "shop"}"#).is_err());
}

#[tokio::test]
async fn an_unreachable_server_is_temporary() {
    let (_folder, config) = file(KUBECONFIG);
    let cluster = KubernetesCluster::builder(config).build().await.unwrap();
    let error = cluster.list(&ServiceName::new("cart").unwrap()).await.unwrap_err();
    assert_eq!((error.kind(), error.is_temporary()), (ErrorKind::Unavailable, true), "{error:?}");
    assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
}

/// What a proxy says that forwards to nowhere must not be taken for "there is no canary".
#[tokio::test]
async fn not_found_counts_from_an_api_server_alone() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let proxy = tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await.unwrap();
            let answer = "HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\nConnection: close\r\n\r\nnot here\n";
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    let (_folder, config) = file(&KUBECONFIG.replace("127.0.0.1:9", &address));
    let cluster = KubernetesCluster::builder(config).build().await.unwrap();
    let service = ServiceName::new("cart").unwrap();
    let id = ObjectId {
        api_version: "v1".to_owned(),
        kind: "ConfigMap".to_owned(),
        namespace: None,
        name: "cart".to_owned(),
    };
    for error in [
        cluster.list(&service).await.unwrap_err(),
        cluster.get(&id).await.unwrap_err(),
        cluster.lease(&service).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Unexpected, "{error:?}");
    }
    proxy.abort();
}

#[tokio::test]
async fn what_a_credential_plugin_prints_stays_out_of_errors() {
    let two_lines = r#"printf '{"kind": "ExecCredential", "status": {"token": "hunter2\\n"}}'"#;
    for script in ["echo hunter2; echo hunter2 >&2; exit 3", "echo 'token: [hunter2'", two_lines] {
        let exec = serde_json::json!({"apiVersion": "client.authentication.k8s.io/v1", "command": "sh",
            "args": ["-c", script], "interactiveMode": "Never"});
        let plugin = format!(r#"{{"exec": {exec}}}"#);
        let (_folder, config) = file(&KUBECONFIG.replace(r#"{"token": "hunter2"}"#, &plugin));
        let error = match KubernetesCluster::builder(config).build().await {
            Ok(cluster) => cluster.list(&ServiceName::new("cart").unwrap()).await.unwrap_err(),
            Err(error) => error,
        };
        assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error:?}");
        let mut said = format!("{error} {error:?}");
        let mut cause = std::error::Error::source(&error);
        while let Some(present) = cause {
            said.push_str(&format!(" {present} {present:?}"));
            cause = present.source();
        }
        assert!(!said.contains("hunter2"), "{said}");
    }
}
