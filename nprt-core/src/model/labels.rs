//! The labels and annotations that carry nprt's state: on the objects themselves, so that every replica
//! and a person with kubectl see the same truth.

/// Labels, to select by.
pub mod label {
    /// On every object: the service that it belongs to.
    pub const SERVICE: &str = "nprt.dev/service";
    /// On workloads and their pods: `stable` or `canary`.
    pub const TRACK: &str = "track";
    /// On workloads and their pods: the tag, shortened to a label's 63 characters.
    pub const VERSION: &str = "app.kubernetes.io/version";
}

/// Annotations, in full length.
pub mod annotation {
    /// The full revision.
    pub const REVISION: &str = "nprt.dev/revision";
    /// The image tag.
    pub const TAG: &str = "nprt.dev/tag";
    /// `stable` or `canary`.
    pub const TRACK: &str = "nprt.dev/track";
    /// When this canary was started, RFC 3339; on the canary's workload.
    pub const STARTED: &str = "nprt.dev/started";
    /// When this canary's time is over, RFC 3339; on the canary's workload. From then on it is not judged
    /// and not promoted, and whoever looks removes it.
    pub const EXPIRES: &str = "nprt.dev/expires";
    /// The share of stable's pods that this canary has, where it has one: above 0 and at most 1; on the
    /// canary's workload. Whoever tends the service keeps the two in step by it.
    pub const REPLICAS_SHARE: &str = "nprt.dev/replicas-share";
    /// Who asked for this version.
    pub const CALLER: &str = "nprt.dev/caller";
    /// Why.
    pub const REASON: &str = "nprt.dev/reason";
    /// `false` keeps the object in the cluster when the manifests no longer hold it, whatever the service's
    /// policy. Any value but `true` does.
    pub const PRUNE: &str = "nprt.dev/prune";
}
