use std::str;

use super::tags::Tags;

/// One line of a datagram, read in place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Line<'a> {
    /// A metric.
    Metric(Metric<'a>),
    /// A DogStatsD event, `_e{…}`.
    Event,
    /// A DogStatsD service check, `_sc|…`.
    ServiceCheck,
}

/// A metric with one or more values: `name:1:2:3|ms|@0.1|#key:value,…`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Metric<'a> {
    /// Its name, without the tags that it may bear.
    pub name: &'a str,
    /// Its type.
    pub kind: Kind,
    /// The share of the measurements that was sent, above 0 and at most 1.
    pub rate: f64,
    /// When it was measured, in seconds since 1970; `None` where the client leaves that to the server.
    pub time: Option<i64>,
    /// The first value, so that most lines are read once; 0 of a set.
    first: f64,
    first_text: &'a str,
    /// Further values, between `:`.
    rest: Option<&'a str>,
    pub(super) tags: Tags<'a>,
}

/// The type of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `c`
    Counter,
    /// `g`
    Gauge,
    /// `ms`, in milliseconds
    Timer,
    /// `h`
    Histogram,
    /// `d`
    Distribution,
    /// `s`
    Set,
}

/// Why a line is no metric, event or service check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Malformed {
    /// It is not UTF-8, or holds a control character.
    Text,
    /// Nothing stands before the first `:`.
    Name,
    /// There is no `:`, or no value behind it.
    Value,
    /// A value is no number.
    Number,
    /// A value is NaN.
    NotANumber,
    /// A value is infinite, or as large as that.
    Infinite,
    /// A timer is below zero.
    Negative,
    /// There is no `|`, or no known type behind it.
    Type,
    /// The sampling rate is not above 0 and at most 1.
    Rate,
    /// The timestamp is no number of seconds since 1970.
    Time,
}

impl Malformed {
    /// As a label of metrics and in sentences.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Name => "name",
            Self::Value => "value",
            Self::Number => "number",
            Self::NotANumber => "not-a-number",
            Self::Infinite => "infinite",
            Self::Negative => "negative",
            Self::Type => "type",
            Self::Rate => "rate",
            Self::Time => "time",
        }
    }
}

impl<'a> Metric<'a> {
    /// The values as numbers; those of a set are not.
    pub fn numbers(&self) -> impl Iterator<Item = f64> + Clone + use<'a> {
        let first = (self.kind != Kind::Set).then_some(self.first);
        let rest = parts(self.rest, b':').filter_map(|value| value.parse().ok());
        first.into_iter().chain(rest)
    }

    /// The values as they were sent: a gauge's `+3` and `-3` are changes, and those of a set are any text.
    pub fn values(&self) -> impl Iterator<Item = &'a str> + Clone + use<'a> {
        [self.first_text].into_iter().chain(parts(self.rest, b':'))
    }

    /// The tags, each a key and a value: those in the name first. A tag without a value has an empty one.
    pub fn tags(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        self.tags.iter()
    }
}

/// Reads one line, without its line end. It allocates nothing.
///
/// Understood are statsd's `c`, `g`, `ms` and `s`, sampling rates, several values in a line, and
/// DogStatsD's `h`, `d`, tags and timestamps (`T…`). Further fields, such as the container `c:…`, are passed over.
/// Tags may also stand in the name: `name,key=value` (InfluxDB), `name;key=value` (Graphite), `name#key=value` (Librato)
/// and `name[key=value]` (SignalFx).
///
/// ```
/// use nprt_metrics::statsd::{Kind, Line, parse};
/// let Ok(Line::Metric(metric)) = parse(b"request.latency:12:34.5|ms|@0.5|#track:canary") else { panic!() };
/// assert_eq!((metric.name, metric.kind, metric.rate), ("request.latency", Kind::Timer, 0.5));
/// assert_eq!(metric.numbers().collect::<Vec<_>>(), [12.0, 34.5]);
/// assert_eq!(metric.tags().collect::<Vec<_>>(), [("track", "canary")]);
/// ```
///
/// # Errors
/// [`Malformed`], which says where the line leaves the grammar.
pub fn parse(line: &[u8]) -> Result<Line<'_>, Malformed> {
    let line = text(line)?;
    if line.starts_with("_e{") {
        return Ok(Line::Event);
    }
    if line.starts_with("_sc|") {
        return Ok(Line::ServiceCheck);
    }
    let (head, fields) = cut(line, b'|').ok_or(Malformed::Type)?;
    let (name, values) = split_head(head).ok_or(Malformed::Value)?;
    let (name, mut tags) = Tags::of_name(name);
    if name.is_empty() {
        return Err(Malformed::Name);
    }
    let mut fields = parts(Some(fields), b'|');
    let kind = fields.next().and_then(kind).ok_or(Malformed::Type)?;
    let (first_text, rest) = cut(values, b':').map_or((values, None), |(first, rest)| (first, Some(rest)));
    let first = check(kind, first_text)?;
    parts(rest, b':').try_for_each(|value| check(kind, value).map(drop))?;
    let (mut rate, mut time) = (1.0, None);
    for field in fields {
        if let Some(text) = field.strip_prefix('@') {
            rate = text.parse().ok().filter(|rate| *rate > 0.0 && *rate <= 1.0).ok_or(Malformed::Rate)?;
        } else if let Some(text) = field.strip_prefix('#') {
            tags.after = text;
        } else if let Some(text) = field.strip_prefix('T') {
            time = Some(text.parse().ok().filter(|time| *time >= 0).ok_or(Malformed::Time)?);
        }
    }
    Ok(Line::Metric(Metric { name, kind, rate, time, first, first_text, rest, tags }))
}

