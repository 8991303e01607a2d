use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use nprt_core::model::Track;
use nprt_core::ports::{LeftOutReason, Measured};
use serde::Deserialize;
use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};

use super::native::Moment;
use crate::Labels;
use crate::assemble::Line;

/// A series of a range query: labels, and values at moments (in seconds).
#[derive(Debug, Deserialize)]
pub(super) struct Series {
    pub(super) metric: LabelSet,
    #[serde(default)]
    pub(super) values: Samples,
    /// Native histograms at moments.
    #[serde(default)]
    pub(super) histograms: Vec<Moment>,
}

impl Series {
    /// How many points it has.
    pub(super) fn len(&self) -> usize {
        self.values.points.len() + self.histograms.iter().map(Moment::len).sum::<usize>()
    }
}

/// Moments and the values then, `[[1764000000, "0.25"], …]`, without keeping the texts.
#[derive(Debug, Default)]
pub(super) struct Samples {
    points: Vec<(f64, f64)>,
    /// The first value that is no number (NaN and the infinities are), and its moment.
    strange: Option<Box<(f64, String)>>,
}

impl Samples {
    /// Moments, in whole seconds, and values.
    pub(super) fn points(&self) -> impl Iterator<Item = (i64, f64)> + '_ {
        #[expect(clippy::cast_possible_truncation, reason = "it saturates, and no moment is so far away")]
        self.points.iter().map(|(second, value)| (second.round() as i64, *value))
    }

    /// Whether all values are numbers, or NaN or infinite.
    pub(super) fn are_numbers(&self) -> bool {
        self.strange.is_none()
    }

    pub(super) fn seconds(&self) -> impl Iterator<Item = i64> + '_ {
        self.points().map(|(second, _)| second)
    }
}

impl FromIterator<(i64, f64)> for Samples {
    fn from_iter<I: IntoIterator<Item = (i64, f64)>>(points: I) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "seconds of this era")]
        let points = points.into_iter().map(|(second, value)| (second as f64, value)).collect();
        Self { points, strange: None }
    }
}

/// The labels of a series, few and short: names and values one after the other, and how long each is. A tree of texts
/// would take many times what the answer does.
#[derive(Debug, Default)]
pub(super) struct LabelSet {
    text: String,
    lengths: Vec<(u16, u16)>,
}

/// No series of ours has more labels.
const MOST_LABELS: usize = 64;
/// No name or value of a label is longer, in bytes.
const LONGEST_LABEL: u16 = 2048;

impl LabelSet {
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.iter().map(|(name, _)| name)
    }

    fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut rest = self.text.as_str();
        self.lengths.iter().filter_map(move |&(name, value)| {
            let (name, more) = rest.split_at_checked(name.into())?;
            let (value, more) = more.split_at_checked(value.into())?;
            rest = more;
            Some((name, value))
        })
    }

    fn push(&mut self, name: &str, value: &str) -> Result<(), String> {
        let length = |text: &str| u16::try_from(text.len()).ok().filter(|length| *length <= LONGEST_LABEL);
        let Some(lengths) = length(name).zip(length(value)) else {
            return Err(format!("a label has at most {LONGEST_LABEL} bytes"));
        };
        if self.lengths.len() >= MOST_LABELS {
            return Err(format!("a series has at most {MOST_LABELS} labels"));
        }
        if self.get(name).is_some() {
            return Err("a label is given twice".to_owned());
        }
        self.text.push_str(name);
        self.text.push_str(value);
        self.lengths.push(lengths);
        Ok(())
    }
}

/// Prints its beginning, which is all that an error needs.
impl fmt::Display for LabelSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let labels = self.iter().map(|(name, value)| format!("{name}={value:?}"));
        let labels: String = labels.collect::<Vec<_>>().join(",").chars().take(300).collect();
        write!(f, "{{{labels}}}")
    }
}

/// A text that is not copied where the answer has it without escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> Deserialize<'de> for LabelSet {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Labels;
        impl<'de> Visitor<'de> for Labels {
            type Value = LabelSet;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the labels of a series")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<LabelSet, A::Error> {
                let mut labels = LabelSet::default();
                while let Some((Text(name), Text(value))) = map.next_entry()? {
                    labels.push(&name, &value).map_err(A::Error::custom)?;
                }
                Ok(labels)
            }
        }
        deserializer.deserialize_map(Labels)
    }
}

impl<'de> Deserialize<'de> for Samples {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Point<'a>(f64, #[serde(borrow)] Text<'a>);
        struct Points;
        impl<'de> Visitor<'de> for Points {
            type Value = Samples;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("moments and values")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Samples, A::Error> {
                let mut samples = Samples::default();
                while let Some(Point(second, Text(text))) = seq.next_element::<Point<'de>>()? {
                    match text.parse().ok() {
                        Some(value) => samples.points.push((second, value)),
                        None if samples.strange.is_none() => {
                            let text = text.chars().take(100).collect();
                            samples.strange = Some(Box::new((second, text)));
                        }
                        None => {}
                    }
                }
                Ok(samples)
            }
        }
        deserializer.deserialize_seq(Points)
    }
}

/// What series say, by what tells the parts of a block from each other. A series of no track is left out, unless all
/// are. Each series is dropped as soon as it is read: there may be a million points.
pub(super) fn read_all<P>(
    labels: &Labels,
    all: impl IntoIterator<Item = Series>,
    mut part: impl FnMut(&LabelSet) -> Result<P, String>,
    left: &mut Measured,
) -> Result<Vec<Line<P>>, String> {
    let (mut lines, mut strays, mut first) = (Vec::new(), BTreeSet::new(), None);
    for Series { metric, values, .. } in all {
        let of = |message: String| format!("{message}; series {metric}");
        let points = points(values).map_err(of)?;
        match labels.place(|name| metric.get(name)) {
            Ok(place) => lines.push(Line { place, part: part(&metric).map_err(of)?, points }),
            Err(message) => {
                first.get_or_insert_with(|| of(message));
                let place = labels.rest(Track::Stable, |name| metric.get(name));
                strays.extend(points.iter().map(|(minute, _)| (*minute, place.clone())));
            }
        }
    }
    if let Some(message) = first.filter(|_| lines.is_empty()) {
        return Err(message);
    }
    // A place is one point in a minute, however many parts it has.
    strays.iter().for_each(|(minute, _)| left.leave_out(LeftOutReason::NoTrack, *minute, None, 1));
    Ok(lines)
}

/// Its points by minute.
fn points(samples: Samples) -> Result<Vec<(i64, f64)>, String> {
    if let Some((second, text)) = samples.strange.as_deref() {
        return Err(format!("expected a number, found {text} at second {second}"));
    }
    minutes(samples.points.into_iter())
}

/// What is at these moments, by minute: a point ends its minute.
pub(super) fn minutes<T>(moments: impl Iterator<Item = (f64, T)>) -> Result<Vec<(i64, T)>, String> {
    let minute = |second: f64| {
        minute_of(second).map(|end| end - 1).ok_or_else(|| format!("expected whole minutes, found {second}"))
    };
    moments.map(|(second, value)| Ok((minute(second)?, value))).collect()
}

/// The minute that begins at `second`, which must be whole.
#[expect(clippy::cast_possible_truncation, reason = "seconds of this era")]
fn minute_of(second: f64) -> Option<i64> {
    let minute = (second / 60.0).round();
    (minute.abs() < 1e12 && (minute * 60.0 - second).abs() < 0.001).then_some(minute as i64)
}
