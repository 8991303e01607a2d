//! What others fill in, as functions of bytes: each takes any bytes, and neither panics nor takes long nor uses much
//! memory. `fuzz_targets/` gives them to libFuzzer, and the tests here try them on `corpus/` and on mutations of it.
#![allow(missing_docs, clippy::unwrap_used, reason = "a fuzz target says what it expects")]

mod answers;
mod cluster;
mod documents;
mod git;
mod names;
#[cfg(test)]
mod tests;

pub use deployer::fuzzed::{configuration, hook, parameters};

pub use answers::{datadog, prometheus, registry, slack};
pub use cluster::undo;
pub use documents::{judge, manifests, policy};
pub use git::git;
pub use names::{names, otlp, statsd};

/// A target: it takes any bytes.
pub type Target = fn(&[u8]);

/// All of them, by name.
pub const TARGETS: [(&str, Target); 15] = [
    ("configuration", configuration),
    ("datadog", datadog),
    ("git", git),
    ("hook", hook),
    ("judge", judge),
    ("manifests", manifests),
    ("names", names),
    ("otlp", otlp),
    ("parameters", parameters),
    ("policy", policy),
    ("prometheus", prometheus),
    ("registry", registry),
    ("slack", slack),
    ("statsd", statsd),
    ("undo", undo),
];

/// Gives a target to libFuzzer; built without it, tries the files that are named, such as what libFuzzer found.
#[macro_export]
macro_rules! target {
    ($name:ident) => {
        #[cfg(fuzzing)]
        libfuzzer_sys::fuzz_target!(|data: &[u8]| $crate::$name(data));

        #[cfg(not(fuzzing))]
        fn main() -> std::io::Result<()> {
            for file in std::env::args_os().skip(1) {
                $crate::$name(&std::fs::read(file)?);
            }
            Ok(())
        }
    };
}
