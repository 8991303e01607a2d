//! The OpenAPI document and the server agree, in the eyes of schemathesis: it asks what the document allows, and what
//! it forbids.

use std::path::Path;
use std::process::Command;

use crate::support::{HERE, Server};

#[test]
fn schemathesis_finds_nothing() {
    let Some(schemathesis) = nprt_testkit::need(nprt_testkit::tool("schemathesis")) else { return };
    let server = Server::demo(&["--no-autopilot"]);
    let here = Path::new(HERE).join("tests/server/schemathesis");
    let folder = tempfile::tempdir().unwrap();
    for file in ["hooks.py", "schemathesis.toml"] {
        std::fs::copy(here.join(file), folder.path().join(file)).unwrap();
    }
    let tags: String = server.tags.iter().map(|tag| format!("\"{tag}\"\n")).collect();
    std::fs::write(folder.path().join("tags"), tags).unwrap();
    let output = Command::new(schemathesis)
        .args(["run", "--no-color", &format!("{}/openapi.json", server.url)])
        .current_dir(folder.path())
        .env("PYTHONPATH", folder.path())
        .env("DEPLOYER_TOKEN", &server.token)
        .output()
        .unwrap();
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.contains("No issues found"), "{said}");
    // It got to what is behind the refusals.
    for phase in ["Coverage", "Fuzzing", "Stateful"] {
        assert!(said.contains(&format!("✅  {phase}")), "{phase}: {said}");
    }
    let log = server.log();
    for done in ["deploy", "canary", "rollback", "hooks/alertmanager"] {
        assert!(log.contains(&format!("/boutique/{done} status=200")), "{done}: {said}");
    }
    assert!(!log.contains("panicked"), "{log}");
}
