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
/// Two services with an object of one name.
mod an_object_of_another_service;
/// Canaries that an older tool left behind the Service.
mod canaries_of_an_older_tool;
/// Databases, caches and agents beside the service's own programs.
mod databases_beside_the_service;
/// What `kubectl set env`, `kubectl patch` and other tools set on stable.
mod fields_that_others_set;
/// Manifests that Helm or kustomize rendered, with every tag written.
mod manifests_with_every_tag_written;
/// Objects that `kubectl apply` or `kubectl create` made before nprt came.
mod objects_that_kubectl_made;
/// Secrets written as `stringData`.
mod secrets_written_as_text;
/// Services, budgets and policies that select pods by a label that nprt sets.
mod services_that_select_the_version;
/// Manifests that the server fills with defaults, or writes in another way.
mod what_the_server_fills_in;
