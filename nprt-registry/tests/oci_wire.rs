//! What no real registry does on demand: refusals, broken answers, strangers that ask for credentials.
#![cfg(feature = "oci")]
#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use nprt_core::clock::ManualClock;
use nprt_core::model::{Digest, ImageName, Secret, Tag};
use nprt_core::ports::ImageRegistry;
use nprt_core::{Error, ErrorKind};
use nprt_registry::oci::{Credentials, DockerConfig, OciConfig, OciRegistry, RegistryConfig};
use serde_json::json;
use wiremock::matchers::{any, body_string_contains, header, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

const PASSWORD: &str = "s3cret-word";
const TAGS: &str = "/v2/shop/cart/tags/list";
const MANIFEST: &str = "/v2/shop/cart/manifests/v1";

fn user() -> Credentials {
    Credentials::Basic { username: "nprt".to_owned(), password: Secret::new(PASSWORD) }
}

fn config(server: &MockServer, registry: RegistryConfig) -> OciConfig {
    let mut config = OciConfig {
        docker_config: DockerConfig { enabled: false, ..DockerConfig::default() },
        registries: BTreeMap::from([(server.address().to_string(), registry)]),
        ..OciConfig::default()
    };
    config.http.timeout_seconds = 1;
    config
}

fn client(server: &MockServer, credentials: Credentials) -> OciRegistry {
    let registry = RegistryConfig { credentials: Some(credentials), ..RegistryConfig::default() };
    OciRegistry::builder(config(server, registry)).build().unwrap()
}

fn image(server: &MockServer) -> ImageName {
    ImageName::new(&format!("{}/shop/cart", server.address())).unwrap()
}

fn v1() -> Tag {
    Tag::new("v1").unwrap()
}

fn tag_list(tags: &[&str]) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({"name": "shop/cart", "tags": tags}))
}

fn challenge(challenge: &str) -> ResponseTemplate {
    ResponseTemplate::new(401).insert_header("www-authenticate", challenge)
}

async fn serve(server: &MockServer, at: &str, response: ResponseTemplate) {
    Mock::given(path(at)).respond_with(response).mount(server).await;
}

fn hides_the_password(error: &Error) {
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains(PASSWORD) && !shown.contains("bnBydDpzM2NyZXQtd29yZA=="), "{shown}");
}

#[tokio::test]
async fn a_refusal_has_its_kind_and_says_what_the_registry_said() {
    let cases = [
        (400, ErrorKind::Invalid, false),
        (403, ErrorKind::Forbidden, false),
        (404, ErrorKind::NotFound, false),
        (429, ErrorKind::RateLimited, true),
        (500, ErrorKind::Unavailable, true),
        (503, ErrorKind::Unavailable, true),
    ];
    for (status, kind, temporary) in cases {
        let server = MockServer::start().await;
        let said = json!({"errors": [{"code": "SOME_CODE", "message": "in plain words"}]});
        let response = ResponseTemplate::new(status).insert_header("retry-after", "7").set_body_json(said);
        Mock::given(any()).respond_with(response).mount(&server).await;
        let error = client(&server, Credentials::Anonymous).tags(&image(&server)).await.unwrap_err();
        assert_eq!((error.kind(), error.is_temporary()), (kind, temporary), "{error}");
        if status != 404 {
            assert!(error.message().contains("SOME_CODE: in plain words"), "{error}");
            assert_eq!(error.retry_after(), Some(Duration::from_secs(7)), "{error}");
        }
        assert!(error.to_string().contains("shop/cart"), "{error}");
        let digest = client(&server, Credentials::Anonymous).digest(&image(&server), &v1()).await;
        assert_eq!(digest.unwrap_err().kind(), kind);
    }
}

#[tokio::test]
async fn a_registry_that_repeats_the_password_is_not_quoted() {
    let server = MockServer::start().await;
    let echo = format!("wrong: {PASSWORD} or bnBydDpzM2NyZXQtd29yZA==");
    let said = json!({"errors": [{"code": "DENIED", "message": echo}]});
    let refusal = ResponseTemplate::new(403).set_body_json(said);
    Mock::given(header("authorization", "Basic bnBydDpzM2NyZXQtd29yZA=="))
        .respond_with(refusal)
        .mount(&server)
        .await;
    Mock::given(any()).respond_with(challenge("Basic realm=\"x\"")).mount(&server).await;
    let error = client(&server, user()).tags(&image(&server)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Forbidden);
    hides_the_password(&error);
}

#[tokio::test]
async fn silence_is_a_time_out_and_nobody_there_is_unavailable() {
    let server = MockServer::start().await;
    serve(&server, TAGS, tag_list(&[]).set_delay(Duration::from_secs(5))).await;
    let error = client(&server, Credentials::Anonymous).tags(&image(&server)).await.unwrap_err();
    assert!(error.kind() == ErrorKind::Timeout && error.is_temporary(), "{error}");
    let gone = ImageName::new("127.0.0.1:1/shop/cart").unwrap();
    let error = client(&server, Credentials::Anonymous).tags(&gone).await.unwrap_err();
    assert!(error.kind() == ErrorKind::Unavailable && error.is_temporary(), "{error}");
}

