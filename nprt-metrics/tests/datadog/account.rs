//! A Datadog account that answers what was sent to it, by both versions of the API.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Value, json};
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use crate::language::{Aggregate, Query};
use crate::schemas::check;

/// What was measured in one minute: counts and gauges have one number, distributions all.
type Numbers = Vec<f64>;

/// What was sent to the account.
#[derive(Default)]
pub(crate) struct Account(Vec<(String, i64, BTreeMap<String, String>, Numbers)>);

/// A number a minute.
type Points = BTreeMap<i64, f64>;

impl Account {
    pub(crate) fn send(&mut self, metric: &str, minute: i64, tags: &[(&str, &str)], numbers: &[f64]) {
        let tags = tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        self.0.push((metric.to_owned(), minute, tags, numbers.to_vec()));
    }

    /// A server on which the account answers, to those who have its keys.
    pub(crate) async fn serve(self) -> MockServer {
        let (fake, account) = (MockServer::start().await, Arc::new(self));
        for (verb, address) in [("POST", "/api/v2/query/timeseries"), ("GET", "/api/v1/query")] {
            Mock::given(method(verb))
                .and(path(address))
                .and(header("dd-api-key", "s3cret-api"))
                .and(header("dd-application-key", "s3cret-app"))
                .respond_with(Answers(Arc::clone(&account)))
                .mount(&fake)
                .await;
        }
        fake
    }

    /// The series of a query by the values of its tags. Datadog says `N/A` for a tag that is not there, and has no point
    /// where it counted nothing.
    fn evaluate(&self, query: &Query) -> BTreeMap<Vec<String>, Points> {
        let mut numbers: BTreeMap<Vec<String>, BTreeMap<i64, Numbers>> = BTreeMap::new();
        for (metric, minute, tags, some) in &self.0 {
            let matches = |(tag, value): &(String, String)| {
                let found = tags.get(tag).map_or("", String::as_str);
                value.strip_suffix('*').map_or(found == value, |start| found.starts_with(start))
            };
            if *metric == query.metric && query.filter.iter().all(matches) {
                let tag = |key: &String| format!("{key}:{}", tags.get(key).map_or("N/A", String::as_str));
                let group = query.by.iter().map(tag).collect();
                numbers.entry(group).or_default().entry(*minute).or_default().extend(some);
            }
        }
        let aggregate = |minutes: BTreeMap<i64, Numbers>| {
            let of = |(minute, all): (i64, Numbers)| Some((minute, aggregated(query.aggregate, all)?));
            minutes.into_iter().filter_map(of).collect()
        };
        numbers.into_iter().map(|(group, minutes)| (group, aggregate(minutes))).collect()
    }
}

fn aggregated(aggregate: Aggregate, mut all: Numbers) -> Option<f64> {
    all.sort_by(f64::total_cmp);
    match aggregate {
        Aggregate::Sum => Some(all.iter().sum()),
        Aggregate::Count => Some(all.len() as f64),
        Aggregate::AtOrBelow(edge) => {
            let count = all.iter().filter(|value| **value <= edge).count();
            (count > 0).then_some(count as f64)
        }
        Aggregate::Percentile(share) => {
            let rank = (share * all.len() as f64).ceil().max(1.0);
            all.iter().copied().zip(1..).find(|(_, at)| f64::from(*at) >= rank).map(|(value, _)| value)
        }
    }
}

/// Counts would be rates without `as_count()`, and gauges be filled over gaps without `fill(null)`.
fn check_methods(query: &Query) {
    let is_rate = query.has("as_rate()");
    let is_count = matches!(query.aggregate, Aggregate::Count | Aggregate::AtOrBelow(_))
        || query.metric.starts_with("trace.")
        || query.metric.ends_with(".count") && !is_rate
        || query.metric.ends_with(".bucket");
    assert_eq!(query.has("as_count()"), is_count, "{query:?}");
    assert_eq!(query.has("fill(null)"), !is_count, "{query:?}");
}

struct Answers(Arc<Account>);

impl Respond for Answers {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let (version, answer) = match request.method.as_str() {
            "POST" => ("v2", self.v2(&serde_json::from_slice(&request.body).unwrap())),
            _ => ("v1", self.v1(&request.url.query_pairs().into_owned().collect())),
        };
        check(version, "response", &answer);
        ResponseTemplate::new(200).set_body_json(answer)
    }
}

impl Answers {
    fn series(&self, text: &str) -> BTreeMap<Vec<String>, Points> {
        let query = Query::parse(text);
        check_methods(&query);
        let mut series = self.0.evaluate(&query);
        if query.has("as_rate()") {
            series.values_mut().flat_map(BTreeMap::values_mut).for_each(|value| *value /= 60.0);
        }
        series
    }

    fn v2(&self, body: &Value) -> Value {
        check("v2", "request", body);
        let asked = &body["data"]["attributes"];
        assert_eq!(asked["interval"], 60_000);
        let (from, to) = (asked["from"].as_i64().unwrap(), asked["to"].as_i64().unwrap());
        assert!(to - from <= 1500 * 60_000, "more points than Datadog answers at this interval");
        let is_asked = |minute: &i64| (from..to).contains(&(minute * 60_000));
        let mut all = Vec::new();
        for (index, formula) in asked["formulas"].as_array().unwrap().iter().enumerate() {
            let queries = asked["queries"].as_array().unwrap();
            let query = queries.iter().find(|query| query["name"] == formula["formula"]).unwrap();
            all.extend(self.series(query["query"].as_str().unwrap()).into_iter().map(|of| (index, of)));
        }
        // There is a time where any series has a point.
        let minutes = all.iter().flat_map(|(_, (_, points))| points.keys().copied());
        let times: BTreeSet<i64> = minutes.filter(is_asked).collect();
        let head = |(index, (group, _)): &(usize, (Vec<String>, Points))| json!({"group_tags": group, "query_index": index, "unit": [null, null]});
        let column = |(_, (_, points)): &(usize, (Vec<String>, Points))| {
            times.iter().map(|minute| points.get(minute).copied()).collect::<Vec<Option<f64>>>()
        };
        json!({"data": {"type": "timeseries_response", "attributes": {
            "series": all.iter().map(head).collect::<Vec<Value>>(),
            "values": all.iter().map(column).collect::<Vec<_>>(),
            "times": times.iter().map(|minute| minute * 60_000).collect::<Vec<i64>>(),
        }}})
    }

    fn v1(&self, asked: &BTreeMap<String, String>) -> Value {
        let [from, to] = ["from", "to"].map(|name| asked[name].parse::<i64>().unwrap());
        assert!(
            Query::parse(&asked["query"]).has("rollup(60)"),
            "Datadog would choose the interval: {asked:?}"
        );
        let series = self.series(&asked["query"]).into_iter().map(|(group, points)| {
            // The time asked to is within, and points before are of the interval that it begins in.
            let points = points.iter().filter(|(minute, _)| (from..=to).contains(&(*minute * 60)));
            let points: Vec<Value> = points.map(|(minute, value)| json!([minute * 60_000, value])).collect();
            json!({"tag_set": group, "scope": group.join(","), "interval": 60, "length": points.len(),
                "pointlist": points, "query_index": 0, "unit": [null, null]})
        });
        json!({"status": "ok", "res_type": "time_series", "from_date": from * 1000, "to_date": to * 1000,
            "query": asked["query"], "message": "", "series": series.collect::<Vec<Value>>()})
    }
}
