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

/// Objects that `kubectl apply` or `kubectl create` made before nprt came.
mod objects_that_kubectl_made;
