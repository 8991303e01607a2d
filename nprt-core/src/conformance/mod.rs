//! Each port's contract as public async functions over `&dyn Port`, which panic, saying what was expected,
//! where a backend breaks it. A backend's tests call them; so may those of a backend outside this workspace.

pub mod clock;
pub mod cluster;
pub mod metrics;
pub mod notifier;
pub mod registry;
pub mod vcs;
