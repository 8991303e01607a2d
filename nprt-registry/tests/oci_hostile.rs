//! Registries that mean harm: lists without end, long manifests, tokens and addresses. Each costs bounded time and memory.
#![cfg(feature = "oci")]
#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use nprt_core::model::{ImageName, Tag};
use nprt_core::ports::ImageRegistry;
use nprt_core::{Error, ErrorKind};
use nprt_registry::oci::{DockerConfig, OciConfig, OciRegistry, RegistryConfig};
use serde_json::json;
use wiremock::matchers::{any, method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

const MANIFEST: &str = "/v2/shop/cart/manifests/v1";

fn client(server: &MockServer, change: impl FnOnce(&mut OciConfig)) -> OciRegistry {
    let mut config = OciConfig {
        docker_config: DockerConfig { enabled: false, ..DockerConfig::default() },
        registries: BTreeMap::from([(server.address().to_string(), RegistryConfig::default())]),
        ..OciConfig::default()
    };
    change(&mut config);
    OciRegistry::builder(config).build().unwrap()
}

fn image(server: &MockServer) -> ImageName {
    ImageName::new(&format!("{}/shop/cart", server.address())).unwrap()
}

/// A server whose every page has so many new tags, and a next page.
async fn endless(tags: usize, delay: Duration, next: String) -> MockServer {
    let (server, page) = (MockServer::start().await, AtomicUsize::new(0));
    let answer = move |_: &Request| {
        let page = page.fetch_add(1, Ordering::Relaxed);
        let tags: Vec<String> = (0..tags).map(|tag| format!("v{page}-{tag}")).collect();
        let link = format!("</v2/shop/cart/tags/list?last={page}{next}>; rel=\"next\"");
        let list = json!({"name": "shop/cart", "tags": tags});
        ResponseTemplate::new(200).insert_header("link", link.as_str()).set_body_json(list).set_delay(delay)
    };
    Mock::given(any()).respond_with(answer).mount(&server).await;
    server
}

async fn refused(server: &MockServer, change: impl FnOnce(&mut OciConfig)) -> Error {
    let began = Instant::now();
    let error = client(server, change).tags(&image(server)).await.unwrap_err();
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    error
}

#[tokio::test]
async fn a_list_without_end_meets_a_limit_that_is_named() {
    let server = endless(100, Duration::ZERO, String::new()).await;
    let error = refused(&server, |config| config.max_tags = 1_000).await;
    assert!(error.kind() == ErrorKind::Unexpected && error.to_string().contains("max_tags"), "{error}");

    let server = endless(0, Duration::from_millis(20), String::new()).await;
    let error = refused(&server, |config| config.list_timeout_seconds = 1).await;
    assert!(
        error.kind() == ErrorKind::Timeout && error.to_string().contains("list_timeout_seconds"),
        "{error}"
    );

    let server = endless(1, Duration::ZERO, "x".repeat(5_000)).await;
    let error = refused(&server, |_| ()).await;
    assert!(error.to_string().contains("2048 bytes"), "{error}");

    // In one answer.
    let server = endless(2_000, Duration::ZERO, String::new()).await;
    let error = refused(&server, |config| config.max_tags = 1_000).await;
    assert!(error.to_string().contains("max_tags"), "{error}");
}

#[tokio::test]
async fn as_many_tags_as_are_allowed_come_whole() {
    let server = MockServer::start().await;
    let tags: Vec<String> = (0..1_000).map(|tag| format!("v{tag}")).collect();
    let list = ResponseTemplate::new(200).set_body_json(json!({"name": "shop/cart", "tags": tags}));
    Mock::given(any()).respond_with(list).mount(&server).await;
    let found = client(&server, |config| config.max_tags = 1_000).tags(&image(&server)).await.unwrap();
    assert_eq!(found.len(), 1_000);
    let error = refused(&server, |config| config.max_tags = 999).await;
    assert!(error.to_string().contains("max_tags"), "{error}");
}

#[tokio::test]
async fn a_long_manifest_or_token_is_refused() {
    let server = MockServer::start().await;
    Mock::given(method("HEAD")).respond_with(ResponseTemplate::new(200)).mount(&server).await;
    let long = ResponseTemplate::new(200).set_body_bytes(vec![b' '; 100 << 20]);
    Mock::given(method("GET")).and(path(MANIFEST)).respond_with(long).mount(&server).await;
    let digest = client(&server, |_| ()).digest(&image(&server), &Tag::new("v1").unwrap()).await;
    let error = digest.unwrap_err().to_string();
    assert!(error.contains("too long") && error.contains("limit: "), "{error}");

    let server = MockServer::start().await;
    let ask = format!("Bearer realm=\"{}/token\"", server.uri());
    let token = ResponseTemplate::new(200).set_body_json(json!({"token": "x".repeat(2 << 20)}));
    Mock::given(path("/token")).respond_with(token).mount(&server).await;
    let ask = ResponseTemplate::new(401).insert_header("www-authenticate", ask.as_str());
    Mock::given(any()).respond_with(ask).mount(&server).await;
    let error = refused(&server, |_| ()).await;
    assert!(error.message().contains("too long"), "{error}");
}

#[test]
fn nothing_that_is_bent_at_random_panics() {
    let seconds = std::env::var("NPRT_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    let (end, mut random) = (Instant::now() + Duration::from_secs(seconds), 0x5eed_u64);
    let mut below = |end: usize| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(random >> 33).unwrap() % end.max(1)
    };
    let seeds: [&[u8]; 4] = [
        br#"{"name":"shop/cart","tags":["v1","v2"]}"#,
        br#"{"errors":[{"code":"DENIED","message":"no"}],"token":"t","expires_in":60}"#,
        br#"Bearer realm="https://auth.io/token",service="a, \"b\"",scope="repository:x:pull", Basic realm=x"#,
        br#"<https://gcr.io/v2/x/tags/list?last=b&n=2>; rel="next", </y>; rel=prev"#,
    ];
    while Instant::now() < end {
        for seed in seeds {
            let mut bent = seed.to_vec();
            for _ in 0..=below(5) {
                let at = below(bent.len() + 1);
                match below(3) {
                    0 => bent.insert(at, u8::try_from(below(256)).unwrap()),
                    1 => drop(bent.drain(at..(at + below(9)).min(bent.len()))),
                    _ => {
                        let part = bent[..at].to_vec();
                        bent.extend(part);
                        bent.truncate(500);
                    }
                }
            }
            nprt_registry::oci::fuzz_answer(&bent);
        }
    }
}
