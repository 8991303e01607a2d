//! All or nothing for a person: before a deploy changes stable, it records in the cluster what is there, and
//! removes the record when the rollout is complete. Whoever holds the service's lease and finds a record puts
//! back what it says: the deploy itself where it fails, and else the next operation, for one that was
//! cancelled or whose process died. This needs the cluster alone.

mod record;
mod revert;
