//! Who asks, and what that person says about notifying.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;

use super::ears::{Ears, URL};
use crate::support::{Server, World, answer};

/// Asks as somebody with this `User-Agent`; `notify` as it stands in the query.
async fn put(server: &Server, path: &str, agent: &str, notify: &str) -> u16 {
    let path = format!("/web/{path}{}{notify}", if path.contains('?') { "&" } else { "?" });
    let path = path.trim_end_matches(['&', '?']);
    let response = server.send(Method::PUT, path, |request| request.header("user-agent", agent)).await;
    answer(response).await.0.as_u16()
}

#[tokio::test]
async fn each_is_told_what_concerns_them() {
    let (curl, depctl) = ("curl/8.15.0", "depctl/0.1.0");
    let (failures, decisions, everything) = ((false, true), (false, false), (true, true));
    let cases = [
        (curl, "", failures),
        (depctl, "", decisions),
        (curl, "notify=true", everything),
        (depctl, "notify=true", everything),
        (curl, "notify=false", decisions),
        (depctl, "notify=false", decisions),
        ("Mozilla/5.0 (not depctl/1)", "", failures),
    ];
    join_all(cases.map(|(agent, notify, told)| case(agent, notify, told))).await;
}

/// A deploy, one that fails, a canary that is promoted and one that is rolled back.
async fn case(agent: &str, notify: &str, (successes, failures): (bool, bool)) {
    let (world, mut ears) = (World::new(), Ears::start().await);
    let server = ears.server(&world, json!({"autopilot": {"enabled": false}}), json!({})).await;
    let (first, second) = (format!("tag={}", world.tag(0)), format!("tag={}", world.tag(1)));
    let what = format!("{agent} {notify}");
    let only = |is_told: bool, occasion: &str| Vec::from_iter(is_told.then(|| occasion.to_owned()));

    assert_eq!(put(&server, &format!("deploy?{first}"), agent, notify).await, 200, "{what}");
    assert_eq!(ears.occasions().await, only(successes, "deployed"), "{what}");
    assert_eq!(put(&server, "deploy?tag=main-0000000", agent, notify).await, 404, "{what}");
    let heard = ears.heard().await;
    let occasions: Vec<String> = heard.iter().map(super::ears::Heard::occasion).collect();
    assert_eq!(occasions, only(failures, "failed"), "{what}");
    for failed in heard {
        assert!(failed.summary().starts_with("deploy of main-0000000 by ci failed: "), "{failed:?}");
        assert_eq!((failed.table(), failed.link()), (None, None));
    }

    assert_eq!(put(&server, &format!("canary?{second}"), agent, notify).await, 200, "{what}");
    assert_eq!(ears.occasions().await, only(successes, "canary_started"), "{what}");
    assert_eq!(put(&server, "promote", agent, notify).await, 200, "{what}");
    let [promoted] = &ears.heard().await[..] else { panic!("{what}: one is told of a promotion") };
    assert_eq!((promoted.occasion().as_str(), promoted.link()), ("promoted", Some(report())));
    let table = promoted.table().expect("it is judged at once");
    assert!(table[0].starts_with("rule ") && table[1].ends_with("inconclusive"), "{table:?}");

    assert_eq!(put(&server, &format!("canary?{first}"), agent, notify).await, 200, "{what}");
    assert_eq!(ears.occasions().await, only(successes, "canary_started"), "{what}");
    // Somebody looks first; a rollback itself asks no metrics.
    assert_eq!(server.get("/web/canary").await.0, 200);
    assert_eq!(put(&server, "rollback?reason=too+slow", agent, notify).await, 200, "{what}");
    let [rolled_back] = &ears.heard().await[..] else { panic!("{what}: one is told of a rollback") };
    assert_eq!((rolled_back.occasion().as_str(), rolled_back.link()), ("rolled_back", Some(report())));
    assert!(rolled_back.table().is_some_and(|table| table[1].ends_with("inconclusive")), "{rolled_back:?}");
    let details = json!([{"name": "caller", "value": "ci"}, {"name": "reason", "value": "too slow"}]);
    assert_eq!(rolled_back.webhook["data"]["details"], details);
    // Without a canary it changes nothing.
    assert_eq!(put(&server, "rollback", agent, notify).await, 200, "{what}");
    assert_eq!(ears.occasions().await, [""; 0], "{what}");
}

fn report() -> String {
    format!("{URL}/web/canary")
}

/// Who is refused hears it; nobody else could do anything about it.
#[tokio::test]
async fn a_version_that_is_not_found_is_told_and_one_that_is_refused_is_not() {
    let (world, mut ears) = (World::new(), Ears::start().await);
    let service = json!({"deployable_branches": ["main"]});
    let server = ears.server(&world, json!({"autopilot": {"enabled": false}}), service).await;
    let missing = "deploy?commit=0000000000000000000000000000000000000000";
    let refused = format!("deploy?tag={}", world.tag(2));
    for (path, agent, status, told) in [
        (missing, "curl/8.15.0", 404, true),
        (missing, "depctl/0.1.0", 404, false),
        ("deploy?commit=0000000000000000000000000000000000000000&dry_run=true", "curl/8.15.0", 404, false),
        (refused.as_str(), "curl/8.15.0", 403, false),
    ] {
        assert_eq!(put(&server, path, agent, "").await, status, "{path}");
        let heard = ears.heard().await;
        assert_eq!(heard.len(), usize::from(told), "{path} {agent}: {heard:?}");
        for failed in heard {
            assert!(failed.summary().starts_with("deploy of commit 0000"), "{failed:?}");
        }
    }
}
