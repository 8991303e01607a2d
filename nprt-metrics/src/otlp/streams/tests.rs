use super::super::message::HistogramPoint;
use super::*;
use crate::statsd::Reason;

const SECOND: u64 = 1_000_000_000;
const ROOM: usize = 1 << 20;

/// Seconds after a moment of that day: start, time and number.
fn told(stream: u128, start: u64, time: u64, number: f64) -> Told {
    let at = |second: u64| (1_700_000_000 + second) * SECOND;
    let start = if start == 0 { 0 } else { at(start) };
    Told { instrument: 1, stream, start, time: at(time), total: Total::Number(number) }
}

fn say(streams: &mut Streams, told: Told) -> Result<Option<f64>, Reason> {
    let now = i64::try_from(told.time / SECOND).unwrap();
    match streams.told("shop", told, ROOM, now) {
        Ok(added) => Ok(added.map(|added| added.total.count())),
        Err(Unknown::LeftOut(reason)) => Err(reason),
        Err(Unknown::NoRoom) => panic!("no room"),
    }
}

#[test]
fn totals_become_what_was_added() {
    let mut streams = Streams::default();
    let mut said = |stream, start, time, number| say(&mut streams, told(stream, start, time, number));
    assert_eq!(said(1, 1000, 1060, 7.0), Ok(Some(7.0)));
    assert_eq!(said(1, 1000, 1120, 9.0), Ok(Some(2.0)));
    // Sent again, and an older one.
    assert_eq!([said(1, 1000, 1120, 9.0), said(1, 1000, 1100, 8.0)], [Ok(None), Ok(None)]);
    assert_eq!(said(1, 1000, 1180, 9.0), Ok(Some(0.0)));
    // A restart, and one that is heard of too late.
    assert_eq!(said(1, 1190, 1240, 3.0), Ok(Some(3.0)));
    assert_eq!(said(1, 1300, 1400, 3.0), Err(Reason::Resolution));
    assert_eq!(said(1, 1300, 1460, 5.0), Ok(Some(2.0)));
    // A pause.
    assert_eq!(said(1, 1300, 1600, 50.0), Err(Reason::Resolution));
    assert_eq!(said(1, 1300, 1660, 51.0), Ok(Some(1.0)));
    // It became less, without a restart.
    assert_eq!(said(1, 1300, 1720, 3.0), Err(Reason::Contradictory));
    assert_eq!(said(1, 1300, 1780, 4.0), Ok(Some(1.0)));
}

#[test]
fn a_stream_that_was_running_is_a_base_and_a_new_one_beside_it_began_at_zero() {
    let mut streams = Streams::default();
    let mut said = |stream, start, time, number| say(&mut streams, told(stream, start, time, number));
    assert_eq!(said(1, 100, 1000, 700.0), Err(Reason::NoBase));
    assert_eq!(said(2, 100, 1000, 70.0), Err(Reason::NoBase));
    assert_eq!(said(1, 100, 1060, 701.0), Ok(Some(1.0)));
    // The first error of this process: a minute ago there was none.
    assert_eq!(said(3, 100, 1060, 2.0), Ok(Some(2.0)));
    assert_eq!(said(2, 100, 1060, 73.0), Ok(Some(3.0)));
    // Another process, of which only this was not heard yet.
    assert_eq!(said(4, 50, 1120, 900.0), Err(Reason::NoBase));
    assert_eq!(said(4, 50, 1180, 901.0), Ok(Some(1.0)));
}

#[test]
fn a_start_that_is_missing_or_made_up_tells_no_restart() {
    let mut streams = Streams::default();
    let mut said = |stream, start, time, number| say(&mut streams, told(stream, start, time, number));
    assert_eq!(said(1, 0, 1000, 700.0), Err(Reason::NoBase));
    // A minute ago it was not there.
    assert_eq!(said(2, 0, 1060, 5.0), Ok(Some(5.0)));
    assert_eq!(said(3, 1120, 1120, 5.0), Ok(Some(5.0)));
    // Now each time, or as it was the first time.
    assert_eq!(said(3, 1180, 1180, 7.0), Ok(Some(2.0)));
    assert_eq!(said(3, 1180, 1240, 8.0), Ok(Some(1.0)));
    // A counter became less: it began anew.
    assert_eq!(said(2, 0, 1120, 3.0), Ok(Some(3.0)));
    assert_eq!(said(2, 0, 1180, 4.0), Ok(Some(1.0)));
}

