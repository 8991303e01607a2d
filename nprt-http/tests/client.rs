//! The client against a real server on loopback.

use nprt_core::ErrorKind;
use nprt_http::{ClientConfig, client, request_error};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

#[tokio::test]
async fn a_redirect_to_another_host_is_not_followed() {
    let (here, there) = (MockServer::start().await, MockServer::start().await);
    let redirect = |to: String| ResponseTemplate::new(307).insert_header("location", to);
    let to_there = redirect(format!("{}/elsewhere", there.uri()));
    Mock::given(path("/away")).respond_with(to_there).mount(&here).await;
    Mock::given(path("/near")).respond_with(redirect(format!("{}/ok", here.uri()))).mount(&here).await;
    Mock::given(path("/ok")).respond_with(ResponseTemplate::new(200)).mount(&here).await;
    Mock::given(method("GET")).respond_with(ResponseTemplate::new(200)).expect(0).mount(&there).await;
    let client = client(&ClientConfig::default()).unwrap();
    let status = async |path: &str| {
        client.get(format!("{}/{path}", here.uri())).bearer_auth("s3cret").send().await.unwrap().status()
    };
    assert_eq!(status("away").await, 307);
    assert_eq!(status("near").await, 200);
}

#[tokio::test]
async fn an_error_holds_no_url() {
    let client = client(&ClientConfig::default()).unwrap();
    let error = client.get("http://127.0.0.1:1/services/T0/B0/s3cret?key=s3cret").send().await.unwrap_err();
    let error = request_error("slack.notify", error);
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(!format!("{error:?}").contains("s3cret"), "{error:?}");
}

#[tokio::test]
async fn a_silent_server_times_out() {
    let server = MockServer::start().await;
    let late = ResponseTemplate::new(200).set_delay(std::time::Duration::from_secs(5));
    Mock::given(method("GET")).respond_with(late).mount(&server).await;
    let client = client(&ClientConfig { timeout_seconds: 1, ..ClientConfig::default() }).unwrap();
    let error = request_error("x.y", client.get(server.uri()).send().await.unwrap_err());
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(error.is_temporary());
}
