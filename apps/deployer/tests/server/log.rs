//! How much is logged.

use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::support::{ADMIN, DEPLOYER, Process, Server, World, tokens};

#[tokio::test]
async fn a_filter_that_cannot_be_read_is_an_error_and_one_that_can_holds() {
    let world = World::new();
    let config = world.config(json!({"tokens": tokens()}), json!({}));
    for wrong in ["nprt_pipeline=loud", "info,[", "deployer=info=debug"] {
        let output = Command::new(DEPLOYER)
            .args(["serve", "--listen", "127.0.0.1:0", "--config"])
            .arg(&config)
            .env("DEPLOYER_LOG", wrong)
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(
            !output.status.success() && said.starts_with("DEPLOYER_LOG: expected a level"),
            "{wrong}: {said}"
        );
    }
    for (filter, is_told) in [("", true), ("info", true), ("info,deployer::http=warn", false)] {
        let mut command = Process::serve(Path::new(DEPLOYER), &config);
        command.env("DEPLOYER_LOG", filter);
        let mut server = Server::start(command).await;
        ADMIN.clone_into(&mut server.token);
        assert_eq!(server.get("/web/status").await.0, 200);
        assert!(server.terminate().await);
        assert_eq!(server.log().contains("path=/web/status"), is_told, "{filter}: {}", server.log());
    }
}
