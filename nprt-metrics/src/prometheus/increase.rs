//! What counters grew by in a minute: three ways to ask for it, and what each costs the server.

const CALL: &str = "{increase}(";

/// A counter that was last scraped so long ago has a gap before its next sample. No sensible scrape interval is longer.
const GAP: &str = "2m";
/// A counter that was seen within this time is not a new one.
const MEMORY: &str = "6h";

/// A query of a metric, with each `{increase}(selector)` written out. `{service}`, `{by}` and `{window}` are still in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Forms {
    /// Exact to the scrape, and by far the dearest: each quarter of a minute is compared with the scrape before it.
    pub(super) exact: String,
    /// The ends of two minutes compared: misses what a counter did before it was reset within the minute.
    pub(super) by_minute: String,
    /// The totals of each target's counters at the end of each minute, whose [differences](super::totals) we take
    /// ourselves. Where the query is a plain sum, and only there: it costs a tenth.
    pub(super) totals: Option<String>,
    /// How many series it reads; `None` of a query without `{increase}`.
    pub(super) series: Option<String>,
}

impl Forms {
    /// PromQL's own `increase(x[1m])` is none of them: it compares the first with the last scrape of the minute, so that
    /// with scrapes each 15 seconds it never sees a quarter of the increments, makes up for them by extrapolation, and
    /// never sees the first increment of a counter that appears with it. One error of a new class could pass unseen.
    pub(super) fn of(query: &str) -> Result<Self, &'static str> {
        let mut selectors = Vec::new();
        let exact = expand(query, |selector| {
            selectors.push(selector.to_owned());
            // The outer range is shorter than the minute because Prometheus 2 counts both of its ends.
            format!("sum_over_time(({})[59s:15s])", grown(selector, "15s"))
        })?;
        let by_minute = expand(query, |selector| format!("({})", grown(selector, "1m")))?;
        let totals = match selectors.as_slice() {
            [selector] if is_plain_sum(query, selector) => {
                Some(format!("sum by ({{by}},job,instance) (last_over_time({selector}[1m]))"))
            }
            _ => None,
        };
        let series =
            selectors.iter().map(|selector| format!("(count({selector}) or vector(0))")).collect::<Vec<_>>();
        let series = (!series.is_empty()).then(|| series.join(" + "));
        Ok(Self { exact, by_minute, totals, series })
    }
}

/// What the counters of `selector` grew by since `step` ago. One that was reset counts from zero, and so does one that is
/// new. The first sample after a gap counts nothing: nobody knows in which minute of the gap it grew. What follows a NaN is
/// NaN as well, and not all that the counter ever counted.
///
/// Arithmetic drops the metric's name, which one side of `or` would keep otherwise.
fn grown(selector: &str, step: &str) -> String {
    let now = format!("last_over_time({selector}[{step}])");
    let before = format!("last_over_time({selector}[{GAP}] offset {step})");
    let known = format!("last_over_time({selector}[{MEMORY}] offset {step})");
    format!("{now} - {before} >= 0 or {now} + 0 * {before} or ({now} unless {known}) + 0")
}

/// Whether the query is `sum by ({by}) ({increase}(selector))` and nothing more.
fn is_plain_sum(query: &str, selector: &str) -> bool {
    let bare = |text: &str| text.split_whitespace().collect::<String>();
    bare(query) == bare(&format!("sum by ({{by}}) ({{increase}}({selector}))"))
}

/// `query` with each `{increase}(selector)` replaced.
fn expand(query: &str, mut increase: impl FnMut(&str) -> String) -> Result<String, &'static str> {
    let (mut expanded, mut rest) = (String::new(), query);
    while let Some((before, call)) = rest.split_once(CALL) {
        let end = closing(call).ok_or("expected `)` after {increase}(")?;
        let (selector, after) = call.split_at(end);
        let selector = selector.trim();
        if selector.is_empty() {
            return Err("expected the selector of a counter in {increase}()");
        }
        expanded.push_str(before);
        expanded.push_str(&increase(selector));
        rest = after.get(1..).unwrap_or_default();
    }
    if rest.contains("{increase}") {
        return Err("expected `(` behind {increase}");
    }
    expanded.push_str(rest);
    Ok(expanded)
}

/// Where the parenthesis closes that is open before `text`; those in quotes do not count.
fn closing(text: &str) -> Option<usize> {
    let (mut depth, mut quote, mut escaped) = (0_usize, None, false);
    for (at, c) in text.char_indices() {
        match (quote, c) {
            _ if escaped => escaped = false,
            // Between backticks, a backslash is itself.
            (Some('"' | '\''), '\\') => escaped = true,
            (Some(open), _) if open == c => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'' | '`') => quote = Some(c),
            (None, '(') => depth += 1,
            (None, ')') if depth == 0 => return Some(at),
            (None, ')') => depth -= 1,
            (None, _) => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_selector_whole() {
        for selector in ["x", r#"x{a="b)",c=~'(d|\')',e=`\`}"#] {
            let forms = Forms::of(&format!("sum by (a) ({{increase}}({selector})) / 2")).unwrap();
            assert!(forms.exact.starts_with("sum by (a) (sum_over_time(("), "{forms:?}");
            assert!(forms.exact.ends_with("[59s:15s])) / 2"), "{forms:?}");
            assert_eq!(forms.exact.matches(selector).count(), 6, "{forms:?}");
            assert_eq!(
                (forms.totals, forms.series),
                (None, Some(format!("(count({selector}) or vector(0))")))
            );
        }
        let two = Forms::of("{increase}(a) + {increase}(b)").unwrap();
        assert_eq!(two.exact.matches("sum_over_time").count(), 2);
        assert_eq!(
            (two.totals, two.series.as_deref()),
            (None, Some("(count(a) or vector(0)) + (count(b) or vector(0))"))
        );
        let plain = Forms::of("plain(x[1m])").unwrap();
        assert_eq!((plain.exact.as_str(), plain.series), ("plain(x[1m])", None));
        for wrong in ["{increase}(x", "{increase}( )", "{increase} x", r#"{increase}(x{a=")"}"#] {
            assert!(Forms::of(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_a_plain_sum_has_totals() {
        let totals = |query: &str| Forms::of(query).unwrap().totals;
        let plain = "sum  by ({by}) ( {increase}(x{a=\"1 2\"}) )";
        assert_eq!(
            totals(plain).as_deref(),
            Some("sum by ({by},job,instance) (last_over_time(x{a=\"1 2\"}[1m]))")
        );
        for other in [
            "sum by (a) ({increase}(x))",
            "2 * sum by ({by}) ({increase}(x))",
            "max by ({by}) ({increase}(x))",
        ] {
            assert_eq!(totals(other), None, "{other}");
        }
    }
}
