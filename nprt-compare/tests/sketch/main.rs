//! The sketch: what its documentation promises, against the samples themselves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says what it expects")]
#![allow(clippy::float_cmp, reason = "edges are exact")]

mod bounds;
mod form;
mod memory;
mod properties;
mod reference;