#[tokio::test]
async fn answers_outside_the_protocol_are_unexpected() {
    let cases = [
        ResponseTemplate::new(200).set_body_string("<html>"),
        ResponseTemplate::new(200).set_body_json(json!({"tags": "v1"})),
        tag_list(&["-bad tag"]),
        tag_list(&["v1"]).insert_header("link", format!("<{TAGS}?n=100>; rel=\"next\"").as_str()),
        tag_list(&["v1"]).insert_header("link", "<http://example.com/v2/x?token=s3cret-word>; rel=\"next\""),
    ];
    for response in cases {
        let server = MockServer::start().await;
        serve(&server, TAGS, response).await;
        let error = client(&server, user()).tags(&image(&server)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unexpected, "{error}");
        hides_the_password(&error);
    }
}

#[tokio::test]
async fn pages_are_followed_and_null_is_no_tags() {
    let server = MockServer::start().await;
    let link = |target: &str| format!("<{target}>; rel=\"next\"");
    let page = |query: Option<&str>, response| {
        let mock = Mock::given(path(TAGS));
        match query {
            Some(last) => mock.and(query_param("last", last)).respond_with(response),
            None => mock.and(query_param("n", "100")).respond_with(response),
        }
    };
    let absolute = format!("{}{TAGS}?last=b", server.uri());
    page(Some("b"), tag_list(&["c", "a"])).mount(&server).await;
    page(Some("a"), tag_list(&["b"]).insert_header("link", link(&absolute).as_str())).mount(&server).await;
    page(None, tag_list(&["a"]).insert_header("link", link("list?last=a").as_str())).mount(&server).await;
    let tags = client(&server, Credentials::Anonymous).tags(&image(&server)).await.unwrap();
    assert_eq!(tags.iter().map(Tag::as_str).collect::<Vec<_>>(), ["a", "b", "c"]);

    let server = MockServer::start().await;
    serve(&server, TAGS, ResponseTemplate::new(200).set_body_json(json!({"tags": null}))).await;
    assert_eq!(client(&server, Credentials::Anonymous).tags(&image(&server)).await.unwrap(), []);
}

