//! What a configuration composes: a pipeline over the services' parts.

mod composed;
mod news;
mod parts;
mod ports;

pub(crate) use composed::{Composed, Member, Told};
pub(crate) use parts::Parts;
