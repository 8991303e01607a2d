//! A deploy server: canaries beside stable in production, judged, promoted or rolled back, by HTTP.
//!
//! It composes the library [`nprt`] and holds nothing that a user of the library would want. The binary is
//! [`main`]; the package's README says how to use it.

#![allow(dead_code, unused_imports, reason = "the server that uses it comes next")]

mod cli;
mod compose;
mod config;

pub use cli::main;