#[tokio::test]
async fn a_mirror_serves_the_images_of_docker_hub() {
    let server = MockServer::start().await;
    serve(&server, "/v2/library/nginx/tags/list", tag_list(&["1"])).await;
    let mirror = RegistryConfig { host: Some(server.address().to_string()), ..RegistryConfig::default() };
    let mut config = config(&server, RegistryConfig::default());
    config.registries = BTreeMap::from([("docker.io".to_owned(), mirror)]);
    let client = OciRegistry::builder(config).build().unwrap();
    assert_eq!(client.tags(&ImageName::new("nginx").unwrap()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn without_the_header_the_digest_is_that_of_the_body() {
    let empty = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
    for head in [200, 405] {
        let server = MockServer::start().await;
        let head = ResponseTemplate::new(head);
        Mock::given(method("HEAD")).and(path(MANIFEST)).respond_with(head).mount(&server).await;
        serve(&server, MANIFEST, ResponseTemplate::new(200).set_body_string("{}")).await;
        let digest = client(&server, Credentials::Anonymous).digest(&image(&server), &v1()).await.unwrap();
        assert_eq!(digest, Digest::new(empty).unwrap());
    }
    let lying = format!("sha256:{}", "0".repeat(64));
    for (on_head, on_get) in [(Some("sha256:00"), None), (None, Some(lying.as_str()))] {
        let server = MockServer::start().await;
        let with = |response: ResponseTemplate, digest: Option<&str>| match digest {
            Some(digest) => response.insert_header("docker-content-digest", digest),
            None => response,
        };
        let head = with(ResponseTemplate::new(200), on_head);
        Mock::given(method("HEAD")).and(path(MANIFEST)).respond_with(head).mount(&server).await;
        serve(&server, MANIFEST, with(ResponseTemplate::new(200).set_body_string("{}"), on_get)).await;
        let error = client(&server, Credentials::Anonymous).digest(&image(&server), &v1()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unexpected, "{error}");
    }
}

#[tokio::test]
async fn credentials_go_along_no_redirect_to_another_host() {
    let (server, stranger) = (MockServer::start().await, MockServer::start().await);
    Mock::given(any()).respond_with(tag_list(&["v1"])).expect(0).mount(&stranger).await;
    let away =
        ResponseTemplate::new(307).insert_header("location", format!("{}{TAGS}", stranger.uri()).as_str());
    Mock::given(path(TAGS))
        .and(header("authorization", "Basic bnBydDpzM2NyZXQtd29yZA=="))
        .respond_with(away)
        .mount(&server)
        .await;
    serve(&server, TAGS, challenge("Basic realm=x")).await;
    let error = client(&server, user()).tags(&image(&server)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unexpected, "{error}");
    hides_the_password(&error);
}

#[tokio::test]
async fn credentials_go_to_no_token_service_without_tls_elsewhere() {
    let server = MockServer::start().await;
    serve(&server, TAGS, challenge("Bearer realm=\"http://example.com/token?x=1\",service=\"x\"")).await;
    let error = client(&server, user()).tags(&image(&server)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unexpected, "{error}");
    assert!(error.to_string().contains("realm: http://example.com/token,"), "{error}");
    for bad in ["Bearer service=x", "Bearer realm=\"/token\"", "Bearer realm=\"\""] {
        let server = MockServer::start().await;
        serve(&server, TAGS, challenge(bad)).await;
        let error = client(&server, user()).tags(&image(&server)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unexpected, "{bad}: {error}");
    }
    let server = MockServer::start().await;
    serve(&server, TAGS, challenge("Negotiate")).await;
    let error = client(&server, user()).tags(&image(&server)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error}");
}

/// A registry that asks for the token `t0ken`, from its token service at `/token`.
async fn with_token_service() -> MockServer {
    let server = MockServer::start().await;
    let ask = format!("Basic realm=\"x\", Bearer realm=\"{}/token\",service=\"a, b\"", server.uri());
    Mock::given(path(TAGS))
        .and(header("authorization", "Bearer t0ken"))
        .respond_with(tag_list(&["v1"]))
        .mount(&server)
        .await;
    serve(&server, TAGS, challenge(&ask)).await;
    server
}

#[tokio::test]
async fn a_token_is_renewed_when_it_expires() {
    let server = with_token_service().await;
    Mock::given(path("/token"))
        .and(query_param("service", "a, b"))
        .and(query_param("scope", "repository:shop/cart:pull"))
        .and(header("authorization", "Basic bnBydDpzM2NyZXQtd29yZA=="))
        .respond_with(
            ResponseTemplate::new(200).set_body_json(json!({"access_token": "t0ken", "expires_in": 100})),
        )
        .expect(2)
        .mount(&server)
        .await;
    let clock = Arc::new(ManualClock::default());
    let registry = RegistryConfig { credentials: Some(user()), ..RegistryConfig::default() };
    let client = OciRegistry::builder(config(&server, registry)).clock(clock.clone()).build().unwrap();
    for _ in 0..3 {
        client.tags(&image(&server)).await.unwrap();
        clock.advance(Duration::from_secs(30));
    }
    client.tags(&image(&server)).await.unwrap();
}

#[tokio::test]
async fn a_token_that_is_refused_early_is_renewed_once() {
    let server = MockServer::start().await;
    let ask = format!("Bearer realm=\"{}/token\"", server.uri());
    Mock::given(path(TAGS))
        .and(header("authorization", "Bearer t0ken"))
        .respond_with(tag_list(&["v1"]))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    serve(&server, TAGS, challenge(&ask)).await;
    let token = ResponseTemplate::new(200).set_body_json(json!({"token": "t0ken", "expires_in": 3600}));
    Mock::given(path("/token")).respond_with(token).expect(2).mount(&server).await;
    let client = client(&server, Credentials::Anonymous);
    client.tags(&image(&server)).await.unwrap();
    let error = client.tags(&image(&server)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error}");
}

#[tokio::test]
async fn an_identity_token_is_changed_for_a_token() {
    let server = with_token_service().await;
    Mock::given(method("POST"))
        .and(path("/token"))
        .and(body_string_contains("grant_type=refresh_token"))
        .and(body_string_contains("refresh_token=s3cret-word"))
        .and(body_string_contains("scope=repository%3Ashop%2Fcart%3Apull"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"access_token": "t0ken"})))
        .expect(1)
        .mount(&server)
        .await;
    let client = client(&server, Credentials::IdentityToken { token: Secret::new(PASSWORD) });
    client.tags(&image(&server)).await.unwrap();
}

#[tokio::test]
async fn a_token_service_that_fails_is_told_without_secrets() {
    let cases = [
        (ResponseTemplate::new(401), ErrorKind::Unauthenticated),
        (ResponseTemplate::new(403), ErrorKind::Forbidden),
        (ResponseTemplate::new(429), ErrorKind::RateLimited),
        (ResponseTemplate::new(502), ErrorKind::Unavailable),
        (ResponseTemplate::new(200).set_body_json(json!({"token": [PASSWORD]})), ErrorKind::Unexpected),
        (ResponseTemplate::new(200).set_body_json(json!({"token": ""})), ErrorKind::Unexpected),
        (ResponseTemplate::new(200).set_body_string(PASSWORD), ErrorKind::Unexpected),
    ];
    for (response, kind) in cases {
        let server = with_token_service().await;
        serve(&server, "/token", response).await;
        let error = client(&server, user()).tags(&image(&server)).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        hides_the_password(&error);
    }
}
