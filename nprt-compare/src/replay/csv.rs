use std::collections::BTreeMap;
use std::io::Read;

use ::csv::{ReaderBuilder, StringRecord};
use jiff::Timestamp;
use nprt_core::model::{Block, BlockData, Track};
use nprt_core::ports::LeftOutReason;
use nprt_core::{Error, ErrorKind, Result};

use super::fields::Fields;
use super::numbers::{Number, Numbers};
use super::{Line, RunId};

const COLUMNS: [&str; 14] = [
    "run", "minute", "time", "track", "metric", "pod", "route", "version", "unit", "samples", "value",
    "requests", "errors", "class",
];

/// The columns that measurements stand in.
const DATA: [&str; 5] = ["samples", "value", "requests", "errors", "class"];

/// Those of counts.
const COUNTS: [&str; 2] = ["requests", "errors"];

/// Reads a table of comma-separated values, with the names of its columns in the first line, as the lines of
/// [`Replay::of`](super::Replay::of), each with the number of its line. All of it is kept in memory.
///
/// | column | | |
/// |---|---|---|
/// | `run` | optional | a text, or a whole number; without it all is of the run that the call names |
/// | `minute`, `time` | one of both | as in [`replay`](super), or a time of RFC 3339 or since 1970, whose minute counts: in seconds, and from 10¹¹, 10¹⁴ and 10¹⁷ on in milli-, micro- and nanoseconds |
/// | `track`, `metric` | required | as there |
/// | `pod`, `route`, `version`, `unit` | optional | as there; an empty cell is none |
/// | `samples` | one of these four | measurements, separated by spaces or `;`; those of several rows add up |
/// | `value` | | one gauge or aggregate |
/// | `requests`, `errors` | | both |
/// | `class`, `errors` | | both: so many errors of the class; those of several rows make up one block |
///
/// A row whose cells of these four are all empty, as pandas writes NaN, is a gap. `NaN` and infinite numbers are points that are
/// left out, and counted by their reason. Rows may be in any order. Histograms have no place in a table: lines of JSON take them.
///
/// ```
/// use nprt_compare::replay::read_csv;
///
/// let table = "minute,track,metric,unit,samples,class,errors\n\
///              7,canary,latency,ms,12.5;80,,\n\
///              7,canary,errors,,,timeout,2\n\
///              7,canary,latency,ms,90,,\n";
/// let records = read_csv(table.as_bytes(), &"cart".into())?;
/// let lines: Vec<_> = records.iter().map(|(_, record)| serde_json::to_string(record)).collect::<Result<_, _>>()?;
/// assert_eq!(lines, [
///     r#"{"run":"cart","minute":7,"track":"canary","metric":"latency","samples":[0.0125,0.08,0.09]}"#,
///     r#"{"run":"cart","minute":7,"track":"canary","metric":"errors","classes":{"timeout":2}}"#,
/// ]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// `Invalid`, with line and field, for what is not so, and for a class that is given twice; `Unavailable` where the
/// reader fails.
pub fn read_csv(reader: impl Read, run: &RunId) -> Result<Vec<(u64, Line)>> {
    let mut table = ReaderBuilder::new().trim(::csv::Trim::All).from_reader(reader);
    let columns = table.headers().map_err(|error| failed(&error))?.clone();
    check(&columns)?;
    let mut gathered = Gathered::default();
    for row in table.records() {
        let row = row.map_err(|error| failed(&error))?;
        let line = row.position().map_or(0, ::csv::Position::line);
        let added = lines(&columns, &row, run)
            .and_then(|said| said.into_iter().try_for_each(|said| gathered.add(line, said)));
        added.map_err(|error| error.with("line", line))?;
    }
    Ok(gathered.ordered())
}

fn check(columns: &StringRecord) -> Result<()> {
    for (index, name) in columns.iter().enumerate() {
        let known = COLUMNS.contains(&name);
        if !known || columns.iter().take(index).any(|earlier| earlier == name) {
            let message = if known { "a column twice" } else { "an unknown column" };
            return Err(invalid(message).with("line", 1).with("column", name).with_available(COLUMNS));
        }
    }
    let has = |name: &str| columns.iter().any(|column| column == name);
    if has("minute") == has("time") {
        return Err(invalid("expected the column minute, or time").with("line", 1));
    }
    if !DATA.into_iter().any(has) {
        return Err(invalid("expected a column of measurements").with("line", 1).with_available(DATA));
    }
    match ["track", "metric"].into_iter().find(|name| !has(name)) {
        Some(name) => Err(invalid("a column is missing").with("line", 1).with("column", name)),
        None => Ok(()),
    }
}