/// Name and tags of a line that is malformed, as far as they can be read: whose line it was.
pub(super) fn outline(line: &[u8]) -> Option<(&str, Tags<'_>)> {
    let (head, fields) = text(line).ok()?.split_once('|')?;
    let (name, mut tags) = Tags::of_name(split_head(head).map_or(head, |(name, _)| name));
    if let Some(after) = fields.split('|').filter_map(|field| field.strip_prefix('#')).next_back() {
        tags.after = after;
    }
    Some((name, tags))
}

fn text(line: &[u8]) -> Result<&str, Malformed> {
    let line = str::from_utf8(line).map_err(|_| Malformed::Text)?;
    // Without an early end, so that the compiler looks at many bytes at once.
    if line.bytes().fold(false, |found, b| found | b.is_ascii_control()) {
        return Err(Malformed::Text);
    }
    Ok(line)
}

/// Name and values; a `:` in SignalFx's brackets belongs to the name.
fn split_head(head: &str) -> Option<(&str, &str)> {
    let (name, values) = cut(head, b':')?;
    if memchr::memchr(b'[', name.as_bytes()).is_none() || name.ends_with(']') {
        return Some((name, values));
    }
    let end = head.find("]:")?;
    Some((head.get(..=end)?, head.get(end + 2..)?))
}

fn kind(text: &str) -> Option<Kind> {
    Some(match text {
        "c" => Kind::Counter,
        "g" => Kind::Gauge,
        "ms" => Kind::Timer,
        "h" => Kind::Histogram,
        "d" => Kind::Distribution,
        "s" => Kind::Set,
        _ => return None,
    })
}

/// The number that a value is; 0 of a set's.
fn check(kind: Kind, value: &str) -> Result<f64, Malformed> {
    if value.is_empty() {
        return Err(Malformed::Value);
    }
    if kind == Kind::Set {
        return Ok(0.0);
    }
    // `parse` reads `inf` and `nan` too.
    let number: f64 = value.parse().map_err(|_| Malformed::Number)?;
    if !number.is_finite() {
        return Err(if number.is_nan() { Malformed::NotANumber } else { Malformed::Infinite });
    }
    if kind == Kind::Timer && number < 0.0 { Err(Malformed::Negative) } else { Ok(number) }
}

