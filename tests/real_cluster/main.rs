//! The pipeline on a real control plane: what it does, looked at with kubectl.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test says what it expects"
)]

mod adoption;
mod allowed;
mod answer;
mod autoscaler;
mod boutique;
mod ending;
mod events;
mod expire;
mod flow;
mod hostile;
mod jobs;
mod kinds;
mod overlap;
mod process;
mod promotion;
mod prune;
mod teams;
mod tend;
mod traffic;
mod undo;
mod world;
