//! How the program `svn` is run, and what its configuration refuses.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use nprt_core::model::Secret;
use nprt_core::ports::VcsSource;
use nprt_core::{ErrorKind, Retry};
use nprt_testkit::{GitHttp, GitHttpOptions, need};
use nprt_vcs::svn::{SvnBuilder, SvnConfig, SvnLayout, SvnSource};
use tempfile::TempDir;
use wiremock::matchers::{any, header_exists};
use wiremock::{Mock, MockServer, ResponseTemplate};

/// A program that stands in for `svn`.
fn script(directory: &TempDir, lines: &str) -> PathBuf {
    let path = directory.path().join("svn");
    fs::write(&path, format!("#!/bin/sh\ncd {}\n{lines}\n", directory.path().display())).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    path
}

fn builder() -> SvnBuilder {
    SvnSource::builder("svn://127.0.0.1:1/shop")
}

#[tokio::test]
async fn the_password_goes_to_its_input_and_never_into_an_argument() {
    let directory = TempDir::new().unwrap();
    let program = script(&directory, "echo \"$@\" > arguments; cat > input; exit 1");
    let source = builder().program(program).credentials("ada", Secret::new("hunter2")).build().unwrap();
    let error = source.resolve(&"r7".parse().unwrap()).await.unwrap_err();
    assert!(!format!("{error:?} {source:?}").contains("hunter2"));
    let arguments = fs::read_to_string(directory.path().join("arguments")).unwrap();
    assert!(!arguments.contains("hunter2"), "{arguments}");
    for expected in
        ["--non-interactive", "--no-auth-cache", "--config-dir", "--password-from-stdin", "shop@7"]
    {
        assert!(arguments.contains(expected), "{expected} is missing: {arguments}");
    }
    assert_eq!(fs::read_to_string(directory.path().join("input")).unwrap(), "hunter2\n");
}

#[tokio::test]
async fn what_repeats_the_password_is_not_quoted() {
    let directory = TempDir::new().unwrap();
    for (said, shown) in [("this password", true), ("hunter2", false)] {
        let program = script(&directory, &format!("echo 'svn: E170001: no access with {said}' >&2; exit 1"));
        let source = builder().program(program).credentials("ada", Secret::new("hunter2")).build().unwrap();
        let error = source.resolve(&"r7".parse().unwrap()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error:?}");
        assert_eq!(format!("{error:?}").contains("no access with"), shown, "{error:?}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_to_another_host_gets_no_credentials() {
    let (here, there) = (MockServer::start().await, MockServer::start().await);
    let wants = || ResponseTemplate::new(401).insert_header("www-authenticate", "Basic realm=\"nprt\"");
    let target = format!("{}/shop", there.uri().replace("127.0.0.1", "localhost"));
    let away = ResponseTemplate::new(301).insert_header("location", target);
    Mock::given(header_exists("authorization")).respond_with(away).with_priority(1).mount(&here).await;
    Mock::given(any()).respond_with(wants()).mount(&here).await;
    Mock::given(any()).respond_with(wants()).mount(&there).await;
    let source = SvnSource::builder(format!("{}/shop", here.uri()));
    let source = source.credentials("ada", Secret::new("hunter2")).build().unwrap();
    source.resolve(&"HEAD".parse().unwrap()).await.unwrap_err();
    let asked = there.received_requests().await.unwrap();
    assert!(!asked.is_empty(), "the redirect was followed");
    assert!(asked.iter().all(|request| !request.headers.contains_key("authorization")), "{asked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_is_not_trusted_is_refused() {
    let options = GitHttpOptions { tls: true, ..GitHttpOptions::default() };
    let Some(server) = need(GitHttp::start(options).await) else { return };
    let source = SvnSource::builder(server.url("shop")).credentials("ada", Secret::new("hunter2"));
    let error = source.build().unwrap().resolve(&"HEAD".parse().unwrap()).await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Unavailable, Retry::Permanent), "{error:?}");
    assert!(error.message().contains("not trusted"), "{error:?}");
}

#[tokio::test]
async fn a_program_that_hangs_is_killed() {
    let directory = TempDir::new().unwrap();
    let program = script(&directory, "echo $$ > pid; exec sleep 60");
    let source = builder().program(program).timeout_seconds(1).build().unwrap();
    let start = Instant::now();
    let error = source.resolve(&"HEAD".parse().unwrap()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error:?}");
    assert!(start.elapsed() < Duration::from_secs(10));
    let process = fs::read_to_string(directory.path().join("pid")).unwrap();
    let state = format!("/proc/{}/stat", process.trim());
    // Killed at once; reaped by the runtime a moment later.
    let ended = || fs::read_to_string(&state).map_or(true, |state| state.contains(") Z "));
    while !ended() {
        assert!(start.elapsed() < Duration::from_secs(20), "it still runs");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn an_endless_answer_is_cut() {
    let directory = TempDir::new().unwrap();
    let program = script(&directory, "exec cat /dev/zero");
    let error = builder().program(program).build().unwrap().resolve(&"HEAD".parse().unwrap()).await;
    let error = error.unwrap_err();
    assert!(error.to_string().contains("longer than"), "{error:?}");
}

#[tokio::test]
async fn a_missing_program_is_named() {
    let source = builder().program("/no/such/svn").build().unwrap();
    let error = source.resolve(&"HEAD".parse().unwrap()).await.unwrap_err();
    assert!(error.to_string().contains("not installed") && error.to_string().contains("/no/such/svn"));
    assert!(!error.is_temporary(), "asking again does not help");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable() {
    let error = builder().build().unwrap().resolve(&"HEAD".parse().unwrap()).await.unwrap_err();
    assert!(error.kind() == ErrorKind::Unavailable && error.is_temporary(), "{error:?}");
}

#[test]
fn what_is_refused_is_named_without_a_secret() {
    let layout = SvnLayout { trunk: "../trunk".to_owned(), ..SvnLayout::default() };
    let cases = [
        (SvnSource::builder("svn://ada:hunter2@example.com/x"), "`url`"),
        (SvnSource::builder("ftp://example.com/x"), "available: http, https, svn, file"),
        (builder().timeout_seconds(0), "`timeout_seconds`"),
        (builder().credentials("--config-dir", Secret::new("hunter2")), "`user`"),
        (builder().credentials("ada", Secret::new("hunter2\nmore")), "`password`"),
        (builder().layout(layout), "layout"),
    ];
    for (builder, named) in cases {
        assert!(!format!("{builder:?}").contains("hunter2"), "{builder:?}");
        let error = builder.build().unwrap_err();
        assert!(error.is_invalid() && error.to_string().contains(named), "{error:?}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
    let config =
        SvnConfig { password: Some(Secret::new("hunter2")), ..SvnConfig::new("svn://example.com/x") };
    assert!(!format!("{config:?}").contains("hunter2"));
}
