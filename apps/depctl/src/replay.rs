//! Recorded series in files, in each of the forms that the library reads.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write as _};
use std::path::{Path, PathBuf};

use nprt_compare::kayenta::{KayentaRule, MetricSetPair, judge};
use nprt_compare::replay::{History, Line, Lines, Outcome, Record, RunId, of_pairs, read_csv};
use nprt_core::model::{Block, MetricName};
use nprt_core::ports::{LeftOut, Measured};
use nprt_core::{Error, ErrorKind};
use nprt_metrics::prometheus::{Profile, Recording, StatusLabel, Statuses, recorded};
use serde_json::{Value, json};

use crate::cli::{ReplayArgs, SeriesFormat};
use crate::failure::{Failure, Result};
use crate::runs::Run;

type Said = Box<dyn Iterator<Item = nprt_core::Result<(u64, Line)>>>;

/// What a file has.
pub(crate) struct Recorded {
    pub(crate) lines: Said,
    /// What of it could not be used, beside what lines say: it is not judged, and counts in the verdict.
    pub(crate) left_out: Vec<(RunId, MetricName, LeftOut)>,
}

impl Recorded {
    fn whole(lines: Said) -> Self {
        Self { lines, left_out: Vec::new() }
    }
}

/// What a run of a series came to.
pub(crate) fn judged(outcome: Outcome) -> Result<Run> {
    let minutes = Some(outcome.minutes());
    let value = serde_json::to_value(&outcome).map_err(|error| unwritable(&error))?;
    let (name, verdict) = (outcome.judged.run.name(), outcome.judged.verdict);
    let (decision, reason) = (verdict.decision, verdict.reason);
    Ok(Run { name, decision, reason, minutes, value })
}

/// The records of a file, in the form that it is in or is said to be in.
pub(crate) fn records(arguments: &ReplayArgs, path: &Path) -> Result<Recorded> {
    let mut reader = open(path)?;
    let format = match arguments.format {
        Some(format) => format,
        None => guess(path, reader.as_mut())?,
    };
    match format {
        // One line at a time, however many there are.
        SeriesFormat::Jsonl => Ok(Recorded::whole(Box::new(Lines::new(reader)))),
        _ => read_whole(arguments, path, format, Bounded::new(reader, arguments.max_bytes)),
    }
}

/// The same of a file that is kept whole.
pub(crate) fn whole_records(arguments: &ReplayArgs, path: &Path) -> Result<Recorded> {
    let mut reader = open(path)?;
    let format = match arguments.format {
        Some(format) => format,
        None => guess(path, reader.as_mut())?,
    };
    read_whole(arguments, path, format, Bounded::new(reader, arguments.max_bytes))
}

fn read_whole(
    arguments: &ReplayArgs,
    path: &Path,
    format: SeriesFormat,
    reader: Bounded,
) -> Result<Recorded> {
    let run = name(path);
    let located = |error| in_file(error, path);
    let all = |lines: Vec<(u64, Line)>| -> Said { Box::new(lines.into_iter().map(Ok)) };
    let blocks = |records: Vec<(u64, Record)>| {
        all(records.into_iter().map(|(number, record)| (number, record.into())).collect())
    };
    Ok(Recorded::whole(match format {
        SeriesFormat::Jsonl => Box::new(Lines::new(BufReader::new(reader))),
        SeriesFormat::Csv => all(read_csv(reader, &run).map_err(located)?),
        SeriesFormat::Kayenta => blocks(of_pairs(&pairs(reader, path)?, &run).map_err(located)?),
        SeriesFormat::Prometheus => {
            let measured = recorded(&whole(reader, path)?, &recording(arguments)?).map_err(located)?;
            tell_left_out(&measured, path);
            let (mut found, mut left_out) = (Vec::<Block>::new(), Vec::new());
            for (metric, measured) in measured {
                let of_metric = measured.left_out.into_iter();
                left_out.extend(of_metric.map(|left_out| (run.clone(), metric.clone(), left_out)));
                found.extend(measured.blocks);
            }
            found.sort_by_key(|block| block.minute);
            let record = |(number, block)| (number, Record { run: run.clone(), block });
            let lines = blocks((1..).zip(found).map(record).collect());
            return Ok(Recorded { lines, left_out });
        }
    }))
}

/// Tells what of a file is not judged, by metric and reason, and what the server said about its answer.
fn tell_left_out(all: &BTreeMap<MetricName, Measured>, path: &Path) {
    let tell = |said: &str| drop(writeln!(anstream::stderr(), "{}: {said}", path.display()));
    let mut notes = BTreeSet::new();
    for (metric, measured) in all {
        let mut points: BTreeMap<&str, u64> = BTreeMap::new();
        for left in &measured.left_out {
            *points.entry(left.reason.as_str()).or_default() += left.points;
        }
        for (reason, points) in points {
            let of = measured.blocks.len() as u64 + points;
            tell(&format!("{points} of {of} points of {metric} are left out: {reason}"));
        }
        notes.extend(&measured.notes);
    }
    notes.into_iter().for_each(|note| tell(note));
}

