use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::Labels;
use crate::assemble::Line;

/// A series of a range query: labels, and values at moments (in seconds).
#[derive(Debug, Deserialize)]
pub(super) struct Series {
    pub(super) metric: LabelSet,
    #[serde(default)]
    pub(super) values: Samples,
    /// Native histograms, which are not understood.
    pub(super) histograms: Option<IgnoredAny>,
}

/// Moments and the values then, `[[1764000000, "0.25"], …]`, without keeping the texts.
#[derive(Debug, Default)]
pub(super) struct Samples {
    points: Vec<(f64, f64)>,
    /// The first value that is no finite number, and its moment.
    strange: Option<Box<(f64, String)>>,
}

impl Samples {
    pub(super) fn len(&self) -> usize {
        self.points.len()
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
                    match text.parse().ok().filter(|value: &f64| value.is_finite()) {
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

/// What a series says; `part` is the label that tells the parts of a block from each other.
pub(super) fn read(labels: &Labels, series: &Series, part: Option<&str>) -> Result<Line, String> {
    if series.histograms.is_some() {
        return Err("native histograms are not understood: use classic buckets".to_owned());
    }
    let place = labels.place(|name| series.metric.get(name))?;
    let part = part.and_then(|name| series.metric.get(name)).map(str::to_owned);
    if let Some((second, text)) = series.values.strange.as_deref() {
        return Err(format!("expected a finite number, found {text} at second {second}"));
    }
    let mut points = Vec::with_capacity(series.values.len());
    for (second, value) in &series.values.points {
        // A point ends its minute.
        let minute = minute_of(*second).ok_or_else(|| format!("expected whole minutes, found {second}"))? - 1;
        points.push((minute, *value));
    }
    Ok(Line { place, part, points })
}

/// The minute that begins at `second`, which must be whole.
#[expect(clippy::cast_possible_truncation, reason = "seconds of this era")]
fn minute_of(second: f64) -> Option<i64> {
    let minute = (second / 60.0).round();
    (minute.abs() < 1e12 && (minute * 60.0 - second).abs() < 0.001).then_some(minute as i64)
}
