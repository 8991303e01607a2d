//! The pipeline in processes of their own, on a real control plane: several at once, and such as are stopped or
//! killed. `NPRT_LONG=1` repeats each case as often as it takes to find what happens seldom.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test says what it expects"
)]

mod broken_off;
mod kill;
mod memory;
mod overlap;
mod plane;
mod process;
mod requests;
mod restart;
mod stop;
mod version;
mod wall_time;
mod worker;
