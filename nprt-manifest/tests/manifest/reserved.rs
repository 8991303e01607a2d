//! What no manifest may bring: nprt's own names, labels and annotations.

use nprt_core::{Error, ErrorKind};
use nprt_manifest::{Beside, Settings};
use serde_json::json;

use crate::{SHA, file, find, manifests, stable, version};

const APP: &str = "---\n{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {selector: {matchLabels: \
                   {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: \
                   shop}]}}}}\n";

#[track_caller]
fn is_refused(error: &Error, words: &[&str]) {
    assert_eq!(error.kind(), ErrorKind::Forbidden, "{error}");
    let text = error.to_string();
    for word in words {
        assert!(text.contains(word), "{word}: {text}");
    }
}

#[test]
fn names_of_our_own_state_are_refused_in_every_spelling() {
    for (object, name) in [
        ("{apiVersion: v1, kind: Secret, metadata: {name: nprt-undo-shop}}", "Secret/nprt-undo-shop"),
        ("{apiVersion: v1, kind: Secret, metadata: {name: nprt-undo-other.1}}", "Secret/nprt-undo-other.1"),
        ("{apiVersion: v1, kind: ConfigMap, metadata: {name: nprt-judge-shop}}", "ConfigMap/nprt-judge-shop"),
        (
            "{apiVersion: v1, kind: ConfigMap, metadata: {name: nprt-last-canary-a}}",
            "ConfigMap/nprt-last-canary-a",
        ),
        ("{apiVersion: v1, kind: ConfigMap, metadata: {name: nprt-new}}", "ConfigMap/nprt-new"),
        ("{apiVersion: v1, kind: Secret, metadata: {name: nprt-a, namespace: b}}", "Secret/b/nprt-a"),
        ("{apiVersion: coordination.k8s.io/v1, kind: Lease, metadata: {name: nprt-shop}}", "Lease/nprt-shop"),
        ("{apiVersion: coordination.k8s.io/v1beta1, kind: Lease, metadata: {name: nprt-a}}", "Lease/nprt-a"),
        (
            "{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: Secret, metadata: {name: nprt-a}}]}",
            "Secret/nprt-a",
        ),
        ("{apiVersion: v1, kind: SecretList, items: [{metadata: {name: nprt-a}}]}", "Secret/nprt-a"),
        (
            "{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: Secret, \
          metadata: {name: nprt-a}}]}]}",
            "Secret/nprt-a",
        ),
        ("{apiVersion: v1, kind: Event, metadata: {name: any}}", "Event/any"),
        ("{apiVersion: events.k8s.io/v1, kind: Event, metadata: {name: any}}", "Event/any"),
    ] {
        let error = nprt_manifest::read(&[file("own.yaml", &format!("{APP}---\n{object}"))]).unwrap_err();
        is_refused(&error, &["reserved", name, "own.yaml", "document: 2"]);
        assert!(name.starts_with("Event") || error.to_string().contains("`nprt-`"), "{error}");
    }
    let generated = "{apiVersion: v1, kind: Secret, metadata: {generateName: nprt-undo-}}";
    nprt_manifest::read(&[file("own.yaml", generated)]).unwrap_err();
    // Names that only look like ours, and other kinds.
    for object in [
        "{apiVersion: v1, kind: Secret, metadata: {name: my-nprt-undo}}",
        "{apiVersion: v1, kind: Service, metadata: {name: nprt-dashboard}}",
        "{apiVersion: example.com/v1, kind: Widget, metadata: {name: nprt-a}}",
    ] {
        nprt_manifest::read(&[file("own.yaml", object)]).unwrap();
    }
}

