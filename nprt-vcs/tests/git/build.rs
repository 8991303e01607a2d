use nprt_core::model::Secret;
use nprt_vcs::git::{GitConfig, GitSource};

#[test]
fn a_url_with_credentials_is_refused_and_never_printed() {
    for url in
        ["http://ada:hunter2@example.com/x.git", "hunter2@example.com:x.git", "ssh://hunter2@example.com/x"]
    {
        let error = GitSource::builder(url).cache("/tmp/x").build().unwrap_err();
        assert!(error.is_invalid(), "{error:?}");
        let config = format!("{:?}", GitConfig::new(url));
        assert!(!format!("{error:?}{config}").contains("hunter2"), "{error:?} {config}");
    }
}

#[test]
fn a_token_is_not_printed() {
    let builder = GitSource::builder("http://example.com/x").cache("/tmp/x");
    let builder = builder.credentials("ada", Secret::new("hunter2"));
    let printed = format!("{builder:?} {:?}", builder.clone().build().unwrap());
    assert!(!printed.contains("hunter2"), "{printed}");
}

#[test]
fn what_is_missing_is_named() {
    let cases = [
        (GitSource::builder("http://example.com/x"), "`cache`"),
        (GitSource::builder("http://example.com/x?y").cache("/x"), "`url`"),
        (GitSource::builder("ftp://example.com/x").cache("/x"), "available: http, https, ssh, file"),
        (GitSource::builder(""), "`url`"),
        (GitSource::builder("/x").timeout_seconds(0), "`timeout_seconds`"),
        (GitSource::builder("/x").credentials("ada", Secret::new("x")), "`token`"),
    ];
    for (builder, named) in cases {
        let error = builder.build().unwrap_err();
        assert!(error.is_invalid() && error.to_string().contains(named), "{error:?}");
    }
}
