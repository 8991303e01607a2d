use std::str;

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
    /// Its name.
    pub name: &'a str,
    /// Its type.
    pub kind: Kind,
    /// The share of the measurements that was sent, above 0 and at most 1.
    pub rate: f64,
    values: &'a str,
    tags: &'a str,
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
    /// A value is no finite number.
    Number,
    /// There is no `|`, or no known type behind it.
    Type,
    /// The sampling rate is not above 0 and at most 1.
    Rate,
}

impl<'a> Metric<'a> {
    /// The values as numbers; those of a set are not.
    pub fn numbers(&self) -> impl Iterator<Item = f64> + use<'a> {
        self.values.split(':').filter_map(|value| value.parse().ok())
    }

    /// The values as they were sent: a gauge's `+3` and `-3` are changes, and those of a set are any text.
    pub fn values(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.values.split(':')
    }

    /// The tags, each a key and a value; a tag without `:` has an empty value.
    pub fn tags(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        let tags = self.tags.split(',').filter(|tag| !tag.is_empty());
        tags.map(|tag| tag.split_once(':').unwrap_or((tag, "")))
    }
}

/// Reads one line, without its line end. It allocates nothing.
///
/// Understood are statsd's `c`, `g`, `ms` and `s`, sampling rates, several values in a line, and
/// DogStatsD's `h`, `d` and tags. Further fields, such as the container `c:…` and the time `T…`, are
/// passed over: the minute of arrival counts.
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
    let line = str::from_utf8(line).map_err(|_| Malformed::Text)?;
    // Without an early end, so that the compiler looks at many bytes at once.
    if line.bytes().fold(false, |found, b| found | b.is_ascii_control()) {
        return Err(Malformed::Text);
    }
    if line.starts_with("_e{") {
        return Ok(Line::Event);
    }
    if line.starts_with("_sc|") {
        return Ok(Line::ServiceCheck);
    }
    let (head, fields) = line.split_once('|').ok_or(Malformed::Type)?;
    let (name, values) = head.split_once(':').ok_or(Malformed::Value)?;
    if name.is_empty() {
        return Err(Malformed::Name);
    }
    let mut fields = fields.split('|');
    let kind = fields.next().and_then(kind).ok_or(Malformed::Type)?;
    for value in values.split(':') {
        check(kind, value)?;
    }
    let mut metric = Metric { name, kind, rate: 1.0, values, tags: "" };
    for field in fields {
        if let Some(rate) = field.strip_prefix('@') {
            metric.rate =
                rate.parse().ok().filter(|rate| *rate > 0.0 && *rate <= 1.0).ok_or(Malformed::Rate)?;
        } else if let Some(tags) = field.strip_prefix('#') {
            metric.tags = tags;
        }
    }
    Ok(Line::Metric(metric))
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

fn check(kind: Kind, value: &str) -> Result<(), Malformed> {
    if value.is_empty() {
        return Err(Malformed::Value);
    }
    // `parse` reads `inf` and `nan` too.
    let number = || value.parse().is_ok_and(f64::is_finite);
    if kind == Kind::Set || number() { Ok(()) } else { Err(Malformed::Number) }
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
        assert_eq!(metric("a:+3|g").values().collect::<Vec<_>>(), ["+3"]);
        assert_eq!(metric("a:x:y|s").values().collect::<Vec<_>>(), ["x", "y"]);
        assert_eq!(parse(b"_e{5,4}:title|text|#shell"), Ok(Line::Event));
        assert_eq!(parse(b"_sc|Redis connection|2|m:timed out"), Ok(Line::ServiceCheck));
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
            (b"a:nan|g", Malformed::Number),
            (b"a:inf|g", Malformed::Number),
            (b"a:1e999|g", Malformed::Number),
            (b"a:1", Malformed::Type),
            (b"a:1|", Malformed::Type),
            (b"a:1|q", Malformed::Type),
            (b"a:1|c|@0", Malformed::Rate),
            (b"a:1|c|@1.5", Malformed::Rate),
            (b"a:1|c|@nan", Malformed::Rate),
            (b"a:1|c|@", Malformed::Rate),
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
        fn near_misses_never_panic(line in "[a:|#@,.c_e{}0-9+-]{0,40}") {
            if let Ok(Line::Metric(metric)) = parse(line.as_bytes()) {
                prop_assert!(!metric.name.is_empty() && metric.rate > 0.0 && metric.rate <= 1.0);
                prop_assert!(metric.tags().all(|(key, value)| !key.contains(',') && !value.contains(',')));
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
