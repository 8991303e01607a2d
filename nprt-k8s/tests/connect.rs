//! What is wrong with a configuration is said before any request.
#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

use std::path::PathBuf;

use nprt_core::model::ServiceName;
use nprt_core::ports::Cluster;
use nprt_core::{Error, ErrorKind};
use nprt_k8s::{KubernetesCluster, KubernetesConfig};

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
    for wrong in [
        KubernetesConfig { namespace: Some("../kube-system".to_owned()), ..good.clone() },
        KubernetesConfig { timeout_seconds: 0, ..good.clone() },
        KubernetesConfig { in_cluster: true, ..good.clone() },
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
