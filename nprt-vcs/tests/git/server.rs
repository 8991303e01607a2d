use std::process::Command;
use std::time::{Duration, Instant};

use nprt_core::ErrorKind;
use nprt_core::conformance::vcs::Edit;
use nprt_core::model::{Budget, RepoPath, Secret};
use nprt_core::ports::VcsSource;
use nprt_testkit::{GitHttp, GitHttpOptions, USER, need};
use nprt_vcs::git::GitSource;
use tempfile::TempDir;

use crate::writer::Writer;

#[tokio::test(flavor = "multi_thread")]
async fn credentials_are_asked_for_and_refused_ones_are_not_printed() {
    let options = GitHttpOptions { password: true, ..GitHttpOptions::default() };
    let Some(server) = need(GitHttp::start(options).await) else { return };
    let writer = Writer::new(server.repository("shop.git").unwrap());
    writer.write("main", "first", &[("a", Edit::File("1\n"))]);
    let cache = TempDir::new().unwrap();
    let builder = GitSource::builder(server.url("shop.git")).cache(cache.path());
    let wrong = builder.clone().credentials(USER, Secret::new("hunter2"));
    for builder in [builder, wrong] {
        for reference in ["main", "0123456", "0123456789012345678901234567890123456789"] {
            let error = builder.clone().build().unwrap().resolve(&reference.parse().unwrap()).await;
            let error = error.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{reference}: {error:?}");
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_gone_is_unavailable_but_what_was_fetched_is_there() {
    let Some(mut server) = need(GitHttp::start(GitHttpOptions::default()).await) else { return };
    let writer = Writer::new(server.repository("shop.git").unwrap());
    let commit = writer.write("main", "first", &[("a", Edit::File("1\n"))]);
    let cache = TempDir::new().unwrap();
    let source = GitSource::builder(server.url("shop.git")).cache(cache.path()).build().unwrap();
    source.resolve(&"main".parse().unwrap()).await.unwrap();
    server.kill();
    for reference in ["main", "0123456"] {
        let error = source.resolve(&reference.parse().unwrap()).await.unwrap_err();
        assert!(error.kind() == ErrorKind::Unavailable && error.is_temporary(), "{error:?}");
    }
    let files =
        source.read(&commit.revision, &RepoPath::new("a").unwrap(), &Budget::default()).await.unwrap();
    assert_eq!(files[0].content, "1\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_says_nothing_is_a_timeout() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/shop.git", silent.local_addr().unwrap());
    let cache = TempDir::new().unwrap();
    let source = GitSource::builder(url).cache(cache.path()).timeout_seconds(1).build().unwrap();
    let start = Instant::now();
    let error = source.resolve(&"main".parse().unwrap()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error:?}");
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    // The connection ends here, and with it the thread that waits for it.
    drop(silent);
}

#[tokio::test]
async fn a_directory_without_a_repository_is_not_found() {
    let directory = TempDir::new().unwrap();
    let source = GitSource::builder(directory.path().to_str().unwrap()).build().unwrap();
    let error = source.resolve(&"main".parse().unwrap()).await.unwrap_err();
    assert!(error.is_not_found() && error.to_string().contains("no git repository"), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_of_another_hash_is_said_to_be_one() {
    let Some(server) = need(GitHttp::start(GitHttpOptions::default()).await) else { return };
    let path = server.repository("shop.git").unwrap();
    std::fs::remove_dir_all(&path).unwrap();
    let mut init = Command::new("git");
    assert!(
        init.args(["init", "-q", "--bare", "--object-format=sha256"]).arg(&path).status().unwrap().success()
    );
    let cache = TempDir::new().unwrap();
    for place in [path.to_str().unwrap().to_owned(), server.url("shop.git")] {
        let source = GitSource::builder(place).cache(cache.path()).build().unwrap();
        let error = source.resolve(&"main".parse().unwrap()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error:?}");
        assert!(error.to_string().contains("object format: sha256"), "{error}");
        assert_eq!(error.available(), ["sha1"]);
    }
}