/// What stands before and behind the first `separator`, which is ASCII. As `split_once`, and several times as quick.
fn cut(text: &str, separator: u8) -> Option<(&str, &str)> {
    let at = memchr::memchr(separator, text.as_bytes())?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// What stands between `separator`s; nothing without a text.
fn parts(text: Option<&str>, separator: u8) -> impl Iterator<Item = &str> + Clone {
    let mut rest = text;
    std::iter::from_fn(move || {
        let text = rest?;
        let (part, after) = cut(text, separator).map_or((text, None), |(part, after)| (part, Some(after)));
        rest = after;
        Some(part)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn metric(line: &str) -> Metric<'_> {
        match parse(line.as_bytes()) {
            Ok(Line::Metric(metric)) => metric,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn reads_every_type() {
        for (text, kind) in [
            ("c", Kind::Counter),
            ("g", Kind::Gauge),
            ("ms", Kind::Timer),
            ("h", Kind::Histogram),
            ("d", Kind::Distribution),
            ("s", Kind::Set),
        ] {
            assert_eq!(metric(&format!("a:1|{text}")).kind, kind);
        }
    }

    #[test]
    fn reads_dogstatsd_extensions() {
        let line = metric("a.b:1:2:3|ms|@0.1|#track:canary,flag,url:http://x,|c:in-7|T1656581400|e:it-false");
        assert_eq!(line.numbers().collect::<Vec<_>>(), [1.0, 2.0, 3.0]);
        assert!((line.rate - 0.1).abs() < 1e-12);
        assert_eq!(line.tags().collect::<Vec<_>>(), [("track", "canary"), ("flag", ""), ("url", "http://x")]);
        assert_eq!((line.time, metric("a:1|c").time), (Some(1_656_581_400), None));
        assert_eq!(metric("a:+3|g").values().collect::<Vec<_>>(), ["+3"]);
        assert_eq!(metric("a:x:y|s").values().collect::<Vec<_>>(), ["x", "y"]);
        assert_eq!(parse(b"_e{5,4}:title|text|#shell"), Ok(Line::Event));
        assert_eq!(parse(b"_sc|Redis connection|2|m:timed out"), Ok(Line::ServiceCheck));
    }

    #[test]
    fn reads_tags_in_the_name() {
        for line in [
            "a.b,track=canary,url=x,flag:1:2|ms|@0.5",
            "a.b;track=canary;url=x;flag:1:2|ms|@0.5",
            "a.b#track=canary,url=x,flag:1:2|ms|@0.5",
            "a.b[track=canary,url=x,flag]:1:2|ms|@0.5",
            "a.b[track=canary,url=x]:1:2|ms|@0.5|#flag",
            "a.b,track=canary:1:2|ms|#url:x,flag",
        ] {
            let read = metric(line);
            assert_eq!(read.name, "a.b", "{line}");
            let tags: Vec<_> = read.tags().collect();
            assert_eq!(tags, [("track", "canary"), ("url", "x"), ("flag", "")], "{line}");
            assert_eq!(read.numbers().collect::<Vec<_>>(), [1.0, 2.0], "{line}");
        }
        let url = metric("a[url=http://x]:1|c");
        assert_eq!((url.name, url.tags().next()), ("a", Some(("url", "http://x"))));
        assert_eq!(metric("a.b,:1|c").tags().count(), 0);
    }

    #[test]
    fn says_whose_a_malformed_line_was() {
        for line in ["a:nan|c|#k:v", "a:-5|ms|#x:y|#k:v", "a:1|zz|#k:v", "a|c|#k:v", "a,k=v:x|c"] {
            let (name, tags) = outline(line.as_bytes()).unwrap();
            assert_eq!((name, tags.iter().last()), ("a", Some(("k", "v"))), "{line}");
        }
        assert_eq!(outline(b"a:1"), None);
        assert_eq!(outline(b"\xff|c"), None);
    }

    #[test]
    fn says_what_is_malformed() {
        for (line, why) in [
            (&b"a:1|c\xff"[..], Malformed::Text),
            (b"a\0:1|c", Malformed::Text),
            (b":1|c", Malformed::Name),
            (b"a|c", Malformed::Value),
            (b"a:|c", Malformed::Value),
            (b"a:1:|c", Malformed::Value),
            (b"a:x|c", Malformed::Number),
            (b"a:nan|g", Malformed::NotANumber),
            (b"a:NaN|ms", Malformed::NotANumber),
            (b"a:inf|g", Malformed::Infinite),
            (b"a:-Infinity|g", Malformed::Infinite),
            (b"a:1e999|g", Malformed::Infinite),
            (b"a:1", Malformed::Type),
            (b"a:1|", Malformed::Type),
            (b"a:1|q", Malformed::Type),
            (b"a:1|c|@0", Malformed::Rate),
            (b"a:1|c|@1.5", Malformed::Rate),
            (b"a:1|c|@nan", Malformed::Rate),
            (b"a:1|c|@", Malformed::Rate),
            (b"a:-1|ms", Malformed::Negative),
            (b"a:1:-0.5:2|ms|@0.1", Malformed::Negative),
            (b"a:1|c|T", Malformed::Time),
            (b"a:1|c|T-5", Malformed::Time),
            (b"a:1|c|T1.5", Malformed::Time),
            (b",a=b:1|c", Malformed::Name),
            (b"[a=b]:1|c", Malformed::Name),
            (b"", Malformed::Type),
        ] {
            assert_eq!(parse(line), Err(why), "{}", String::from_utf8_lossy(line));
        }
    }

    proptest! {
        #[test]
        fn never_panics(line in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&line);
        }

        #[test]
        fn near_misses_never_panic(line in "[a:|#@,.;=T\\[\\]c_e{}0-9+-]{0,40}") {
            if let Ok(Line::Metric(metric)) = parse(line.as_bytes()) {
                prop_assert!(!metric.name.is_empty() && metric.rate > 0.0 && metric.rate <= 1.0);
                prop_assert!(metric.tags().count() < 40 && outline(line.as_bytes()).is_some());
                prop_assert_eq!(metric.numbers().count(), metric.values().count());
            }
        }

        #[test]
        fn reads_what_a_client_writes(
            name in "[a-z][a-z0-9._]{0,20}",
            values in proptest::collection::vec(-1e12..1e12_f64, 1..5),
            rate in 0.001..=1.0_f64,
            tags in proptest::collection::vec(("[a-z]{1,5}", "[a-z0-9:/.-]{1,8}"), 0..4),
        ) {
            let joined = values.iter().map(f64::to_string).collect::<Vec<_>>().join(":");
            let tagged = tags.iter().map(|(k, v)| format!("{k}:{v}")).collect::<Vec<_>>().join(",");
            let line = format!("{name}:{joined}|d|@{rate}|#{tagged}");
            let Ok(Line::Metric(metric)) = parse(line.as_bytes()) else {
                return Err(TestCaseError::fail(line));
            };
            prop_assert_eq!(metric.name, name);
            prop_assert_eq!(metric.rate.to_bits(), rate.to_bits());
            prop_assert_eq!(metric.numbers().collect::<Vec<_>>(), values);
            let read: Vec<(String, String)> =
                metric.tags().map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
            prop_assert_eq!(read, tags);
        }
    }
}
