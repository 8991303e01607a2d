use nprt_core::ErrorKind;
use nprt_core::conformance::vcs;
use nprt_core::model::Secret;
use nprt_core::ports::{VcsCapabilities, VcsSource};
use nprt_testkit::{ModDavSvn, PASSWORD, Svnserve, USER, need};
use nprt_vcs::svn::{SvnLayout, SvnSource};
use tempfile::TempDir;

use crate::writer::Writer;

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_on_disk_keeps_the_contract() {
    let directory = TempDir::new().unwrap();
    let repository = directory.path().join("a shop@2");
    let writer = Writer::create(&repository);
    let source = SvnSource::builder(format!("file://{}", repository.display())).build().unwrap();
    vcs::all(&source, &writer).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn svnserve_keeps_the_contract() {
    let Some(server) = need(Svnserve::start().await) else { return };
    served(&server.url(), &Writer::new(server.repository())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mod_dav_svn_keeps_the_contract() {
    let Some(server) = need(ModDavSvn::start().await) else { return };
    served(&server.url(), &Writer::new(server.repository())).await;
}

async fn served(url: &str, writer: &Writer) {
    let builder = SvnSource::builder(url);
    let source = builder.clone().credentials(USER, Secret::new(PASSWORD)).build().unwrap();
    vcs::all(&source, writer).await;

    let wrong = builder.clone().credentials(USER, Secret::new("hunter2"));
    for builder in [builder, wrong] {
        let error = builder.build().unwrap().resolve(&"HEAD".parse().unwrap()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error:?}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
}

#[test]
fn the_declared_capabilities() {
    let builder = SvnSource::builder("svn://example.com/shop");
    let expected =
        VcsCapabilities { commits: false, revision_numbers: true, tags: true, changed_lines: true };
    assert_eq!(builder.clone().build().unwrap().capabilities(), expected);
    let flat = builder.layout(SvnLayout::flat()).build().unwrap();
    assert_eq!(flat.capabilities(), VcsCapabilities { tags: false, ..expected });
}