/// What one row says; nothing for one by which nothing was measured.
fn lines(columns: &StringRecord, row: &StringRecord, run: &RunId) -> Result<Vec<Line>> {
    let measured = |(column, cell): &(&str, &str)| DATA.contains(column) && !cell.is_empty();
    let cells = || columns.iter().zip(row).filter(|(_, cell)| !cell.is_empty());
    if !cells().any(|cell| measured(&cell)) {
        return Ok(Vec::new());
    }
    let (mut fields, mut class) = (Fields::default(), None);
    // Of a count that is none, nothing beside it can be used.
    let bad = cells().filter(|(column, _)| COUNTS.contains(column)).find_map(|(_, cell)| infinite(cell));
    if let Some(reason) = bad {
        fields.value = Some(Number(Err(reason)));
    }
    for (column, cell) in cells().filter(|cell| bad.is_none() || !measured(cell)) {
        let text = || Some(cell.to_owned());
        match column {
            "run" => fields.run = Some(cell.parse::<i64>().map_or_else(|_| cell.into(), RunId::from)),
            "minute" => fields.minute = Some(number(column, cell, "a whole number")?),
            "time" => fields.minute = Some(minute(cell)?),
            "track" => fields.track = text(),
            "metric" => fields.metric = text(),
            "pod" => fields.pod = text(),
            "route" => fields.route = text(),
            "version" => fields.version = text(),
            "unit" => fields.unit = text(),
            "samples" => fields.samples = Some(samples(cell)?),
            "value" => fields.value = Some(number::<f64>(column, cell, "a number")?.into()),
            "requests" => fields.requests = Some(number(column, cell, "a count")?),
            "errors" => fields.errors = Some(number(column, cell, "a count")?),
            _ => class = text(),
        }
    }
    if let Some(class) = class {
        let count = fields.errors.take();
        let count = count.ok_or_else(|| invalid("expected errors beside a class").with("field", "errors"))?;
        fields.classes = Some(BTreeMap::from([(class, count)]));
    }
    let run = fields.run.take().unwrap_or_else(|| run.clone());
    fields.into_lines(&run)
}

fn samples(cell: &str) -> Result<Numbers> {
    let mut numbers = Numbers::default();
    for sample in cell.split([' ', ';']).filter(|sample| !sample.is_empty()) {
        numbers.extend([Number::from(number::<f64>("samples", sample, "numbers separated by spaces or ;")?)]);
    }
    Ok(numbers)
}

/// Why a cell that has a number is no measurement.
fn infinite(cell: &str) -> Option<LeftOutReason> {
    LeftOutReason::of_number(cell.parse().ok()?)
}

/// The minute that a time lies in.
fn minute(cell: &str) -> Result<i64> {
    match (cell.parse::<f64>(), cell.parse::<Timestamp>()) {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "whole, and beyond the bounds saturated, which is refused"
        )]
        (Ok(time), _) if time.is_finite() => Ok((seconds(time) / 60.0).floor() as i64),
        (_, Ok(time)) => Ok(Block::minute_of(time)),
        _ => Err(unreadable("time", cell, "a time of RFC 3339, or seconds since 1970")),
    }
}

/// A time since 1970 in seconds. From year 5138 on, what was meant is a smaller unit.
fn seconds(time: f64) -> f64 {
    match time.abs() {
        size if size < 1e11 => time,
        size if size < 1e14 => time / 1e3,
        size if size < 1e17 => time / 1e6,
        _ => time / 1e9,
    }
}

fn number<T: std::str::FromStr>(column: &str, cell: &str, expected: &str) -> Result<T> {
    cell.parse().map_err(|_| unreadable(column, cell, expected))
}

fn unreadable(column: &str, cell: &str, expected: &str) -> Error {
    let shown: String = cell.chars().take(60).collect();
    invalid(format!("expected {expected}, found {shown:?}")).with("field", column)
}

/// Lines in the order of their runs and minutes, in which parts of one block have become one.
#[derive(Default)]
struct Gathered {
    runs: BTreeMap<RunId, usize>,
    lines: Vec<(u64, Line)>,
    /// By what tells blocks apart, where the block of samples or classes is.
    parts: BTreeMap<Key, usize>,
}

/// Run, minute, whether of samples, track, metric, pod, route and version.
type Key = (usize, i64, bool, Track, String, [Option<String>; 3]);

impl Gathered {
    fn add(&mut self, line: u64, said: Line) -> Result<()> {
        let next = self.runs.len();
        let run = *self.runs.entry(said.run().clone()).or_insert(next);
        let Line::Block(record) = said else {
            self.lines.push((line, said));
            return Ok(());
        };
        let Block { minute, track, version, pod, route, metric, data } = &record.block;
        let is_samples = matches!(data, BlockData::Samples(_));
        if is_samples || matches!(data, BlockData::Classes(_)) {
            let place = [pod.clone(), route.clone(), version.clone()];
            let key = (run, *minute, is_samples, *track, metric.to_string(), place);
            if let Some(index) = self.parts.get(&key) {
                return match self.lines.get_mut(*index) {
                    Some((_, Line::Block(whole))) => join(&mut whole.block.data, record.block.data),
                    _ => Ok(()),
                };
            }
            self.parts.insert(key, self.lines.len());
        }
        self.lines.push((line, Line::Block(record)));
        Ok(())
    }

    fn ordered(mut self) -> Vec<(u64, Line)> {
        let runs = self.runs;
        self.lines.sort_by_key(|(_, said)| (runs.get(said.run()).copied(), said.minute()));
        self.lines
    }
}

fn join(whole: &mut BlockData, part: BlockData) -> Result<()> {
    match (whole, part) {
        (BlockData::Samples(all), BlockData::Samples(more)) => all.extend(more),
        (BlockData::Classes(all), BlockData::Classes(more)) => {
            for (class, count) in more {
                if all.contains_key(&class) {
                    return Err(invalid(format!("the class {class:?} twice")).with("field", "class"));
                }
                all.insert(class, count);
            }
        }
        _ => {}
    }
    Ok(())
}

fn failed(error: &::csv::Error) -> Error {
    let kind = if error.is_io_error() { ErrorKind::Unavailable } else { ErrorKind::Invalid };
    Error::new(kind, "replay.csv", error.to_string())
}

fn invalid(message: impl Into<String>) -> Error {
    Error::invalid("replay.csv", message)
}