/// Each as its controller reads it: what a controller makes under our name destroys what we keep there.
#[test]
fn names_of_our_own_state_are_refused_where_a_controller_would_give_them() {
    for (object, field) in [
        (
            "external-secrets.io/v1, kind: ExternalSecret, metadata: {name: a}, spec: {target: {name: NAME}}",
            "spec.target.name",
        ),
        ("external-secrets.io/v1, kind: ExternalSecret, metadata: {name: NAME}", "metadata.name"),
        (
            "external-secrets.io/v1, kind: ClusterExternalSecret, metadata: {name: a}, spec: {externalSecretName: NAME}",
            "spec.externalSecretName",
        ),
        ("bitnami.com/v1alpha1, kind: SealedSecret, metadata: {name: NAME}", "metadata.name"),
        (
            "bitnami.com/v1alpha1, kind: SealedSecret, metadata: {name: a}, spec: {template: {metadata: {name: NAME}}}",
            "spec.template.metadata.name",
        ),
        (
            "cert-manager.io/v1, kind: Certificate, metadata: {name: a}, spec: {secretName: NAME}",
            "spec.secretName",
        ),
        (
            "secrets-store.csi.x-k8s.io/v1, kind: SecretProviderClass, metadata: {name: a}, spec: {secretObjects: [{type: Opaque, secretName: NAME}]}",
            "spec.secretObjects[0].secretName",
        ),
        (
            "secrets.hashicorp.com/v1beta1, kind: VaultStaticSecret, metadata: {name: a}, spec: {destination: {create: true, name: NAME}}",
            "spec.destination.name",
        ),
        (
            "isindir.github.com/v1alpha3, kind: SopsSecret, metadata: {name: a}, spec: {secretTemplates: [{name: NAME}]}",
            "spec.secretTemplates[0].name",
        ),
        (
            "secrets.infisical.com/v1alpha1, kind: InfisicalSecret, metadata: {name: a}, spec: {managedKubeSecret: {secretName: NAME}}",
            "spec.managedKubeSecret.secretName",
        ),
        (
            "kyverno.io/v1, kind: Policy, metadata: {name: a}, spec: {rules: [{generate: {kind: Secret, name: NAME}}]}",
            "spec.rules[0].generate.name",
        ),
        (
            "kyverno.io/v1, kind: Policy, metadata: {name: a}, spec: {rules: [{generate: {kind: ConfigMap, name: NAME}}]}",
            "spec.rules[0].generate.name",
        ),
        (
            "kubernetes.crossplane.io/v1, kind: Object, metadata: {name: a}, spec: {forProvider: {manifest: {apiVersion: coordination.k8s.io/v1, kind: Lease, metadata: {name: NAME}}}}",
            "spec.forProvider.manifest.metadata.name",
        ),
    ] {
        for name in ["nprt-undo-shop", "nprt-any"] {
            let object = object.replace("NAME", name);
            let error =
                nprt_manifest::read(&[file("own.yaml", &format!("{APP}---\n{{apiVersion: {object}}}"))])
                    .unwrap_err();
            is_refused(
                &error,
                &["reserved", "`nprt-`", name, &format!("field: {field}"), "own.yaml", "document: 2"],
            );
        }
    }
    // Whatever the kind calls the field: such a name is of nothing else.
    for (object, field) in [
        ("onepassword.com/v1, kind: OnePasswordItem, metadata: {name: NAME}", "metadata.name"),
        ("trust.cert-manager.io/v1alpha1, kind: Bundle, metadata: {name: NAME}", "metadata.name"),
        ("kafka.strimzi.io/v1, kind: KafkaUser, metadata: {name: NAME}", "metadata.name"),
        ("example.com/v1, kind: Any, metadata: {name: a}, spec: {outputs: [b, NAME]}", "spec.outputs[1]"),
        ("example.com/v1, kind: Any, metadata: {name: a}, spec: {prefix: NAME}", "spec.prefix"),
        (
            "networking.k8s.io/v1, kind: Ingress, metadata: {name: a}, spec: {tls: [{secretName: NAME}]}",
            "spec.tls[0].secretName",
        ),
        (
            "gateway.networking.k8s.io/v1, kind: Gateway, metadata: {name: a}, spec: {listeners: [{tls: {certificateRefs: [{name: NAME}]}}]}",
            "spec.listeners[0].tls.certificateRefs[0].name",
        ),
        (
            "v1, kind: Service, metadata: {name: a, annotations: {service.beta.openshift.io/serving-cert-secret-name: NAME}}",
            "metadata.annotations.service.beta.openshift.io/serving-cert-secret-name",
        ),
    ] {
        for name in ["nprt-undo-shop", "nprt-undo-shop.1", "nprt-judge-shop", "nprt-last-canary-other"] {
            let object = object.replace("NAME", name);
            let error =
                nprt_manifest::read(&[file("own.yaml", &format!("{{apiVersion: {object}}}"))]).unwrap_err();
            is_refused(&error, &["reserved", name, &format!("field: {field}"), "own.yaml"]);
        }
    }
}

