//! Examples run as a person runs them.

use std::path::PathBuf;
use std::process::Command;

/// The program of an example. `./test` says by `NPRT_EXAMPLES_BUILT` that cargo has just built all of them,
/// with the features of the whole run; else it is built now, as `cargo run --example` would.
pub(crate) fn example(name: &str) -> PathBuf {
    if std::env::var_os("NPRT_EXAMPLES_BUILT").is_none() {
        let build = Command::new(env!("CARGO")).args(["build", "--quiet", "--example", name]).status();
        assert!(build.unwrap().success(), "cargo build --example {name}");
    }
    // This test is `target/<profile>/deps/…`.
    let test = std::env::current_exe().unwrap();
    test.ancestors().nth(2).unwrap().join("examples").join(name)
}
