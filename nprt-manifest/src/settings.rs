use std::collections::{BTreeMap, BTreeSet};

use nprt_core::model::ImageName;
use nprt_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::label_names::LabelNames;
use super::workload::{BUILT_IN, BuiltIn, Scaled};

/// How manifests are transformed. The default suits a service whose image names carry no tag.
///
/// ```
/// use nprt_manifest::{Replicas, Settings};
/// let settings: Settings = serde_json::from_str(
///     r#"{"registry_prefix": "registry.example.com/shop", "canary": {"replicas": {"share": 0.1}}}"#,
/// )?;
/// assert_eq!(settings.canary.replicas, Replicas::Share(0.1));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// `domain[:port][/path]` of the registry that holds the service's own images, those without a fixed
    /// tag or digest. It replaces a domain that the manifest names.
    pub registry_prefix: Option<String>,
    /// The images of a version beside those without tag and digest: repositories whose tag the manifests have
    /// written out, as Helm and kustomize render them. With a prefix, a name without a domain also means the
    /// image of that name under it. The `images` of the service in nprt-pipeline list them too.
    ///
    /// A workload *belongs to the version* if a container of it runs an image without tag and digest or one of
    /// these; so do the Jobs that the version [runs](nprt_core::model::annotation::RUN). Those alone get the version's
    /// labels, annotations and environment, and a canary. All others are applied as the manifests have them,
    /// with the label `nprt.dev/service` on the object itself: their pods do not restart with the version. A
    /// tag that is written stays as it is.
    pub images: BTreeSet<ImageName>,
    /// Writes `image:tag@sha256:…` for the service's own images, so that a tag that moves changes nothing.
    pub pin_digests: bool,
    /// What to do with the selector of a stable workload that is new.
    pub stable_selector: StableSelector,
    /// The labels of workloads and pods that people and metrics go by.
    pub labels: LabelNames,
    /// The names of the environment variables of every container.
    pub environment: EnvironmentNames,
    /// Adds `service.version` to `OTEL_RESOURCE_ATTRIBUTES` of every container.
    pub open_telemetry: bool,
    /// Datadog's unified service tagging: sets the label `tags.datadoghq.com/version` and `DD_VERSION` (as
    /// short as a label must be), and `tags.datadoghq.com/service` and `DD_SERVICE` where the manifest names
    /// no service. Its environment, the third of these tags, is the manifest's to say.
    pub datadog: bool,
    /// Kinds beyond Kubernetes' own that have pods: `group/kind` to the path of the pod template, such as
    /// `argoproj.io/Rollout` to `spec.template`.
    pub pod_templates: BTreeMap<String, String>,
    /// How a canary differs from stable.
    pub canary: CanarySettings,
}

/// What to do with the selector of a stable workload that is new. One that the cluster has already keeps
/// the selector that it has, one with `track: stable` of an earlier tool included: Kubernetes refuses to change it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StableSelector {
    /// As the manifest has it. It may match the canary's pods too: their owner tells them apart. But an
    /// autoscaler counts pods by this selector: for 4 pods of stable and one canary, each with one and a half
    /// times of what they should use, a HorizontalPodAutoscaler asks for 8 where it would for 6.
    #[default]
    Keep,
    /// Adds `nprt.dev/track: stable`, so that autoscalers and others who go by the selector count stable's pods alone.
    ///
    /// A Deployment that is there already gets it so: deploy by nprt once, so that its pods have the label;
    /// `kubectl delete deployment NAME --cascade=orphan` deletes it and leaves its pods; deploy the same
    /// version again. The new Deployment takes the pods over, and none restarts. It begins with the replicas of
    /// the manifest, whatever an autoscaler had made of them.
    AddTrack,
}

/// The names of the environment variables of every container; `None` or an empty name leaves one out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EnvironmentNames {
    /// `stable` or `canary`. By default `TRACK`.
    pub track: Option<String>,
    /// The tag in full. By default `VERSION`.
    pub version: Option<String>,
    /// The revision in full. By default `REVISION`.
    pub revision: Option<String>,
    /// The pod's name, by the downward API. By default `POD_NAME`.
    pub pod_name: Option<String>,
}

impl Default for EnvironmentNames {
    fn default() -> Self {
        let name = |name: &str| Some(name.to_owned());
        Self {
            track: name("TRACK"),
            version: name("VERSION"),
            revision: name("REVISION"),
            pod_name: name("POD_NAME"),
        }
    }
}

impl EnvironmentNames {
    /// The names that are in use: track, version, revision, pod name.
    pub(super) fn in_use(&self) -> [Option<&str>; 4] {
        [&self.track, &self.version, &self.revision, &self.pod_name]
            .map(|name| name.as_deref().filter(|name| !name.is_empty()))
    }
}

/// How a canary differs from stable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CanarySettings {
    /// How many pods. By default one.
    pub replicas: Replicas,
    /// Which kinds get a canary, as `group/kind`. By default `apps/Deployment`. Of these, the workloads that
    /// [belong to the version](Settings::images) do, unless they [opt out](nprt_core::model::annotation::CANARY).
    pub kinds: BTreeSet<String>,
    /// Which requests it gets by HTTPRoutes of the Gateway API. By default its pods get their part of all that
    /// its Services get.
    pub traffic: Option<Traffic>,
}

impl Default for CanarySettings {
    fn default() -> Self {
        Self {
            replicas: Replicas::default(),
            kinds: BTreeSet::from(["apps/Deployment".to_owned()]),
            traffic: None,
        }
    }
}

/// How many pods a canary has.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Replicas {
    /// This many, at least 1.
    Count(u32),
    /// This share of stable's live pods (or of the manifest's where none is live), above 0 and at most 1,
    /// rounded up. The canary says it itself (`nprt.dev/replicas-share`), and
    /// nprt-pipeline's `Pipeline::tend` keeps it in step when stable scales.
    Share(f64),
}

