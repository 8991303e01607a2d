//! References to images, against the grammar of the distribution project and its cases
//! (github.com/distribution/reference): what it refuses we refuse, and what it reads we read alike.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says what it expects")]

use nprt_core::model::{Digest, ImageName, ImageRef, Tag};

#[test]
fn reads_the_whole_grammar() {
    let sha = format!("sha256:{}", "0a".repeat(32));
    let long = format!("{}a", "a/".repeat(127));
    let hex = "0123456789abcdef".repeat(4);
    let cases = [
        ("nginx", "docker.io", "library/nginx", None, false),
        ("shop_v2", "docker.io", "library/shop_v2", None, false),
        ("docker.io/nginx:1", "docker.io", "library/nginx", Some("1"), false),
        ("index.docker.io/library/nginx", "docker.io", "library/nginx", None, false),
        ("shop/cart", "docker.io", "shop/cart", None, false),
        // Without a `/` there is no domain: a port-like end is a tag, a domain-like name a name.
        ("shop.io:5000", "docker.io", "library/shop.io", Some("5000"), false),
        ("10.1.2.3:latest", "docker.io", "library/10.1.2.3", Some("latest"), false),
        ("host:5000/app", "host:5000", "app", None, false),
        ("host:5000/app:5050", "host:5000", "app", Some("5050"), false),
        ("host:5000/a/b__c/d--e:v1", "host:5000", "a/b__c/d--e", Some("v1"), false),
        ("10.1.2.3:5000/app", "10.1.2.3:5000", "app", None, false),
        ("sub-dom.x.io/a.b-c/d:x.io", "sub-dom.x.io", "a.b-c/d", Some("x.io"), false),
        ("xn--n3h.com/app:xn--n3h.com", "xn--n3h.com", "app", Some("xn--n3h.com"), false),
        ("[::1]:5000/app:x", "[::1]:5000", "app", Some("x"), false),
        ("[2001:db8::]/app", "[2001:db8::]", "app", None, false),
        ("localhost/app", "localhost", "app", None, false),
        // Upper case makes the first part a domain, and a tag may have it.
        ("Shop/cart:RC1", "Shop", "cart", Some("RC1"), false),
        (&format!("gcr.io/x/app:v1@{sha}"), "gcr.io", "x/app", Some("v1"), true),
        (&format!("[::1]:5000/app@{sha}"), "[::1]:5000", "app", None, true),
        (&format!("app@{sha}"), "docker.io", "library/app", None, true),
        (&format!("app@sha384:{}", "f".repeat(96)), "docker.io", "library/app", None, true),
        (&format!("app@sha512:{}", "f".repeat(128)), "docker.io", "library/app", None, true),
        // The 255 characters are the path's.
        (&format!("{long}:tag"), "docker.io", &long, Some("tag"), false),
        (&format!("registry.example.com/{long}"), "registry.example.com", &long, None, false),
        (&format!("docker.io/{hex}"), "docker.io", &format!("library/{hex}"), None, false),
        (&format!("{hex}:v1"), "docker.io", &format!("library/{hex}"), Some("v1"), false),
    ];
    for (text, registry, repository, tag, digest) in cases {
        let image = ImageRef::new(text).unwrap();
        assert_eq!(image.name().registry(), registry, "{text}");
        assert_eq!(image.name().repository(), repository, "{text}");
        assert_eq!(image.tag().map(Tag::as_str), tag, "{text}");
        assert_eq!(image.digest().is_some(), digest, "{text}");
        assert_eq!(image.to_string(), text);
    }
}

#[test]
fn refuses_what_no_registry_takes() {
    let hex = "0123456789abcdef".repeat(4);
    let long = format!("{}a", "a/".repeat(128));
    for bad in [
        "",
        ":v1",
        "App",
        "app:",
        "a//b",
        "a/",
        "/a",
        "a:b:c",
        "a b",
        "a$b/c",
        "-a",
        "_a/b",
        "a-/b",
        "a_/b",
        "a..b",
        "a___b",
        "a._b",
        "a.-b",
        "shop/Cart",
        "a.io/B",
        "host:5000/Shop/cart",
        "https://a.io/b",
        "-h.io/a",
        "h-.io/a",
        "a_b.io:80/c",
        "host:0/a",
        "host:x/a",
        "host:99999/a",
        "[::1]",
        "[::1]:5000",
        "::1:5000/a",
        "[fe80::1%eth0]:5000/a",
        "[2001:db8::10.0.0.1]/a",
        "a@sha256:00",
        "@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        "a@sha256:0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef",
        "a@sha1:0123456789abcdef0123456789abcdef01234567",
        "a@md6:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        &format!("a:{}", "t".repeat(129)),
        &hex,
        &long,
    ] {
        assert!(ImageRef::new(bad).unwrap_err().is_invalid(), "{bad:?}");
    }
    let error = Digest::new("md5:00").unwrap_err().to_string();
    assert!(error.contains("available: sha256, sha384, sha512"), "{error}");
}

#[test]
fn a_prefix_replaces_the_domain() {
    let name = ImageName::new("gcr.io/shop/cart").unwrap();
    assert_eq!(name.with_prefix("mirror:5000/all/").unwrap().to_string(), "mirror:5000/all/shop/cart");
}
