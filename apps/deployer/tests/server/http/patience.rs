//! Clients and servers behind this one that are slow, or hang: nobody else waits for them.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{ADMIN, Server, World, server_with};

const ASKS: &[u8] = b"GET /healthz HTTP/1.1\r\nhost: deployer\r\n\r\n";

async fn connect(server: &Server) -> TcpStream {
    TcpStream::connect(server.url.strip_prefix("http://").unwrap()).await.unwrap()
}

/// What comes until the server ends the connection, and how long that takes.
async fn until_it_ends(mut stream: TcpStream) -> (String, Duration) {
    let (began, mut came) = (Instant::now(), Vec::new());
    let ended = tokio::time::timeout(Duration::from_secs(60), stream.read_to_end(&mut came)).await;
    // A reset is an end too.
    drop(ended.expect("the server ends it"));
    (String::from_utf8_lossy(&came).into_owned(), began.elapsed())
}

/// The other service, which is in memory, answers.
async fn answers(server: &Server) {
    for path in ["/other/status", "/", "/other", "/healthz"] {
        assert_eq!(server.get(path).await.0, 200, "{path}");
    }
}

#[tokio::test]
async fn a_slow_client_is_let_go_and_an_idle_one_later() {
    let world = World::new();
    let limits = json!({"receive_seconds": 2, "idle_seconds": 8, "shutdown_seconds": 5});
    let server = server_with(&world, json!({"limits": limits}), json!({})).await;

    // One that never says anything, one that has had its answer, and one that trickles its headers.
    let silent = connect(&server).await;
    let mut idle = connect(&server).await;
    idle.write_all(ASKS).await.unwrap();
    let mut trickling = connect(&server).await;
    let trickle = async {
        for byte in ASKS.iter().cycle() {
            if trickling.write_all(&[*byte | 0x20]).await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    };
    // A body that does not come, although all of the headers did.
    let mut bodiless = connect(&server).await;
    let put = format!(
        "PUT /web/deploy HTTP/1.1\r\nhost: deployer\r\nauthorization: Bearer {ADMIN}\r\n\
         content-type: application/json\r\ncontent-length: 100\r\n\r\n{{"
    );
    bodiless.write_all(put.as_bytes()).await.unwrap();

    let began = Instant::now();
    tokio::select! {
        () = trickle => {}
        () = tokio::time::sleep(Duration::from_secs(30)) => panic!("slow headers are waited for"),
    }
    assert!(began.elapsed() >= Duration::from_secs(1), "{:?}", began.elapsed());
    let (said, _) = until_it_ends(bodiless).await;
    assert!(said.starts_with("HTTP/1.1 408") && said.contains("did not come in time"), "{said}");
    let asked = Instant::now();
    answers(&server).await;
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());

    // Both were idle since before.
    let (idle, silent) = tokio::join!(until_it_ends(idle), until_it_ends(silent));
    assert!(idle.0.starts_with("HTTP/1.1 200") && silent.0.is_empty(), "{} {}", idle.0, silent.0);
    let since = began.elapsed();
    assert!(since >= Duration::from_secs(6), "not as soon as slow ones: {since:?}");
}

#[tokio::test]
async fn a_connection_serves_again_after_a_slow_answer_and_a_pause() {
    let world = World::new();
    let limits = json!({"receive_seconds": 1, "idle_seconds": 20, "shutdown_seconds": 5});
    let server = server_with(&world, json!({"limits": limits}), json!({})).await;
    let mut stream = connect(&server).await;
    let deploy = format!(
        "PUT /web/deploy?tag={} HTTP/1.1\r\nhost: deployer\r\nauthorization: Bearer {ADMIN}\r\n\r\n",
        world.tag(0)
    );
    // The rollout takes longer than a request may take to come, and so does the pause.
    for _ in 0..2 {
        stream.write_all(deploy.as_bytes()).await.unwrap();
        let mut answer = vec![0; 1 << 16];
        let count = stream.read(&mut answer).await.unwrap();
        assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer[..count]));
        tokio::time::sleep(Duration::from_secs(3)).await;
    }
}

/// Accepts connections, and says nothing.
fn hanging() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (listener, address)
}

#[tokio::test]
async fn what_hangs_behind_one_service_keeps_no_other_waiting() {
    let world = World::new();
    let ((_registry, registry), (_repository, repository)) = (hanging(), hanging());
    let config = world.config(
        json!({
            "tokens": [{"name": "admin", "secret": ADMIN}],
            "cache": world.folder.path().join("cache"),
            "limits": {"read_seconds": 15, "shutdown_seconds": 1},
        }),
        json!({}),
    );
    let mut file: Value = serde_json::from_str(&std::fs::read_to_string(&config).unwrap()).unwrap();
    // The images of `web` are in a registry that hangs; a third service has a repository that does.
    let registry = json!({"registry.example.com": {"host": registry}});
    let oci = json!({"docker_config": {"enabled": false}, "registries": registry});
    file["services"][0]["registry"] = json!({"oci": oci});
    let mut third = file["services"][1].clone();
    third["name"] = json!("third");
    third["vcs"] = json!({"git": {"url": format!("http://{repository}/x.git"), "timeout_seconds": 30}});
    file["services"].as_array_mut().unwrap().push(third);
    std::fs::write(&config, file.to_string()).unwrap();
    let server = Server::serve(&config, ADMIN).await;

    // More of each than there are threads for blocking work.
    let many = |path: &'static str| {
        let (url, http) = (format!("{}{path}", server.url), server.http());
        tokio::spawn(async move {
            let asked = (0..300).map(|_| http.get(&url).bearer_auth(ADMIN).send());
            futures_util::future::join_all(asked)
                .await
                .into_iter()
                .map(|one| one.unwrap().status().as_u16())
                .collect::<Vec<_>>()
        })
    };
    let hang = [many("/third/tags"), many("/third/tags"), many("/web/tags")];
    tokio::time::sleep(Duration::from_millis(500)).await;
    answers(&server).await;
    let path = format!("/other/deploy?tag={}", world.tag(0));
    assert_eq!(server.put(&path).await.0, 200);
    assert!(hang.iter().all(|hang| !hang.is_finished()), "it waits for none of them");
    for hang in hang {
        for status in hang.await.unwrap() {
            assert_eq!(status, 504);
        }
    }
}
