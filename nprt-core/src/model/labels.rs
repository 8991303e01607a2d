//! The labels and annotations that carry nprt's state: on the objects themselves, so that every replica
//! and a person with kubectl see the same truth.

/// Labels, to select by.
pub mod label {
    /// On every object: the service that it belongs to.
    pub const SERVICE: &str = "nprt.dev/service";
    /// On the workloads of a version, their pods and a canary's configuration: `stable` or `canary`. What people
    /// and metrics go by is set beside it (`LabelNames` of nprt-manifest).
    pub const TRACK: &str = "nprt.dev/track";
}

/// Annotations, in full length.
pub mod annotation {
    /// The full revision.
    pub const REVISION: &str = "nprt.dev/revision";
    /// The image tag.
    pub const TAG: &str = "nprt.dev/tag";
    /// When this canary was started, RFC 3339; on the canary's workload.
    pub const STARTED: &str = "nprt.dev/started";
    /// When this canary's time is over, RFC 3339; on the canary's workload. From then on it is not judged
    /// and not promoted, and whoever looks removes it.
    pub const EXPIRES: &str = "nprt.dev/expires";
    /// That this canary is neither promoted nor rolled back without a person: who says so, why and since when, as
    /// JSON; on the canary's workload.
    pub const HELD: &str = "nprt.dev/held";
    /// That whoever judges by itself has come to no verdict on this canary in its time, and leaves it to a person: the
    /// canary, who says so, why and when, as JSON; on the canary's workload.
    pub const UNDECIDED: &str = "nprt.dev/undecided";
    /// The canary that was last rolled back because of what was judged, or of an alert: which, by whom, why and when,
    /// as JSON; on stable's first workload, until the next version is deployed.
    pub const ROLLED_BACK: &str = "nprt.dev/rolled-back";
    /// On a workload in the manifests: `"false"` opts it out of canaries, for a workload that must not run
    /// beside a copy of itself.
    pub const CANARY: &str = "nprt.dev/canary";
    /// The share of stable's pods that this canary has, where it has one: above 0 and at most 1; on the
    /// canary's workload. Whoever tends the service keeps the two in step by it.
    pub const REPLICAS_SHARE: &str = "nprt.dev/replicas-share";
    /// The HTTPRoutes by which this canary gets requests, by name, where it does; on each of its objects.
    pub const HTTP_ROUTES: &str = "nprt.dev/http-routes";
    /// What the rules of an HTTPRoute were before a canary got requests by it, as JSON; on the route, and only
    /// while the canary does.
    pub const RULES_BEFORE: &str = "nprt.dev/rules-before";
    /// On the canary's workload: the fields that others have set on stable, in which the promotion would differ from
    /// this canary, as a JSON list of strings.
    pub const DRIFT: &str = "nprt.dev/drift";
    /// Who asked for this version.
    pub const CALLER: &str = "nprt.dev/caller";
    /// Why.
    pub const REASON: &str = "nprt.dev/reason";
    /// `false` keeps the object in the cluster when the manifests no longer hold it, whatever the service's
    /// policy. Any value but `true` does.
    pub const PRUNE: &str = "nprt.dev/prune";
    /// On a Job in the manifests: `before` runs it before the workloads of a version change, after the
    /// configuration that it may read was applied; `after` runs it once the pods of all workloads are ready.
    /// Several run one after another, in the order of the manifests. A deploy or a promotion waits for each to
    /// succeed, and one that fails, or takes longer than a rollout may, fails the deploy, which is undone: all
    /// but what the Job itself did, so that the version before must be able to live with a migration of the
    /// next. A canary runs none.
    ///
    /// The Job is applied as `<name>-<hash>`, of each version its own, and runs once a version: while it is
    /// there, it is not run again (`ttlSecondsAfterFinished` forgets it). Those of earlier versions are removed
    /// once a version is stable. `restartPolicy: Never` keeps the pod that failed, whose last log lines the
    /// error tells. Without the annotation a Job is an object as any other: applied, and not waited for.
    pub const RUN: &str = "nprt.dev/run";
    /// The epoch of the lease under which the object was made, or was taken over from a holder who had not given
    /// the lease back: whoever holds an earlier one may no longer change it.
    pub const EPOCH: &str = "nprt.dev/epoch";
}
