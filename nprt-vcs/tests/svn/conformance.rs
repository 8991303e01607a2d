use std::fs;

use nprt_core::ErrorKind;
use nprt_core::conformance::vcs::{self, Edit};
use nprt_core::model::{Budget, Reference, RepoPath, Secret};
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

#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_a_repository_is_enough() {
    let Some(server) = need(Svnserve::start().await) else { return };
    let writer = Writer::new(server.repository());
    writer.edit("shop/trunk", &[("a", Edit::File("1\n"))]);
    let made = writer.commit_all("the shop").revision;
    writer.edit("shop/trunk", &[("a", Edit::File("1\n2\n"))]);
    let commit = writer.commit_all("the shop's").revision;
    let rules = format!("[/]\n* =\n[/shop]\n{USER} = r\n");
    fs::write(server.repository().join("conf/authz"), rules).unwrap();
    let file = server.repository().join("conf/svnserve.conf");
    let settings = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("{settings}authz-db = authz\n")).unwrap();
    let source = |url: String| {
        let builder = SvnSource::builder(url).credentials(USER, Secret::new(PASSWORD));
        builder.build().unwrap()
    };
    let shop = source(format!("{}/shop", server.url()));
    let resolved = shop.resolve(&"HEAD".parse().unwrap()).await.unwrap();
    assert_eq!((resolved.revision, resolved.changed.unwrap().added), (commit.clone(), 1));
    // The directory above, which it would take to show this, may not be read.
    let made = shop.resolve(&Reference::Revision(made)).await.unwrap();
    assert_eq!((made.message.as_str(), made.changed), ("the shop", None));
    assert_eq!(
        shop.read(&commit, &RepoPath::new("a").unwrap(), &Budget::default()).await.unwrap()[0].content,
        "1\n2\n"
    );
    let error = source(server.url()).resolve(&"HEAD".parse().unwrap()).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Forbidden | ErrorKind::Unauthenticated), "{error:?}");
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