/// How Prometheus' answers are read.
fn recording(arguments: &ReplayArgs) -> Result<Recording> {
    let named = |name: &str| Profile::ALL.into_iter().find(|(known, _)| *known == name);
    let profile = arguments.profile.as_deref().and_then(named);
    let mut recording = profile.map_or_else(Recording::default, |(_, profile)| Recording::of(profile));
    recording.metric = arguments.metric.as_deref().map(str::parse).transpose()?;
    recording.units = arguments.unit.iter().cloned().collect();
    if let Some(label) = &arguments.track_label {
        recording.source.labels.track = label.as_str().into();
    }
    if !arguments.status_label.is_empty() {
        let labels = arguments.status_label.iter().map(|label| StatusLabel::from(label.as_str()));
        recording.source.status = Statuses(labels.collect());
    }
    Ok(recording)
}

/// Stable's past.
pub(crate) fn history(arguments: &ReplayArgs, path: &Path) -> Result<History> {
    History::of(whole_records(arguments, path)?.lines).map_err(|error| in_file(error, path))
}

/// Judges metric-set pairs by Kayenta's own scheme: each file is a run, and told as it is judged.
pub(crate) fn judge_pairs(
    config: &Path,
    files: &[PathBuf],
    max_bytes: u64,
    mut tell: impl FnMut(Run) -> Result<()>,
) -> Result<()> {
    let text = String::from_utf8(read(config)?);
    let text = text.map_err(|_| Failure::usage(format!("{}: expected text in UTF-8", config.display())))?;
    let KayentaRule { config: canary, thresholds, .. } =
        KayentaRule::read(&text).map_err(|error| in_file(error, config))?;
    // Without pairs, whatever is wrong is the config's.
    judge(&canary, &[], thresholds).map_err(|error| in_file(error, config))?;
    for path in files {
        let pairs = pairs(Bounded::new(open(path)?, max_bytes), path)?;
        let judgement = judge(&canary, &pairs, thresholds).map_err(|error| in_file(error, path))?;
        let mut value = json!({"run": name(path)});
        let all = serde_json::to_value(&judgement).map_err(|error| unwritable(&error))?;
        if let (Some(value), Value::Object(all)) = (value.as_object_mut(), all) {
            value.extend(all);
        }
        let (decision, reason) = (judgement.decision, judgement.reason);
        tell(Run { name: label(path), decision, reason, minutes: None, value })?;
    }
    Ok(())
}

/// Kayenta's form is told by its first characters, the others by the name or what the first line holds.
fn guess(path: &Path, reader: &mut dyn BufRead) -> Result<SeriesFormat> {
    let begins = reader.fill_buf().map_err(|error| unreadable(path, &error))?;
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    let text = String::from_utf8_lossy(begins.get(..4096.min(begins.len())).unwrap_or_default()).into_owned();
    let text = text.trim_start_matches('\u{feff}').trim_start();
    Ok(match (extension, text.chars().next()) {
        ("csv", _) => SeriesFormat::Csv,
        ("jsonl" | "ndjson", _) | (_, None) => SeriesFormat::Jsonl,
        (_, Some('[')) => SeriesFormat::Kayenta,
        (_, Some('{')) if text.contains("\"resultType\"") || text.contains("\"status\"") => {
            SeriesFormat::Prometheus
        }
        (_, Some('{')) => SeriesFormat::Jsonl,
        (_, Some(_)) => SeriesFormat::Csv,
    })
}

/// What a run is called that has no name of its own.
fn name(path: &Path) -> RunId {
    RunId::from(label(path))
}

fn label(path: &Path) -> String {
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    if path == Path::new("-") { "stdin".to_owned() } else { stem.unwrap_or_default() }
}

fn pairs(reader: impl Read, path: &Path) -> Result<Vec<MetricSetPair>> {
    serde_json::from_slice(&whole(reader, path)?)
        .map_err(|error| Failure::usage(format!("{}: no metric-set pairs: {error}", path.display())))
}

fn open(path: &Path) -> Result<Box<dyn BufRead>> {
    if path == Path::new("-") {
        return Ok(Box::new(BufReader::new(io::stdin())));
    }
    let file = File::open(path).map_err(|error| unreadable(path, &error))?;
    Ok(Box::new(BufReader::new(file)))
}

fn whole(mut reader: impl Read, path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).map_err(|error| unreadable(path, &error))?;
    Ok(bytes)
}

/// A whole file of settings.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    whole(Bounded::new(open(path)?, LONGEST), path)
}

/// No policy or Kayenta config is longer, in bytes.
const LONGEST: u64 = 16 << 20;

/// What is kept whole: it ends with an error where it is longer than that.
struct Bounded {
    reader: Box<dyn BufRead>,
    left: u64,
    most: u64,
}

impl Bounded {
    fn new(reader: Box<dyn BufRead>, most: u64) -> Self {
        Self { reader, left: most, most }
    }
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.left = self.left.checked_sub(read as u64).ok_or_else(|| {
            let most = self.most;
            io::Error::other(format!("longer than {most} bytes, which --max-bytes allows: it is kept whole"))
        })?;
        Ok(read)
    }
}

/// The library's error with the file that it is about: a file that cannot be read is no server out of reach.
pub(crate) fn in_file(error: Error, path: &Path) -> Failure {
    Failure::usage(error.with("file", path.display()).to_string())
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    in_file(Error::new(ErrorKind::Unavailable, "replay.read", error.to_string()), path)
}

fn unwritable(error: &serde_json::Error) -> Failure {
    Failure::usage(format!("a verdict cannot be written: {error}"))
}
