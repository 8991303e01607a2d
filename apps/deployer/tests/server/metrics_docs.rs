//! What `docs/metrics-datadog.md` says to write is right.

use std::process::Command;

use crate::support::DEPLOYER;

/// The blocks of YAML that are about deployer.
fn blocks(text: &str) -> Vec<&str> {
    let blocks = text.split("```yaml\n").skip(1).map(|rest| rest.split_once("```").unwrap().0);
    blocks.filter(|block| !block.contains("not of deployer")).collect()
}

fn indented(block: &str) -> String {
    block.lines().map(|line| format!("    {line}\n")).collect()
}

#[test]
fn each_block_of_the_docs_is_read_and_checked() {
    let text = include_str!("../../../../docs/metrics-datadog.md");
    let blocks = blocks(text);
    assert!(blocks.len() >= 9, "{}", blocks.len());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("deployer.yml");
    for block in blocks {
        let metrics = if block.starts_with("transform:") {
            format!(
                "  metrics: {{statsd: {{}}}}\n{}",
                indented(block).replace("    transform", "  transform")
            )
        } else {
            format!("  metrics:\n{}", indented(block))
        };
        let service =
            "- name: shop\n  vcs: {git: {url: 'http://git.example.com/shop.git'}}\n  cluster: {memory: {}}\n";
        let token = "tokens: [{name: ci, sha256: c8d0a26d3f333b50700310dc79fc9fc8ada83e4a5c343c27c8f920b804b36f5b}]\n";
        let config = format!("cache: {}\n{token}services:\n{service}{metrics}", folder.path().display());
        std::fs::write(&file, &config).unwrap();
        let secrets = ["DD_API_KEY", "DD_APP_KEY", "SENTRY_TOKEN", "BUGSNAG_TOKEN"]
            .map(|name| (name, "0123456789abcdef"));
        let output =
            Command::new(DEPLOYER).args(["check", "--config"]).arg(&file).envs(secrets).output().unwrap();
        assert!(output.status.success(), "{config}\n{}", String::from_utf8_lossy(&output.stderr));
    }
}
