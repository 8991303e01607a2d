use nprt_core::conformance::vcs;
use nprt_core::model::Secret;
use nprt_core::ports::{VcsCapabilities, VcsSource};
use nprt_testkit::{GitHttp, GitHttpOptions, PASSWORD, USER, need};
use nprt_vcs::git::GitSource;
use tempfile::TempDir;

use crate::writer::Writer;

#[tokio::test(flavor = "multi_thread")]
async fn a_local_directory_keeps_the_contract() {
    let directory = TempDir::new().unwrap();
    let writer = Writer::init(directory.path());
    let source = GitSource::builder(directory.path().to_str().unwrap()).build().unwrap();
    vcs::all(&source, &writer).await;
    let url = format!("file://{}", directory.path().display());
    let source = GitSource::builder(url).build().unwrap();
    vcs::resolves_the_present_state(&source, &writer).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_keeps_the_contract() {
    served(GitHttpOptions::default()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_server_that_hands_out_references_only_keeps_the_contract() {
    served(GitHttpOptions { protocol_0: true, ..GitHttpOptions::default() }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_server_with_a_password_that_hands_out_any_commit_keeps_the_contract() {
    let options = GitHttpOptions { password: true, any_commit: true, protocol_0: true, tls: false };
    served(options).await;
}

async fn served(options: GitHttpOptions) {
    let Some(server) = need(GitHttp::start(options).await) else { return };
    let writer = Writer::new(server.repository("shop.git").unwrap());
    let cache = TempDir::new().unwrap();
    let mut builder = GitSource::builder(server.url("shop.git")).cache(cache.path());
    if options.password {
        builder = builder.credentials(USER, Secret::new(PASSWORD));
    }
    vcs::all(&builder.build().unwrap(), &writer).await;
}

#[test]
fn the_declared_capabilities() {
    let source = GitSource::builder("/srv/git/shop.git").build().unwrap();
    let expected =
        VcsCapabilities { commits: true, revision_numbers: false, tags: true, changed_lines: true };
    assert_eq!(source.capabilities(), expected);
}
