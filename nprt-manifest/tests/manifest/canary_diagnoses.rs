//! A canary that would get no traffic is refused with the reason.

use nprt_manifest::Settings;

use super::canary::{APP, canary, deployed};
use super::ids;

fn refused(text: &str, live: &[nprt_core::model::Object]) -> String {
    let error = canary(text, &Settings::default(), live).unwrap_err();
    assert!(error.is_invalid());
    error.to_string()
}

#[test]
fn a_service_must_select_both_tracks() {
    let only_stable =
        APP.replace("spec: {selector: {app: web}", "spec: {selector: {app: web, track: stable}");
    let error = refused(&only_stable, &[]);
    assert!(
        error.contains("selects track=stable") && error.contains("selector: app=web,track=stable"),
        "{error}"
    );
    assert!(
        error.contains("service: Service/web") && error.contains("file: app.yaml, document: 2"),
        "{error}"
    );

    assert_eq!(error.matches("document: ").count(), 1, "{error}");

    let by_version =
        APP.replace("spec: {selector: {app: web}", "spec: {selector: {app: web, nprt.dev/service: shop}");
    assert!(canary(&by_version, &Settings::default(), &[]).is_ok());
}

#[test]
fn the_live_service_routes_until_the_promotion() {
    let only_stable =
        APP.replace("spec: {selector: {app: web}", "spec: {selector: {app: web, track: stable}");
    let error = refused(APP, &deployed(&only_stable));
    assert!(error.contains("track=stable") && error.contains("where: the cluster"), "{error}");

    // The labels of the pods change with this version, and the live Service does not know them.
    let relabelled = APP.replace("app: web", "app: web2");
    let error = refused(&relabelled, &deployed(APP));
    assert!(error.contains("must select both") && error.contains("not on the canary: app=web"), "{error}");
}

#[test]
fn without_a_service_there_is_a_warning() {
    let alone = APP.replace("kind: Service", "kind: Service2");
    let rendered = canary(&alone, &Settings::default(), &[]).unwrap();
    assert_eq!(ids(&rendered), ["Deployment/web-canary"]);
    assert!(
        rendered.warnings[0].contains("Deployment/web: no Service selects its pods"),
        "{:?}",
        rendered.warnings
    );
    let elsewhere = APP.replace("spec: {selector: {app: web}", "spec: {selector: {app: other}");
    assert_eq!(canary(&elsewhere, &Settings::default(), &[]).unwrap().warnings.len(), 1);
    // The cluster's Service counts too.
    assert!(canary(&alone, &Settings::default(), &deployed(APP)).unwrap().warnings.is_empty());
}

#[test]
fn what_only_a_deploy_brings_is_told() {
    let with = APP.replace("image: shop/web}]}", "image: a}], serviceAccountName: web}")
        + "---\n{apiVersion: v1, kind: ServiceAccount, metadata: {name: web}}\n";
    let rendered = canary(&with, &Settings::default(), &deployed(APP)).unwrap();
    assert!(
        rendered.warnings[0].contains("needs ServiceAccount/web, which is not live yet"),
        "{:?}",
        rendered.warnings
    );
    assert!(canary(&with, &Settings::default(), &deployed(&with)).unwrap().warnings.is_empty());
}

#[test]
fn resources_that_only_stable_gets_are_told() {
    let vpa = |name: &str, mode: &str| {
        format!(
            "\n---\napiVersion: autoscaling.k8s.io/v1\nkind: VerticalPodAutoscaler\nmetadata: {{name: web}}\nspec:\n  \
             targetRef: {{apiVersion: apps/v1, kind: Deployment, name: {name}}}\n  updatePolicy: {{updateMode: {mode}}}\n"
        )
    };
    let said = |text: &str, live: &[nprt_core::model::Object]| {
        let warnings = canary(text, &Settings::default(), live).unwrap().warnings;
        warnings.iter().any(|warning| warning.contains("VerticalPodAutoscaler/web sets the resources"))
    };
    assert!(said(&format!("{APP}{}", vpa("web", "InPlaceOrRecreate")), &[]));
    assert!(said(APP, &deployed(&format!("{APP}{}", vpa("web", "Initial")))), "it is live");
    for (name, mode) in [("other", "Recreate"), ("web", "\"Off\"")] {
        assert!(!said(&format!("{APP}{}", vpa(name, mode)), &[]), "{name} {mode}");
    }
}