#[test]
fn two_producers_without_a_start_do_not_count_their_difference() {
    let mut streams = Streams::default();
    let histogram = |count| {
        Total::of_histogram(&HistogramPoint {
            count,
            bucket_counts: vec![count, 0],
            explicit_bounds: vec![1.0],
            ..HistogramPoint::default()
        })
    };
    let mut said = |time, count, is_number| {
        let number = told(1 + u128::from(is_number), 0, time, count as f64);
        let total = if is_number { number.total } else { histogram(count).unwrap() };
        say(&mut streams, Told { total, ..number })
    };
    for is_number in [true, false] {
        assert_eq!(said(1000, 10, is_number), Err(Reason::NoBase));
        assert_eq!(said(1010, 1000, is_number), Ok(Some(990.0)), "nobody can know yet");
        let restart = if is_number { Ok(Some(12.0)) } else { Err(Reason::Contradictory) };
        assert_eq!(said(1020, 12, is_number), restart);
        if is_number {
            assert_eq!(said(1030, 1001, is_number), Ok(Some(989.0)));
        }
        for time in [1040, 1060, 1080, 1100, 1180, 1220] {
            assert_eq!(said(time, 13, is_number), Err(Reason::Contradictory), "{time}");
            assert_eq!(said(time + 10, 1003, is_number), Err(Reason::Contradictory), "{time}");
        }
        // One is left.
        assert_eq!(said(1290, 1004, is_number), Err(Reason::Contradictory));
        assert_eq!(said(1320, 1006, is_number), Ok(Some(2.0)));
    }
}

#[test]
fn a_stream_that_was_forgotten_does_not_begin_at_zero_again() {
    let mut streams = Streams::default();
    let mut said = |stream, time, number| say(&mut streams, told(stream, 1000, time, number));
    assert_eq!([said(1, 1060, 7.0), said(2, 1060, 7.0)], [Ok(Some(7.0)), Ok(Some(7.0))]);
    for minute in 2..=14 {
        assert_eq!(said(1, 1000 + minute * 60, 7.0), Ok(Some(0.0)));
    }
    assert_eq!(said(2, 1900, 9.0), Err(Reason::NoBase));
    assert_eq!(said(2, 1960, 10.0), Ok(Some(1.0)));
}

#[test]
fn of_two_producers_of_a_stream_the_younger_is_believed() {
    let mut streams = Streams::default();
    let mut said = |start, time, number| say(&mut streams, told(1, start, time, number));
    assert_eq!(said(1000, 1060, 7.0), Ok(Some(7.0)));
    assert_eq!(said(1010, 1065, 70.0), Err(Reason::Contradictory));
    assert_eq!(said(1000, 1070, 8.0), Err(Reason::Contradictory));
    assert_eq!(said(1010, 1075, 75.0), Ok(Some(5.0)));
    // The younger one is gone.
    assert_eq!(said(1000, 1170, 12.0), Err(Reason::Contradictory));
    assert_eq!(said(1000, 1230, 13.0), Ok(Some(1.0)));
}

#[test]
fn streams_that_are_heard_keep_their_room() {
    let mut streams = Streams::default();
    let bytes = |streams: &mut Streams| {
        let all = std::cell::Cell::new(0);
        streams.settle(|_, bytes| {
            all.set(bytes);
            true
        });
        all.get()
    };
    let share = 400 * 1024;
    let mut kept = 0;
    for stream in 0..20_000 {
        let said = streams.told("shop", told(stream, 0, 1000, 1.0), share, 1_700_001_000);
        if said == Err(Unknown::LeftOut(Reason::NoBase)) {
            kept = stream + 1;
        }
    }
    assert!((200..10_000).contains(&kept), "{kept}");
    assert!(bytes(&mut streams) <= share / PART, "{}", bytes(&mut streams));
    let again = streams.told("shop", told(0, 0, 1060, 3.0), share, 1_700_001_060);
    assert_eq!(again.unwrap().unwrap().total, Total::Number(2.0));
    // Later those that fell silent make way.
    let new = streams.told("shop", told(30_000, 1990, 2000, 3.0), share, 1_700_002_000);
    assert_eq!(new.unwrap().unwrap().total, Total::Number(3.0));
    assert!(bytes(&mut streams) < 10_000);
    streams.settle(|_, _| false);
    assert_eq!(bytes(&mut streams), 0);
}
