//! Whatever is written is read back as the same block, to the last bit.

use nprt_compare::replay::{Bare, Record, RunId};
use nprt_core::model::{Block, BlockData, MetricName, Track};
use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::Index;
use proptest::{option, proptest};

fn measurement() -> impl Strategy<Value = f64> {
    let special = [0.0, -0.0, 5e-324, f64::MIN_POSITIVE, 0.1 + 0.2, f64::MAX];
    prop_oneof![
        any::<u64>()
            .prop_map(f64::from_bits)
            .prop_filter("finite, 0 or more", |x| (0.0..f64::INFINITY).contains(x)),
        0.0..10.0,
        proptest::sample::select(special.to_vec()),
    ]
}

fn data() -> impl Strategy<Value = BlockData> {
    let histogram = btree_set(measurement().prop_map(|x| x.abs().to_bits()), 1..20).prop_flat_map(|edges| {
        // Non-negative numbers are ordered as their bits are.
        let edges: Vec<f64> = edges.into_iter().map(f64::from_bits).collect();
        let counts = vec(0..u64::MAX / 32, edges.len() + 1);
        (Just(edges), counts).prop_map(|(edges, counts)| BlockData::Histogram { edges, counts })
    });
    prop_oneof![
        vec(measurement(), 0..50).prop_map(BlockData::Samples),
        histogram,
        measurement().prop_map(BlockData::Value),
        (any::<u64>(), any::<u64>())
            .prop_map(|(a, b)| BlockData::Requests { requests: a.max(b), errors: a.min(b) }),
        btree_map(".*", any::<u64>(), 0..8).prop_map(BlockData::Classes),
    ]
}

fn record() -> impl Strategy<Value = Record> {
    let run = prop_oneof![
        ".*".prop_map(RunId::from),
        any::<u64>().prop_map(RunId::from),
        any::<i64>().prop_map(RunId::from)
    ];
    let text = || option::of(".*");
    let metric = "[A-Za-z][A-Za-z0-9_.-]{0,99}".prop_map(|name| MetricName::new(&name).unwrap());
    let minute = -6_295_083_720_i64..=4_223_370_119;
    let track = proptest::sample::select(vec![Track::Stable, Track::Canary]);
    (run, minute, track, (text(), text(), text()), metric, data()).prop_map(
        |(run, minute, track, (version, pod, route), metric, data)| Record {
            run,
            block: Block { minute, track, version, pod, route, metric, data },
        },
    )
}

/// Every number by its bits: -0.0 is another than 0.0.
fn bits(data: &BlockData) -> Vec<u64> {
    match data {
        BlockData::Samples(samples) => samples.iter().map(|x| x.to_bits()).collect(),
        BlockData::Histogram { edges, counts } => {
            edges.iter().map(|x| x.to_bits()).chain(counts.iter().copied()).collect()
        }
        BlockData::Value(value) => vec![value.to_bits()],
        BlockData::Requests { .. } | BlockData::Classes(_) => Vec::new(),
    }
}

proptest! {
    #[test]
    fn a_record_and_a_block(record in record()) {
        let line = serde_json::to_string(&record).unwrap();
        assert!(!line.contains('\n'));
        let read = Record::read(&line).unwrap();
        assert_eq!(bits(&read.block.data), bits(&record.block.data));
        // Hidden characters in names are written out as they are read.
        let shown = Record { run: record.run.clone(), block: record.block.clone().with_shown_names() };
        assert_eq!(&read, &shown);

        let written = serde_json::to_string(&Bare(&record.block)).unwrap();
        let Bare(block) = serde_json::from_str(&written).unwrap();
        assert_eq!(bits(&block.data), bits(&record.block.data));
        assert_eq!(block, shown.block);
        assert_eq!(line.replacen(&format!("\"run\":{},", serde_json::to_string(&record.run).unwrap()), "", 1), written);
    }
}

proptest! {
    /// Bytes of a good line changed, taken out or put in: an error, or a line as good as any.
    #[test]
    fn no_line_panics(record in record(), changes in vec((any::<Index>(), any::<u8>(), 0..3_u8), 1..4)) {
        let mut line = serde_json::to_vec(&record).unwrap();
        for (at, byte, change) in changes {
            let at = at.index(line.len());
            match change {
                0 => line[at] = byte,
                1 => drop(line.remove(at)),
                _ => line.insert(at, byte),
            }
        }
        match Record::read(&line) {
            Ok(read) => assert_eq!(Record::read(serde_json::to_string(&read).unwrap()).unwrap(), read),
            Err(error) => assert!(error.is_invalid()),
        }
    }
}

#[test]
fn what_could_not_be_read_is_not_written() {
    let block = |minute, data| Block {
        minute,
        track: Track::Stable,
        version: None,
        pod: None,
        route: None,
        metric: MetricName::new("latency").unwrap(),
        data,
    };
    for (block, says) in [
        (block(0, BlockData::Samples(vec![f64::NAN])), "sample 0 is NaN"),
        (block(0, BlockData::Value(f64::INFINITY)), "the value is inf"),
        (block(0, BlockData::Value(-1.0)), "the value is -1"),
        (block(0, BlockData::Requests { requests: 1, errors: 2 }), "2 failed of only 1"),
        (block(0, BlockData::Histogram { edges: vec![], counts: vec![0] }), "one count more than edges"),
        (block(i64::MAX, BlockData::Value(1.0)), "from year -9999"),
    ] {
        let record = Record { run: 1_u64.into(), block };
        let error = serde_json::to_string(&record).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
        assert_eq!(serde_json::to_string(&Bare(&record.block)).unwrap_err().to_string(), error);
    }
}

#[test]
fn a_block_alone_has_no_run_and_is_as_strict() {
    let good = r#"{"minute":0,"track":"stable","pod":"p","metric":"cpu","value":1.5}"#;
    let block: Bare = serde_json::from_str(good).unwrap();
    assert_eq!(serde_json::to_string(&block).unwrap(), good);
    // Through another form of the same data, too.
    assert_eq!(serde_json::from_value::<Bare>(serde_json::to_value(&block).unwrap()).unwrap(), block);
    for (bad, says) in [
        (good.replace("\"minute\"", "\"run\":1,\"minute\""), "`run` belongs to a record"),
        (good.replace("1.5", "-1.5"), "the value is -1.5"),
        (good.replace("\"pod\"", "\"node\""), "unknown field `node`"),
    ] {
        let error = serde_json::from_str::<Bare>(&bad).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}
