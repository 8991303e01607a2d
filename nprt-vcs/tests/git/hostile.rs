//! Servers and repositories that do what nobody asked for.

use std::fs;

use nprt_core::ErrorKind;
use nprt_core::conformance::vcs::Edit;
use nprt_core::model::Secret;
use nprt_core::ports::VcsSource;
use nprt_testkit::{GitHttp, GitHttpOptions, need};
use nprt_vcs::git::GitSource;
use tempfile::TempDir;
use wiremock::matchers::{any, header_exists};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::writer::Writer;

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_to_another_host_gets_no_credentials() {
    let (here, there) = (MockServer::start().await, MockServer::start().await);
    let wants = || ResponseTemplate::new(401).insert_header("www-authenticate", "Basic realm=\"nprt\"");
    let target = format!("{}/shop.git/info/refs?service=git-upload-pack", there.uri());
    let away = ResponseTemplate::new(302).insert_header("location", target);
    Mock::given(header_exists("authorization")).respond_with(away).with_priority(1).mount(&here).await;
    Mock::given(any()).respond_with(wants()).mount(&here).await;
    Mock::given(any()).respond_with(wants()).mount(&there).await;
    let cache = TempDir::new().unwrap();
    let source = GitSource::builder(format!("{}/shop.git", here.uri())).cache(cache.path());
    let source = source.credentials("ada", Secret::new("hunter2")).build().unwrap();
    let error = source.resolve(&"main".parse().unwrap()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error:?}");
    let asked = there.received_requests().await.unwrap();
    assert!(!asked.is_empty(), "the redirect was followed");
    assert!(asked.iter().all(|request| !request.headers.contains_key("authorization")), "{asked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reference_whose_name_is_no_text_breaks_nothing_else() {
    let Some(server) = need(GitHttp::start(GitHttpOptions::default()).await) else { return };
    let path = server.repository("shop.git").unwrap();
    let commit = Writer::new(&path).write("main", "first", &[("a", Edit::File("1\n"))]);
    let line = [
        b"# pack-refs with: peeled fully-peeled sorted \n",
        commit.revision.to_string().as_bytes(),
        b" refs/heads/caf\xe9\n",
    ]
    .concat();
    fs::write(path.join("packed-refs"), line).unwrap();
    let cache = TempDir::new().unwrap();
    let served = GitSource::builder(server.url("shop.git")).cache(cache.path()).build().unwrap();
    let local = GitSource::builder(path.to_str().unwrap()).build().unwrap();
    for source in [&served, &local] {
        for reference in ["main", "HEAD", &commit.revision.to_string()[..7]] {
            let resolved = source.resolve(&reference.parse().unwrap()).await;
            assert_eq!(resolved.unwrap().revision, commit.revision);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_repeats_the_token_is_not_quoted() {
    let server = MockServer::start().await;
    let refusal = |said: &str| {
        let line = format!("ERR no access with {said}");
        let body = format!("001e# service=git-upload-pack\n0000{:04x}{line}", line.len() + 4);
        ResponseTemplate::new(200).set_body_raw(body, "application/x-git-upload-pack-advertisement")
    };
    let wants = ResponseTemplate::new(401).insert_header("www-authenticate", "Basic realm=\"nprt\"");
    Mock::given(any()).respond_with(wants).with_priority(9).mount(&server).await;
    let cache = TempDir::new().unwrap();
    let source = GitSource::builder(format!("{}/shop.git", server.uri())).cache(cache.path());
    let source = source.credentials("ada", Secret::new("hunter2")).build().unwrap();
    for (said, shown) in [("this token", true), ("hunter2", false)] {
        let with_token = header_exists("authorization");
        let mock = Mock::given(with_token).respond_with(refusal(said)).with_priority(1);
        let _scope = mock.mount_as_scoped(&server).await;
        let error = source.resolve(&"main".parse().unwrap()).await.unwrap_err();
        assert_eq!(format!("{error:?}").contains("no access with"), shown, "{error:?}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
}