#[test]
fn names_that_make_nothing_are_accepted() {
    for object in [
        "external-secrets.io/v1, kind: ExternalSecret, metadata: {name: a}, spec: {secretStoreRef: {kind: SecretStore, name: nprt-vault}}",
        "external-secrets.io/v1, kind: SecretStore, metadata: {name: nprt-vault}",
        "cert-manager.io/v1, kind: Certificate, metadata: {name: nprt-web}, spec: {secretName: web-tls, issuerRef: {name: nprt-ca}}",
        "gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {name: nprt-web}, spec: {rules: [{backendRefs: [{kind: Service, name: nprt-deployer}]}]}",
        "networking.k8s.io/v1, kind: Ingress, metadata: {name: a}, spec: {tls: [{secretName: nprt-deployer-tls}]}",
        "keda.sh/v1alpha1, kind: ScaledObject, metadata: {name: a}, spec: {scaleTargetRef: {name: nprt-deployer}}",
        "argoproj.io/v1alpha1, kind: Application, metadata: {name: nprt}, spec: {source: {helm: {releaseName: nprt-deployer}}}",
        "kyverno.io/v1, kind: Policy, metadata: {name: a}, spec: {rules: [{exclude: {resources: {kinds: [Secret], names: ['nprt-undo-*']}}}]}",
        "rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: a}, rules: [{resources: [secrets], resourceNames: [nprt-undo-shop]}]",
        "v1, kind: ConfigMap, metadata: {name: a}, data: {record: nprt-undo-shop}",
        "monitoring.coreos.com/v1, kind: PrometheusRule, metadata: {name: a}, spec: {description: nprt-undo-shop is the record of a deploy}",
    ] {
        nprt_manifest::read(&[file("own.yaml", &format!("{{apiVersion: {object}}}"))]).unwrap();
    }
}

/// Every place in which an object gives labels or annotations to itself or to what is made by it.
#[test]
fn marks_that_only_we_write_are_refused_at_any_depth() {
    for (object, key, field) in [
        (
            "ConfigMap, metadata: {name: a, labels: {nprt.dev/service: other}}",
            "nprt.dev/service",
            "metadata.labels",
        ),
        (
            "ConfigMap, metadata: {name: a, labels: {nprt.dev/track: canary}}",
            "nprt.dev/track",
            "metadata.labels",
        ),
        ("ConfigMap, metadata: {name: a, labels: {nprt.dev/undo: shop}}", "nprt.dev/undo", "metadata.labels"),
        (
            "ConfigMap, metadata: {name: a, annotations: {nprt.dev/epoch: '9'}}",
            "nprt.dev/epoch",
            "metadata.annotations",
        ),
        (
            "ConfigMap, metadata: {name: a, annotations: {nprt.dev/undo-parts: '1'}}",
            "nprt.dev/undo-parts",
            "metadata.annotations",
        ),
        (
            "ConfigMap, metadata: {name: a, annotations: {nprt.dev/revision: abc}}",
            "nprt.dev/revision",
            "metadata.annotations",
        ),
        (
            "ConfigMap, metadata: {name: a, annotations: {nprt.dev/tag: main-1}}",
            "nprt.dev/tag",
            "metadata.annotations",
        ),
        (
            "ConfigMap, metadata: {name: a, annotations: {nprt.dev/started: now}}",
            "nprt.dev/started",
            "metadata.annotations",
        ),
        (
            "ConfigMap, metadata: {name: a, annotations: {nprt.dev/expires: now}}",
            "nprt.dev/expires",
            "metadata.annotations",
        ),
        (
            "ConfigMap, metadata: {name: a, annotations: {nprt.dev/held: '{}'}}",
            "nprt.dev/held",
            "metadata.annotations",
        ),
        (
            "ConfigMap, metadata: {name: a, annotations: {nprt.dev/drift: '[]'}}",
            "nprt.dev/drift",
            "metadata.annotations",
        ),
        (
            "ConfigMap, metadata: {name: a, annotations: {nprt.dev/rules-before: '[]'}}",
            "nprt.dev/rules-before",
            "metadata.annotations",
        ),
        (
            "ConfigMap, metadata: {name: a, annotations: {nprt.dev/http-routes: web}}",
            "nprt.dev/http-routes",
            "metadata.annotations",
        ),
        (
            "ConfigMap, metadata: {name: a, annotations: {nprt.dev/new: a}}",
            "nprt.dev/new",
            "metadata.annotations",
        ),
        (
            "Any, metadata: {name: a}, spec: {template: {metadata: {labels: {nprt.dev/service: other}}}}",
            "nprt.dev/service",
            "spec.template.metadata.labels",
        ),
        (
            "Any, metadata: {name: a}, spec: {volumeClaimTemplates: [{metadata: {labels: {nprt.dev/service: other}}}]}",
            "nprt.dev/service",
            "spec.volumeClaimTemplates[0].metadata.labels",
        ),
        (
            "Any, metadata: {name: a}, spec: {podLabels: {nprt.dev/track: canary}}",
            "nprt.dev/track",
            "spec.podLabels",
        ),
        (
            "Any, metadata: {name: a}, spec: {secretTemplate: {annotations: {nprt.dev/held: a}}}",
            "nprt.dev/held",
            "spec.secretTemplate.annotations",
        ),
    ] {
        let text = format!("{APP}---\n{{apiVersion: v1, kind: {object}}}");
        let (all, version) = (manifests(&text), version("main-3f2a91c"));
        let refused = [
            nprt_manifest::stable(&all, &version, &Settings::default(), &[]),
            nprt_manifest::canary(&all, &version, &Settings::default(), &Beside::default()),
        ];
        for refused in refused {
            is_refused(
                &refused.unwrap_err(),
                &["reserved", key, &format!("field: {field}"), "app.yaml", "document: 2", "/a"],
            );
        }
    }
}

