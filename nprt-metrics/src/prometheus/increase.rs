//! The increase of counters, exact.

const CALL: &str = "{increase}(";

/// `query` with each `{increase}(selector)` written out, in PromQL that counts what a counter grew by in the
/// minute, exactly.
///
/// PromQL's own `increase(x[1m])` does not: it compares the first with the last scrape of the minute, so
/// that with scrapes each 15 seconds it never sees a quarter of the increments, makes up for them by
/// extrapolation, and never sees the first increment of a counter that appears with it. One error of a new
/// class could pass unseen. Here each of the four quarters is compared with the scrape before it, whenever
/// within the hour that was; where there was none, or the counter was reset, it counts from zero. What follows a NaN is not
/// known: it is NaN as well, and not all that the counter ever counted.
pub(super) fn expand(query: &str) -> Result<String, &'static str> {
    let (mut expanded, mut rest) = (String::new(), query);
    while let Some((before, call)) = rest.split_once(CALL) {
        let end = closing(call).ok_or("expected `)` after {increase}(")?;
        let (selector, after) = call.split_at(end);
        let selector = selector.trim();
        if selector.is_empty() {
            return Err("expected the selector of a counter in {increase}()");
        }
        expanded.push_str(before);
        // Arithmetic drops the metric's name, which one side of `or` would keep otherwise. The outer range
        // is shorter than the minute because Prometheus 2 counts both of its ends.
        expanded.push_str(&format!(
            "sum_over_time((last_over_time({selector}[15s]) - last_over_time({selector}[1h] offset 15s) >= 0 \
             or last_over_time({selector}[15s]) + 0 * last_over_time({selector}[2m] offset 15s) \
             or last_over_time({selector}[15s]) + 0)[59s:15s])"
        ));
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
            let query = format!("sum by (a) ({{increase}}({selector})) / 2");
            let expanded = expand(&query).unwrap();
            assert!(expanded.starts_with("sum by (a) (sum_over_time(("), "{expanded}");
            assert!(expanded.ends_with("[59s:15s])) / 2"), "{expanded}");
            assert_eq!(expanded.matches(selector).count(), 5, "{expanded}");
        }
        assert_eq!(expand("{increase}(a) + {increase}(b)").unwrap().matches("sum_over_time").count(), 2);
        assert_eq!(expand("plain(x[1m])").unwrap(), "plain(x[1m])");
        for wrong in ["{increase}(x", "{increase}( )", "{increase} x", r#"{increase}(x{a=")"}"#] {
            assert!(expand(wrong).is_err(), "{wrong}");
        }
    }
}
