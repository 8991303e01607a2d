//! The flows over the memory backends, each failure provoked.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says what it expects")]

mod allowed;
mod branches;
mod canary;
mod checkpoint;
mod concurrency;
mod deploy;
mod drift;
mod ending;
mod events;
mod expire;
mod faults;
mod faulty;
mod first_contact;
mod held;
mod jobs;
mod judge;
mod news;
mod ownership;
mod prune;
mod rendered;
mod report;
mod routes;
mod spans;
mod stop;
mod strangers;
mod tags;
mod tend;
mod traffic;
mod traffic_faults;
mod traffic_held;
mod undo;
mod untold;
mod waiting;
mod world;