#[test]
fn what_people_write_and_select_by_is_accepted() {
    let text = format!(
        "{APP}---\n{{apiVersion: v1, kind: ConfigMap, metadata: {{name: a, labels: {{nprt.dev/service: shop}}, annotations: \
         {{nprt.dev/prune: 'false', nprt.dev/canary: 'false'}}}}}}\n---\n{{apiVersion: v1, kind: Service, metadata: {{name: \
         web}}, spec: {{selector: {{app: web, nprt.dev/track: canary}}}}}}\n---\n{{apiVersion: networking.k8s.io/v1, kind: \
         NetworkPolicy, metadata: {{name: web}}, spec: {{podSelector: {{matchLabels: {{nprt.dev/service: other}}}}}}}}\n\
         ---\n{{apiVersion: networking.istio.io/v1, kind: DestinationRule, metadata: {{name: web}}, spec: {{host: web, subsets: \
         [{{name: canary, labels: {{nprt.dev/track: canary}}}}]}}}}\n---\n{{apiVersion: networking.istio.io/v1, kind: \
         Sidecar, metadata: {{name: web}}, spec: {{workloadSelector: {{labels: {{nprt.dev/track: canary}}}}}}}}\n"
    );
    let rendered = stable(&text);
    assert_eq!(
        find(&rendered, "ConfigMap/a")["metadata"]["annotations"],
        json!({"nprt.dev/prune": "false", "nprt.dev/canary": "false"})
    );
}

/// What was rendered can be rendered again, as the same version alone.
#[test]
fn what_we_rendered_ourselves_is_accepted() {
    let all = manifests(APP);
    let rendered =
        nprt_manifest::canary(&all, &version("main-3f2a91c"), &Settings::default(), &Beside::default())
            .unwrap();
    let text = nprt_manifest::to_yaml([rendered.documents[0].object.as_value()]).unwrap();
    assert!(text.contains(SHA), "{text}");
    let again = |tag| {
        nprt_manifest::canary(&manifests(&text), &version(tag), &Settings::default(), &Beside::default())
    };
    assert_eq!(again("main-3f2a91c").unwrap().documents[0].object, rendered.documents[0].object);
    is_refused(&again("main-4").unwrap_err(), &["reserved", "nprt.dev/"]);
}