impl Default for Replicas {
    fn default() -> Self {
        Self::Count(1)
    }
}

/// Requests to a canary by HTTPRoutes of the Gateway API, exactly by weight, or as copies. Without it a canary
/// gets requests as every pod of its Services does, by the number of its replicas.
///
/// While the canary runs, each of the routes sends to two Services beside the one that it names,
/// `…-stable` and `…-canary`, which select pods of one track. They are made with the canary and go with it; what
/// the route's rules were is kept on the route (`nprt.dev/rules-before`) and is so again before anything that it
/// sends to goes. A route whose rules another manager owns is a conflict, unless the cluster's policy takes its
/// fields.
///
/// Where somebody else writes the rules while the canary runs, and they still send to its Services, the canary can be
/// removed all the same: the route is left alone, and those of the Services to which it sends lead to stable's pods
/// from then on and stay, with a warning, until the route no longer sends to them. Until then no other canary gets
/// requests by routes. Copies that such a route sends to `…-canary` are lost with it, or reach stable where it also
/// sends requests there.
///
/// It counts for requests that come by these routes. Whoever calls the Service itself, in the cluster, reaches
/// the canary's pods too, by their number. A gateway takes a moment to follow a route, which nothing waits for.
///
/// ```
/// use nprt_manifest::Settings;
/// let exact = r#"{"canary": {"traffic": {"weight": 5}}}"#;
/// let shadow = r#"{"canary": {"traffic": {"http_route": "shop", "mirror": true}}}"#;
/// for text in [exact, shadow] {
///     let settings: Settings = serde_json::from_str(text)?;
///     assert!(settings.canary.traffic.is_some());
/// }
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Traffic {
    /// The name of the HTTPRoute, in the namespace of the service, whoever made it. By default all those of the
    /// service's manifests that send to a Service of its pods.
    pub http_route: Option<String>,
    /// How many of a hundred requests the canary answers, 0 to 100. By default none, where it only gets copies.
    pub weight: Option<u8>,
    /// Whether the canary gets a copy of every request. Its answers are dropped: a shadow test.
    pub mirror: bool,
}

impl Settings {
    /// Validates what serde cannot.
    pub(super) fn check(&self) -> Result<()> {
        let invalid = |field: &'static str, expected: &str, value: &dyn std::fmt::Debug| {
            Err(Error::invalid("manifest.settings", format!("expected {expected}"))
                .with("field", field)
                .with("value", format_args!("{value:?}")))
        };
        if let Some(prefix) = &self.registry_prefix
            && ImageName::new(&format!("{}/x", prefix.trim_end_matches('/'))).is_err()
        {
            return invalid("registry_prefix", "domain[:port][/path]", prefix);
        }
        self.labels.check(self.datadog)?;
        let names: Vec<&str> = self.environment.in_use().into_iter().flatten().collect();
        let valid = |name: &str| name.bytes().all(|b| b.is_ascii_graphic() && b != b'=');
        if let Some(bad) = names.iter().find(|name| !valid(name)) {
            return invalid("environment", "the name of an environment variable", bad);
        }
        if names.iter().collect::<BTreeSet<_>>().len() < names.len() {
            return invalid("environment", "different names", &names);
        }
        for (kind, path) in &self.pod_templates {
            if !kind.contains('/') || path.split('.').any(str::is_empty) {
                return invalid(
                    "pod_templates",
                    "group/kind and a path such as spec.template",
                    &(kind, path),
                );
            }
        }
        match self.canary.replicas {
            Replicas::Count(0) => return invalid("canary.replicas.count", "at least 1", &0),
            Replicas::Share(share) if !(share > 0.0 && share <= 1.0) => {
                return invalid("canary.replicas.share", "more than 0 and at most 1", &share);
            }
            Replicas::Count(_) | Replicas::Share(_) => {}
        }
        self.canary.traffic.as_ref().map_or(Ok(()), Traffic::check)?;
        self.check_canary_kinds()
    }

    fn check_canary_kinds(&self) -> Result<()> {
        let scaled = |built_in: &&BuiltIn| built_in.scaled == Scaled::BySelector;
        let available: Vec<String> = BUILT_IN
            .iter()
            .filter(scaled)
            .map(|known| format!("{}/{}", known.group, known.kind))
            .chain(self.pod_templates.keys().cloned())
            .collect();
        match self.canary.kinds.iter().find(|kind| !available.contains(kind)) {
            Some(kind) => Err(Error::invalid("manifest.settings", "this kind can have no canary")
                .with("field", "canary.kinds")
                .with("kind", kind)
                .with_available(available)),
            None if self.canary.kinds.is_empty() => {
                Err(Error::invalid("manifest.settings", "expected at least one kind")
                    .with("field", "canary.kinds")
                    .with_available(available))
            }
            None => Ok(()),
        }
    }
}

impl Traffic {
    pub(super) fn check(&self) -> Result<()> {
        let invalid = |field: &'static str, expected: &str, value: &dyn std::fmt::Debug| {
            Err(Error::invalid("manifest.settings", format!("expected {expected}"))
                .with("field", field)
                .with("value", format_args!("{value:?}")))
        };
        match (self.weight, &self.http_route) {
            (Some(weight), _) if weight > 100 => invalid("canary.traffic.weight", "0 to 100", &weight),
            (None, _) if !self.mirror => invalid("canary.traffic", "`weight`, `mirror` or both", &self),
            (_, Some(name)) if name.is_empty() => invalid("canary.traffic.http_route", "a name", name),
            _ => Ok(()),
        }
    }
}
