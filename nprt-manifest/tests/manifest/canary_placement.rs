//! What keeps a canary's pods from running beside stable's is a warning before they start.

use nprt_manifest::Settings;

use super::canary::{APP, canary};
use super::{ids, live};

/// APP with pods of this spec, and what follows it.
fn with(spec: &str) -> String {
    APP.replace("image: shop/web}]}", spec)
}

fn warned(manifests: &str, live: &[nprt_core::model::Object]) -> Vec<String> {
    let rendered = canary(manifests, &Settings::default(), live).unwrap();
    assert!(ids(&rendered).contains(&"Deployment/web-canary".to_owned()));
    rendered.warnings
}

#[track_caller]
fn one(warnings: &[String], parts: &[&str]) {
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    for part in parts {
        assert!(warnings[0].contains(part), "{part}: {warnings:?}");
    }
}

#[test]
fn a_port_of_the_node() {
    let port = with("image: a, ports: [{containerPort: 80, hostPort: 8080}]}]}");
    one(
        &warned(&port, &[]),
        &["Deployment/web: ", "port 8080/TCP of its node (hostPort)", "remove hostPort"],
    );
    let network = with("image: a, ports: [{containerPort: 53, protocol: UDP}]}], hostNetwork: true}");
    one(&warned(&network, &[]), &["port 53/UDP of its node (hostNetwork)"]);
    assert!(warned(&with("image: a, ports: [{containerPort: 80}]}]}"), &[]).is_empty());
    // The version moves to another port: stable's pods do not hold that one.
    let before = with("image: a:1, ports: [{containerPort: 80, hostPort: 8081}]}]}");
    assert!(warned(&port, &live(&before)).is_empty());
}

#[test]
fn required_anti_affinity() {
    let rule = |rest: &str| {
        with(&format!(
            "image: a}}], affinity: {{podAntiAffinity: {{requiredDuringSchedulingIgnoredDuringExecution: \
             [{{topologyKey: kubernetes.io/hostname{rest}}}]}}}}}}"
        ))
    };
    let own = rule(", labelSelector: {matchLabels: {app: web}}");
    one(
        &warned(&own, &[]),
        &["required podAntiAffinity", "kubernetes.io/hostname", "make the rule preferred"],
    );
    let expressed = rule(", labelSelector: {matchExpressions: [{key: app, operator: In, values: [web, x]}]}");
    one(&warned(&expressed, &[]), &["required podAntiAffinity"]);
    for apart in [
        ", labelSelector: {matchLabels: {app: db}}",
        ", labelSelector: {matchLabels: {app: web}}, matchLabelKeys: [pod-template-hash]",
        ", labelSelector: {matchLabels: {app: web}}, matchLabelKeys: [track]",
        ", labelSelector: {matchExpressions: [{key: app, operator: NotIn, values: [web]}]}",
        "",
    ] {
        assert!(warned(&rule(apart), &[]).is_empty(), "{apart}");
    }
    // The rule of stable's live pods keeps the canary away, too.
    let without = with("image: a}]}");
    one(&warned(&without, &live(&own)), &["required podAntiAffinity"]);
    let preferred = with(
        "image: a}], affinity: {podAntiAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 1, \
         podAffinityTerm: {topologyKey: kubernetes.io/hostname, labelSelector: {matchLabels: {app: web}}}}]}}}",
    );
    assert!(warned(&preferred, &[]).is_empty());
}

#[test]
fn topology_spread() {
    let rule = |rest: &str| {
        with(&format!(
            "image: a}}], topologySpreadConstraints: [{{maxSkew: 2, topologyKey: topology.kubernetes.io/zone{rest}}}]}}"
        ))
    };
    let own = ", labelSelector: {matchLabels: {app: web}}, whenUnsatisfiable: ";
    let parts = [
        "topologySpreadConstraints (DoNotSchedule, maxSkew 2)",
        "topology.kubernetes.io/zone",
        "ScheduleAnyway",
    ];
    one(&warned(&rule(&format!("{own}DoNotSchedule")), &[]), &parts);
    for fine in [
        format!("{own}ScheduleAnyway"),
        format!("{own}DoNotSchedule, matchLabelKeys: [pod-template-hash]"),
        ", labelSelector: {matchLabels: {app: db}}, whenUnsatisfiable: DoNotSchedule".to_owned(),
    ] {
        assert!(warned(&rule(&fine), &[]).is_empty(), "{fine}");
    }
}

#[test]
fn a_claim_that_one_node_or_one_pod_holds() {
    let mounts = with("image: a}], volumes: [{name: d, persistentVolumeClaim: {claimName: data}}]}");
    let claim = |mode: &str| {
        format!(
            "---\napiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {{name: data}}\nspec: {{accessModes: [{mode}]}}\n"
        )
    };
    for (mode, why) in [
        ("ReadWriteOnce", "only on the node of stable's pod"),
        ("ReadWriteOncePod", "cannot start while a pod of stable holds the claim"),
    ] {
        let parts = ["PersistentVolumeClaim/data", why, "ReadWriteMany", "nprt.dev/canary"];
        one(&warned(&(mounts.clone() + &claim(mode)), &[]), &parts);
        let in_cluster = warned(&mounts, &live(claim(mode).trim_start_matches("---")));
        assert!(in_cluster.iter().any(|warning| warning.contains(why)), "{in_cluster:?}");
    }
    assert!(warned(&(mounts.clone() + &claim("ReadWriteMany")), &[]).is_empty());
    assert!(warned(&(mounts.clone() + &claim("ReadWriteOnce, ReadWriteMany")), &[]).is_empty());
    // Somebody else's claim: nothing is known of it.
    one(&warned(&mounts, &[]), &["PersistentVolumeClaim/data, which is not of this service"]);
}
