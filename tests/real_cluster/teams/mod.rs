//! What teams have, and what nprt does with it: a list to read, one kind a file.
//!
//! A test makes a [`World`](crate::world::World), lets the team's own tools make what is there before
//! ([`World::kubectl_makes`](crate::world::World::kubectl_makes)), commits the manifests, and says what nprt answers
//! ([`Answer`](crate::answer::Answer)):
//!
//! ```ignore
//! let Some(world) = World::new("selector").await else { return };
//! let nprt = world.process().await;
//! world.kubectl_makes(&["apply"], BEFORE).await;
//! nprt.deploy(&world.commit(AFTER)).await.refused_with(&["Service/web", "selector", "track"]);
//! ```

/// A version that the cluster would not accept as stable.
mod a_canary_that_cannot_be_promoted;
/// A definition of a kind and objects of that kind, in one version.
mod a_definition_with_its_objects;
/// A second person who calls while an operation is under way.
mod a_service_that_somebody_is_changing;
/// Two services with an object of one name.
mod an_object_of_another_service;
/// Manifests that choose another strategy, volume or affinity than before, where the server had filled in the first.
mod another_choice_than_the_default;
/// Canaries that an older tool left behind the Service.
mod canaries_of_an_older_tool;
/// Databases, caches and agents beside the service's own programs.
mod databases_beside_the_service;
/// What `kubectl set env`, `kubectl patch` and other tools set on stable.
mod fields_that_others_set;
/// Finalizers, in the manifests or added by a controller, that hold what is removed.
mod finalizers_that_hold_objects;
/// Jobs, and other objects, with `generateName`.
mod jobs_with_generate_name;
/// Manifests that Helm or kustomize rendered, with every tag written.
mod manifests_with_every_tag_written;
/// Objects that `kubectl apply` or `kubectl create` made before nprt came.
mod objects_that_kubectl_made;
/// Anti-affinity, topology spread, ports of the host and claims that keep a canary away from stable.
mod pods_that_cannot_share_a_node;
/// Workloads that keep their pods on purpose: `OnDelete`, a partition, a paused Deployment, no node, no replicas.
mod pods_that_keep_their_version;
/// Secrets written as `stringData`.
mod secrets_written_as_text;
/// Services, budgets and policies that select pods by a label that nprt sets.
mod services_that_select_the_version;
/// The same object twice, in another spelling.
mod the_same_object_twice;
/// Versions whose pods never become ready: the error names the cause first.
mod versions_that_never_become_ready;
/// Objects with a field that Kubernetes never changes: Jobs, claims, selectors, immutable configuration.
mod what_cannot_change;
/// Manifests that the server fills with defaults, or writes in another way.
mod what_the_server_fills_in;
/// Every spelling of YAML that kubectl reads.
mod yaml_that_kubectl_reads;
