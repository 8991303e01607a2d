//! The server, built where it is not there yet.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::process::Process;

/// The program. `./test` says by `NPRT_EXAMPLES_BUILT` that cargo has just built it, with the features of the whole
/// run; else it is built now.
fn program() -> &'static PathBuf {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        if std::env::var_os("NPRT_EXAMPLES_BUILT").is_none() {
            let build =
                Command::new(env!("CARGO")).args(["build", "--quiet", "-p", "nprt-deployer"]).status();
            assert!(build.unwrap().success(), "cargo build -p nprt-deployer");
        }
        let program = Path::new(env!("CARGO_BIN_EXE_depctl")).with_file_name("deployer");
        assert!(program.exists(), "{} is built with the workspace", program.display());
        program
    })
}

/// `deployer demo`.
pub(crate) fn demo(arguments: &[&str]) -> Process {
    Process::demo(program(), arguments)
}

/// `deployer serve`, by a configuration with this token.
pub(crate) fn serve(config: &Path, token: &str) -> Process {
    let mut server = Process::start(Process::serve(program(), config));
    token.clone_into(&mut server.token);
    server
}
