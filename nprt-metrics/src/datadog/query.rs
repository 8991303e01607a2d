//! Datadog's query language, as far as nprt must know it.

use crate::Labels;

/// Stands for the name of the service.
const SERVICE: &str = "{service}";
/// Stands for the tags to group by.
const BY: &str = "{by}";
/// Stands for the upper edge of a bucket, in a query that counts what is at or below it.
pub(super) const EDGE: &str = "{edge}";

/// A query as it is sent.
pub(super) fn fill(query: &str, labels: &Labels, more: Option<&str>, service: &str) -> String {
    // The service last: its name holds no brace.
    query.replace(BY, &labels.by(more)).replace(SERVICE, service)
}

/// What is wrong with a query.
pub(super) fn fault(query: &str) -> Option<&'static str> {
    if !query.contains(SERVICE) {
        return Some("without {service}, the query would answer for every service");
    }
    if query.contains("moving_rollup(") {
        return Some("moving_rollup mixes several minutes, and a point must be one");
    }
    let intervals = query.split(".rollup(").skip(1).filter_map(interval);
    intervals.into_iter().any(|seconds| seconds != 60).then_some("a rollup must be of 60 seconds")
}

/// The seconds in the arguments of a rollup, `sum, 60)…`, where they are given.
fn interval(arguments: &str) -> Option<u64> {
    let (arguments, _) = arguments.split_once(')')?;
    arguments.split(',').find_map(|argument| argument.trim().parse().ok())
}

/// The query with an interval of a minute. It is a method that follows the group and what makes a count of it.
pub(super) fn by_the_minute(query: &str) -> String {
    let Some((group, rest)) = query.rsplit_once('}').filter(|_| !query.contains(".rollup(")) else {
        return query.to_owned();
    };
    let (of, rest) = [".as_count()", ".as_rate()"]
        .into_iter()
        .find_map(|of| rest.strip_prefix(of).map(|rest| (of, rest)))
        .unwrap_or(("", rest));
    format!("{group}}}{of}.rollup(60){rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_a_minute() {
        for (query, expected) in [
            ("sum:a{b:c} by {d}.as_count()", "sum:a{b:c} by {d}.as_count().rollup(60)"),
            ("avg:a{b:c} by {d}.fill(null)", "avg:a{b:c} by {d}.rollup(60).fill(null)"),
            ("sum:a{b:c}.as_rate().fill(null)", "sum:a{b:c}.as_rate().rollup(60).fill(null)"),
            ("abs(avg:a{b:c} by {d})", "abs(avg:a{b:c} by {d}.rollup(60))"),
            (
                "count(v: v<=0.1):a{b:c} by {d}.as_count()",
                "count(v: v<=0.1):a{b:c} by {d}.as_count().rollup(60)",
            ),
            ("sum:a{b:c}.rollup(sum, 60)", "sum:a{b:c}.rollup(sum, 60)"),
        ] {
            assert_eq!(by_the_minute(query), expected);
        }
    }

    #[test]
    fn a_query_over_several_minutes_is_refused() {
        for (query, is_wrong) in [
            ("sum:a{service:{service}} by {{by}}.as_count()", false),
            ("sum:a{service:{service}}.rollup(sum, 60)", false),
            ("sum:a{service:{service}}.rollup(sum)", false),
            ("sum:a{service:{service}}.rollup(300)", true),
            ("sum:a{service:{service}}.rollup(max,300).fill(null)", true),
            ("moving_rollup(sum:a{service:{service}}, 300, 'sum')", true),
            ("sum:a{*}", true),
        ] {
            assert_eq!(fault(query).is_some(), is_wrong, "{query}");
        }
    }
}
