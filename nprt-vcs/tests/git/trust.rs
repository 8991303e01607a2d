//! Which servers are trusted, over TLS and ssh. What a process trusts is in its environment, so that each
//! test runs itself again in processes with another one.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use nprt_core::conformance::vcs;
use nprt_core::model::Secret;
use nprt_core::ports::VcsSource;
use nprt_core::{ErrorKind, Retry};
use nprt_testkit::{GitHttp, GitHttpOptions, GitSsh, PASSWORD, USER, need};
use nprt_vcs::git::{GitConfig, GitSource};
use tempfile::TempDir;

use crate::writer::Writer;

/// The URL and the directory of the repository that the started process is to use.
const URL: &str = "NPRT_TEST_URL";
const REPOSITORY: &str = "NPRT_TEST_REPOSITORY";

/// What the process that a test started is to use, if this is one.
fn told() -> Option<(String, Writer)> {
    let url = std::env::var(URL).ok()?;
    Some((url, Writer::new(std::env::var_os(REPOSITORY).unwrap())))
}

/// Runs this test in another process.
fn run_again(url: &str, repository: &Path, environment: &[(&str, PathBuf)]) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", std::thread::current().name().unwrap(), "--nocapture"]);
    command.env(URL, url).env(REPOSITORY, repository).envs(environment.iter().cloned());
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("1 passed"), "{said}{}", String::from_utf8_lossy(&output.stderr));
}

async fn is_refused(source: &GitSource) {
    for reference in ["main", "0123456", "0123456789012345678901234567890123456789"] {
        let error = source.resolve(&reference.parse().unwrap()).await.unwrap_err();
        assert_eq!((error.kind(), error.retry()), (ErrorKind::Unavailable, Retry::Permanent), "{error:?}");
        assert!(error.message().contains("not trusted"), "{error:?}");
    }
}

fn https(url: &str, cache: &TempDir) -> GitSource {
    let builder = GitSource::builder(url).cache(cache.path()).credentials(USER, Secret::new(PASSWORD));
    builder.build().unwrap()
}

#[tokio::test]
async fn over_tls_the_certificate_must_be_trusted_and_the_hosts_own() {
    let cache = TempDir::new().unwrap();
    if let Some((url, writer)) = told() {
        vcs::all(&https(&url, &cache), &writer).await;
        return is_refused(&https(&url.replace("127.0.0.1", "localhost"), &cache)).await;
    }
    let options = GitHttpOptions { password: true, tls: true, ..GitHttpOptions::default() };
    let Some(server) = need(GitHttp::start(options).await) else { return };
    let repository = server.repository("shop.git").unwrap();
    let url = server.url("shop.git");
    is_refused(&https(&url, &cache)).await;
    run_again(&url, &repository, &[("SSL_CERT_FILE", server.authority())]);
}

fn ssh(url: &str, user: String, cache: &TempDir) -> GitSource {
    let config = GitConfig { user: Some(user), cache: Some(cache.path().to_owned()), ..GitConfig::new(url) };
    nprt_vcs::git::GitBuilder::from(config).build().unwrap()
}

#[tokio::test]
async fn over_ssh_the_host_must_be_known() {
    let cache = TempDir::new().unwrap();
    if let Some((url, writer)) = told() {
        let source = ssh(&url, source_user(), &cache);
        let home = PathBuf::from(std::env::var_os("HOME").unwrap());
        if home.join(".ssh/known_hosts").exists() {
            vcs::all(&source, &writer).await;
            // Known by that name only.
            is_refused(&ssh(&url.replace("127.0.0.1", "localhost"), source_user(), &cache)).await;
        } else {
            is_refused(&source).await;
        }
        return;
    }
    let Some(server) = need(GitSsh::start().await) else { return };
    let repository = server.repository("shop.git").unwrap();
    let url = server.url("shop.git");
    let [home, agent, path] = server.environment();
    let user = ("NPRT_TEST_USER", PathBuf::from(server.user()));
    run_again(&url, &repository, &[home, agent.clone(), path.clone(), user.clone()]);
    let stranger = TempDir::new().unwrap();
    run_again(&url, &repository, &[("HOME", stranger.path().to_owned()), agent, path, user]);
}

#[tokio::test]
async fn an_ssh_that_says_nothing_ends_with_the_call() {
    let cache = TempDir::new().unwrap();
    if let Some((url, _)) = told() {
        let builder = GitSource::builder(url).cache(cache.path()).timeout_seconds(1);
        let error = builder.build().unwrap().resolve(&"main".parse().unwrap()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error:?}");
        let process =
            std::fs::read_to_string(Path::new(&std::env::var_os(REPOSITORY).unwrap()).join("process"))
                .unwrap();
        let process = PathBuf::from("/proc").join(process.trim());
        assert!(!process.exists(), "{process:?} is there still");
        return;
    }
    let folder = TempDir::new().unwrap();
    let program = folder.path().join("ssh");
    let script = format!("#!/bin/sh\necho $$ > {}/process\nexec sleep 1000\n", folder.path().display());
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap());
    run_again("ssh://127.0.0.1/shop.git", folder.path(), &[("PATH", path.into())]);
}

fn source_user() -> String {
    std::env::var("NPRT_TEST_USER").unwrap()
}
