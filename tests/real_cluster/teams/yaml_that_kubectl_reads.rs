//! Manifests in any spelling that kubectl reads: nprt makes the same object of them, or refuses them.

use crate::answer::Answer as _;
use crate::world::World;

/// A ConfigMap with these lines of `data`.
fn map(data: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: spelled\ndata:\n{data}")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_has_what_kubectl_would_have_sent() {
    let Some(world) = World::new("spelled").await else { return };
    let nprt = world.process().await;
    let spellings = [
        ("keys that are no strings", "  0644: mode\n  yes: a\n  Off: b\n  1_000: c\n  1.50: d\n  0b11: e\n"),
        ("a short commit", "  commit: 123e456\n  other: 4e99999\n"),
        ("merges", "  <<: {a: one, b: two}\n  b: three\n"),
        ("a merge that comes last", "  a: one\n  <<: {a: two}\n"),
        ("booleans in mixed case", "  a: yEs\n  b: tRue\n  c: nULL\n  d: oFF\n"),
        ("a time and a base 60 number", "  a: 2001-01-01\n  b: 12:30:45\n  c: 0o8\n"),
        ("an escape of the next line", "  a: \"x\\Ny\"\n  b: \"\\x41\"\n"),
        ("blocks", "  a: |+\n    x\n\n  b: >-\n    x\n    y\n  c: |2\n      z\n"),
        ("tags", "  a: !!str 5\n  b: !!binary aGVsbG8=\n  c: !team 7\n"),
        ("windows line ends", "  a: |\r\n    x\r\n    y\r\n"),
    ];
    for (case, data) in spellings {
        let text = map(data);
        world.kubectl_makes(&["create"], &text).await;
        let theirs = world.object("configmap/spelled").await["data"].clone();
        world.kubectl(&["delete", "configmap/spelled"]).await;
        nprt.deploy(&world.commit(&text)).await.accepted();
        let ours = world.object("configmap/spelled").await["data"].clone();
        assert_eq!(ours, theirs, "{case}");
        world.kubectl(&["delete", "configmap/spelled"]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_kubectl_sends_and_the_server_refuses_is_refused() {
    let Some(world) = World::new("spelled-bad").await else { return };
    let nprt = world.process().await;
    for data in ["  \"<<\": x\n", "  a: yes\n", "  a: 0644\n", "  a: 123e45\n", "  a: 1.0\n"] {
        let revision = world.commit(&map(data));
        nprt.deploy(&revision).await.refused_with(&["ConfigMap"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_be_read_differently_says_what_to_write() {
    let Some(world) = World::new("spelled-differently").await else { return };
    let nprt = world.process().await;
    for (data, what) in [
        ("  a: x\u{85}y\n", "U+0085"),
        ("  a: 'x\u{2028}y'\n", "U+2028"),
        ("  a: x\n  'a': y\n", "the key a is given twice"),
        ("  yes: x\n  true: y\n", "the key true is given twice"),
        ("  .inf: x\n", "quote it"),
        ("  ~: x\n", "quote it"),
        ("  a: x\n...\n  b: y\n", "line `---`"),
    ] {
        let revision = world.commit(&map(data));
        nprt.deploy(&revision).await.refused_with(&[what, "kubernetes/shop.yaml", "document: 1", "line: "]);
    }
    assert!(world.objects("configmaps").await.is_empty(), "nothing was applied");
}
