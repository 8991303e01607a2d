//! Recorded series: blocks of many runs as lines of JSON, to be judged again later, elsewhere, or under
//! another policy. The same code judges them as judges a canary that runs.
//!
//! # The format
//! One [`Block`](nprt_core::model::Block) a line, as a JSON object:
//!
//! ```json
//! {"run": "cart-17", "minute": 29399040, "track": "canary", "pod": "cart-0", "metric": "latency", "unit": "ms", "samples": [12.5, 80]}
//! {"run": "cart-17", "minute": 29399040, "track": "stable", "metric": "latency", "histogram": {"edges": [0.1, 0.5], "counts": [940, 55, 2]}}
//! {"run": "cart-17", "minute": 29399040, "track": "stable", "metric": "cpu", "value": 0.25}
//! {"run": "cart-17", "minute": 29399040, "track": "stable", "metric": "requests", "requests": 997, "errors": 3}
//! {"run": "cart-17", "minute": 29399040, "track": "stable", "metric": "errors", "classes": {"timeout": 2, "reset": 1}}
//! {"run": "cart-17", "minute": 29399040, "track": "stable", "metric": "cpu", "left_out": {"not-a-number": 2}}
//! ```
//!
//! | field | | |
//! |---|---|---|
//! | `run` | required | which comparison the block belongs to: a text, or a whole number of 64 bits |
//! | `minute` | required | a whole number: minutes since 1970, or since any other moment, such as the run's own start; negative ones too, from year -9999 to year 9999 |
//! | `track` | required | `stable` or `canary`; optional with `left_out` |
//! | `metric` | required | `latency`, `cpu`, `memory`, `requests`, `errors` or another [`MetricName`](nprt_core::model::MetricName) |
//! | `pod`, `route`, `version` | optional | a text; `null` is none |
//! | `samples` | one of these six | an array of measurements, in no particular order, perhaps empty |
//! | `histogram` | | `edges`, ascending, and `counts`, one more than edges: at or below the first edge, between each two, above the last |
//! | `value` | | one gauge or aggregate |
//! | `requests`, `errors` | | both: all requests, and those that failed |
//! | `classes` | | an object: class of error to how many |
//! | `left_out` | | an object: why points could not be used (a [`LeftOutReason`](nprt_core::ports::LeftOutReason)) to how many; nothing but `run`, `minute`, `track` and `metric` is beside it |
//! | `unit` | optional | `s` (as without it), `ms`, `us` or `ns`: the unit of the samples, edges or value of a time |
//!
//! Latencies are in seconds, CPU in cores, memory in bytes. Another `unit` divides by 10³, 10⁶ or 10⁹, rounded
//! once to the nearest number; what is not a time (`cpu`, `memory`, `requests`, `errors`, and counts of any
//! metric) has no `unit`. Measurements and edges are finite and 0 or more; counts are whole numbers. `"NaN"`, `"Infinity"` and
//! `"-Infinity"` among `samples` or as `value` are points that are left out, as they are of a canary that runs. A minute
//! without data has no line: a gap stays a gap. [`SCHEMA`] says the same as a JSON schema.
//!
//! A field that is not in the table, one that is given twice, `null` for a required one, two kinds of data or
//! none are errors that name line and field: a series that is misread is worse than none. Lines of white space
//! are skipped; a line has at most 64 MiB.
//!
//! **Order**: the lines of a run stand together, ordered by minute; within a minute in any order.
//!
//! [`Line`] reads and writes a line, [`Record`] one of a block. A block alone is written by its `Serialize` as the same object without
//! `run`. Whatever can be written is read back as the same block to the last bit.
//!
//! # Judging
//! [`Replay`] judges a whole series as it comes, [`History`] is stable's past, [`Outcomes`] says what each run
//! comes to.
//!
//! # Other forms
//! [`read_csv`] reads tables, [`of_pairs`] Kayenta's metric-set pairs, and `nprt::prometheus::recorded` (with the
//! feature `prometheus`) the answers of range queries. [`Replay::of`] and [`History::of`] take what they give.
//!
//! ```
//! use nprt_compare::Policy;
//! use nprt_compare::replay::Replay;
//!
//! let mut series = String::new();
//! for minute in 0..30 {
//!     for (track, ms) in [("stable", 100), ("canary", 150)] {
//!         let samples = vec![ms; 400];
//!         series += &format!(
//!             r#"{{"run": 1, "minute": {minute}, "track": "{track}", "metric": "latency", "unit": "ms", "samples": {samples:?}}}"#
//!         );
//!         series += "\n";
//!     }
//! }
//! let judged: Vec<_> = Replay::new(Policy::method(), series.as_bytes())?.collect::<Result<_, _>>()?;
//! assert_eq!(judged.len(), 30);
//! assert_eq!(judged[29].verdict.decision.as_str(), "regression");
//! # Ok::<(), nprt_core::Error>(())
//! ```

mod block;
pub mod blocks;
mod csv;
mod data;
mod fields;
mod history;
mod line;
mod lines;
mod numbers;
mod order;
mod outcome;
mod pairs;
mod record;
mod run_id;
mod series;

pub use block::Bare;
pub use csv::read_csv;
pub use history::History;
pub use line::Line;
pub use lines::Lines;
pub use outcome::{Outcome, Outcomes};
pub use pairs::of_pairs;
pub use record::Record;
pub use run_id::RunId;
pub use series::{Judged, Replay};

/// The JSON schema (draft 2020-12) of a line. What a schema cannot say is in its descriptions.
pub const SCHEMA: &str = include_str!("schema.json");
