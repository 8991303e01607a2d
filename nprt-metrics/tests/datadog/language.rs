//! Datadog's query language, as far as the fake must understand it: `aggregator:metric{filter} by {tags}.methods()`.

/// A query, taken apart.
#[derive(Debug, PartialEq)]
pub(crate) struct Query {
    pub(crate) aggregate: Aggregate,
    pub(crate) metric: String,
    /// Tag and value; a value may end with `*`.
    pub(crate) filter: Vec<(String, String)>,
    pub(crate) by: Vec<String>,
    pub(crate) methods: Vec<String>,
}

#[derive(Debug, PartialEq, Clone, Copy)]
pub(crate) enum Aggregate {
    Sum,
    Count,
    /// What is at or below.
    AtOrBelow(f64),
    Percentile(f64),
}

impl Query {
    pub(crate) fn parse(query: &str) -> Self {
        let (head, rest) = query.split_once('{').unwrap();
        let (aggregate, metric) = head.rsplit_once(':').unwrap();
        let (filter, rest) = rest.split_once('}').unwrap();
        let (by, methods) = rest.strip_prefix(" by {").unwrap().split_once('}').unwrap();
        let filter = filter.split(',').map(|one| {
            let (tag, value) = one.split_once(':').unwrap();
            (tag.to_owned(), value.to_owned())
        });
        Self {
            aggregate: Aggregate::parse(aggregate),
            metric: metric.to_owned(),
            filter: filter.collect(),
            by: by.split(',').map(str::to_owned).collect(),
            methods: methods.split('.').skip(1).map(str::to_owned).collect(),
        }
    }

    pub(crate) fn has(&self, method: &str) -> bool {
        self.methods.iter().any(|known| known == method)
    }
}

impl Aggregate {
    fn parse(text: &str) -> Self {
        let below = text.strip_prefix("count(v: v<=").and_then(|rest| rest.strip_suffix(')'));
        match (text, below) {
            (_, Some(edge)) => Self::AtOrBelow(edge.parse().unwrap()),
            ("sum", _) => Self::Sum,
            ("count", _) => Self::Count,
            _ => Self::Percentile(text.strip_prefix('p').unwrap().parse::<f64>().unwrap() / 100.0),
        }
    }
}

#[test]
fn queries_are_read() {
    let query =
        Query::parse("count(v: v<=0.1):trace.x{service:shop,code:5*} by {version,pod}.as_count().rollup(60)");
    assert_eq!((query.aggregate, query.metric.as_str()), (Aggregate::AtOrBelow(0.1), "trace.x"));
    assert_eq!(query.filter[1], ("code".to_owned(), "5*".to_owned()));
    assert_eq!((query.by.len(), query.has("rollup(60)"), query.has("as_rate()")), (2, true, false));
}
