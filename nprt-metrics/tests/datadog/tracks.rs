//! The track by the version that nprt deployed.

use nprt_core::model::{Secret, Track};
use nprt_core::ports::{LeftOutReason, MetricQuery, MetricsBackend, Versions};
use nprt_metrics::datadog::DatadogConfig;

use crate::account::Account;
use crate::support::{MINUTE, clock_at, query};

fn of(versions: [&[&str]; 2]) -> MetricQuery {
    let [canary, stable] = versions.map(|names| names.iter().map(|name| (*name).to_owned()).collect());
    MetricQuery { versions: Versions { canary, stable }, ..query("memory", 0, 4) }
}

/// An account with a pod of each version.
async fn tracks(
    versions: &[&str],
    asked: &MetricQuery,
) -> (Vec<(Track, String)>, nprt_core::ports::Measured) {
    let mut account = Account::default();
    for (index, version) in versions.iter().enumerate() {
        let pod = index.to_string();
        let mut tags = vec![("service", "shop"), ("pod_name", pod.as_str())];
        tags.extend((!version.is_empty()).then_some(("version", *version)));
        account.send("kubernetes.memory.usage", MINUTE, &tags, &[1e6]);
    }
    let fake = account.serve().await;
    let mut config = DatadogConfig::new(Secret::new("s3cret-api"), Secret::new("s3cret-app"));
    config.url = Some(fake.uri());
    let measured = config.build(clock_at(9)).unwrap().blocks(asked).await.unwrap();
    let of = |block: &nprt_core::model::Block| (block.track, block.version.clone().unwrap());
    (measured.blocks.iter().map(of).collect(), measured)
}

#[tokio::test]
async fn the_version_tells_the_track() {
    let both = of([&["main-c0ffee1", "c0ffee1c0ffee1c0ffee1c0ffee1c0ffee1c0ffee1"], &["main-77aa001"]]);
    let (found, measured) = tracks(&["main-c0ffee1", "main-77aa001", "main-0000000", ""], &both).await;
    let expected = [(Track::Stable, "main-77aa001".to_owned()), (Track::Canary, "main-c0ffee1".to_owned())];
    assert_eq!(found, expected);
    // One that does not run is no fault of the answer, and one that nothing is known of is.
    assert!(
        measured.notes.iter().any(|note| note.contains("do not run") && note.ends_with('1')),
        "{measured:?}"
    );
    assert_eq!(measured.left_out.len(), 1);
    assert_eq!(measured.left_out[0].reason, LeftOutReason::NoTrack);
}

#[tokio::test]
async fn where_stable_is_not_known_it_is_the_rest() {
    let (found, _) = tracks(&["new", "old", "older"], &of([&["new"], &[]])).await;
    let tracks: Vec<Track> = found.into_iter().map(|(track, _)| track).collect();
    assert_eq!(tracks, [Track::Stable, Track::Stable, Track::Canary]);
}

#[tokio::test]
async fn a_version_on_both_tracks_tells_nothing() {
    let (found, measured) = tracks(&["same"], &of([&["same"], &["same"]])).await;
    assert!(found.is_empty());
    assert_eq!(measured.left_out[0].reason, LeftOutReason::NoTrack);
    assert!(measured.notes[0].contains("both tracks"), "{:?}", measured.notes);
}
