//! Manifests that are small and read as something large, or are large themselves.

use std::fmt::Write as _;

use crate::support::MANIFEST;
use crate::trees::{Entry, FILE};
use crate::world::{World, put, watch};
use nprt_testkit::reliability::Row;

struct Case {
    name: &'static str,
    tag: String,
    /// `deploy` or `canary`.
    operation: &'static str,
    before: &'static str,
}

fn config_map(n: usize, data: &str) -> String {
    format!("---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c{n}}}\n{data}\n")
}

/// `part` for each of so many numbers.
fn each(count: usize, part: impl Fn(usize) -> String) -> String {
    (0..count).fold(String::new(), |mut all, n| {
        let _ = write!(all, "{}", part(n));
        all
    })
}

fn aliases(documents: usize) -> String {
    let row = ["x"; 300].join(",");
    let rows = ["*a"; 300].join(",");
    each(documents, |n| config_map(n, &format!("x:\n- &a [{row}]\n- [{rows}]")))
}

/// Nine levels of nine aliases each.
fn laughs() -> String {
    let levels = each(9, |n| match n {
        0 => "a0: &a0 [x,x,x,x,x,x,x,x,x]\n".to_owned(),
        n => format!("a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 9].join(",")),
    });
    config_map(0, &levels)
}

/// Deployments with a ConfigMap each: all of them get a canary.
fn deployments(count: usize) -> String {
    each(count, |n| {
        let environment = format!("{{containers: [{{envFrom: [{{configMapRef: {{name: c{n}}}}}], name: web,");
        let deployment = MANIFEST.replacen("name: web}", &format!("name: web{n}}}"), 1).replacen(
            "{containers: [{name: web,",
            &environment,
            1,
        );
        format!("---\n{deployment}{}", config_map(n, "data: {a: b}"))
    })
}

type Text = fn() -> String;

/// The name of a case, its text, and what was seen before there were limits.
const TEXTS: &[(&str, Text, &str)] = &[
    ("aliases in 100 documents (162 KB)", || aliases(100), "3.8 GB"),
    ("aliases in 1,000 documents", || aliases(1_000), Row::NOT_MEASURED),
    ("nine levels of nine aliases", laughs, Row::NOT_MEASURED),
    (
        "a scalar of 100 KB, 50,000 times",
        || {
            let many = ["*a"; 50_000].join(",");
            config_map(0, &format!("data:\n  a: &a \"{}\"\nx: [{many}]", "x".repeat(100_000)))
        },
        Row::NOT_MEASURED,
    ),
    (
        "80 merge keys of 1,000 keys each",
        || {
            let keys = each(1_000, |n| format!("k{n}: 1,"));
            let merge = format!("- {{<<: [{}]}}\n", ["*a"; 40].join(","));
            config_map(0, &format!("x:\n- &a {{{keys}}}\n{merge}{merge}"))
        },
        Row::NOT_MEASURED,
    ),
    (
        "a million keys in one document",
        || config_map(0, &format!("data:\n{}", each(1_000_000, |n| format!("  k{n}: v\n")))),
        Row::NOT_MEASURED,
    ),
    ("100,000 open brackets", || format!("---\n{}", "[".repeat(100_000)), Row::NOT_MEASURED),
    (
        "3,000 levels of indentation",
        || format!("---\n{}", each(3_000, |n| format!("{}a:\n", " ".repeat(n)))),
        Row::NOT_MEASURED,
    ),
    ("100,000 nested sequences", || format!("---\n{}", "- ".repeat(100_000)), Row::NOT_MEASURED),
    (
        "a value of 50 MB",
        || config_map(0, &format!("data: {{a: \"{}\"}}", "x".repeat(50_000_000))),
        Row::NOT_MEASURED,
    ),
    ("200,000 documents", || each(200_000, |n| config_map(n, "data: {}")), Row::NOT_MEASURED),
    ("5 million separators", || "---\n".repeat(5_000_000), Row::NOT_MEASURED),
    (
        "a plain scalar of 5 million lines",
        || config_map(0, &format!("x: a\n{}", "  b\n".repeat(5_000_000))),
        Row::NOT_MEASURED,
    ),
    (
        "200,000 anchors",
        || config_map(0, &format!("x:\n{}", each(200_000, |n| format!("- &a{n} 1\n")))),
        Row::NOT_MEASURED,
    ),
    (
        "a key of 5 MB",
        || config_map(0, &format!("data: {{{}: v}}", "k".repeat(5_000_000))),
        Row::NOT_MEASURED,
    ),
    (
        "a tag directive of 1 MB",
        || format!("%TAG ! tag:{}\n{MANIFEST}", "x".repeat(1_000_000)),
        Row::NOT_MEASURED,
    ),
    (
        "3 million escapes",
        || config_map(0, &format!("data: {{a: \"{}\"}}", "\\U0010FFFF".repeat(3_000_000))),
        Row::NOT_MEASURED,
    ),
    (
        "100,000 containers",
        || {
            let containers =
                each(100_000, |n| format!("      - {{name: c{n}, image: registry.example.com/web}}\n"));
            let head = MANIFEST.split("    spec: {containers").next().unwrap().replacen(
                "name: web}",
                "name: many}",
                1,
            );
            format!("---\n{head}    spec:\n      containers:\n{containers}")
        },
        Row::NOT_MEASURED,
    ),
];

fn cases(world: &World) -> Vec<Case> {
    let version = |name: &'static str, text: &str| {
        let slug: String = name
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
            .collect();
        let file: Entry = (FILE, "x.yaml".to_owned(), world.repository.blob(text));
        world.manifests(&slug, vec![file])
    };
    let mut cases: Vec<Case> = TEXTS
        .iter()
        .map(|(name, text, before)| Case { name, tag: version(name, &text()), operation: "deploy", before })
        .collect();
    for (name, count) in [
        ("3,000 Deployments with a ConfigMap each, as a canary", 3_000),
        ("990 Deployments with a ConfigMap each, as a canary", 990),
    ] {
        let tag = version(name, &deployments(count));
        cases.push(Case { name, tag, operation: "canary", before: "/healthz away for 75 s" });
    }
    let name = "a million names in one JSON object";
    let names = each(1_000_000, |n| format!(",\"k{n}\":\"v\""));
    let json = format!(
        r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"x"}},"data":{{"a":"b"{names}}}}}"#
    );
    let tag = world.manifests("json", vec![(FILE, "x.json".to_owned(), world.repository.blob(json))]);
    cases.push(Case { name, tag, operation: "deploy", before: Row::NOT_MEASURED });
    cases
}

/// Whether such a version is deployed or refused is a matter of limits; that others do not notice it is not.
#[tokio::test(flavor = "multi_thread")]
async fn any_manifest_is_read_within_limits() {
    let world = World::new().await;
    let cases = cases(&world);
    let server = world.serve(cases.iter().map(|case| &case.tag)).await;
    for Case { name, tag, operation, before } in cases {
        let watch = watch(&server);
        let answer = put(&server, &format!("/evil/{operation}?tag={tag}")).await;
        let noticed = watch.stop();
        let mut body = answer.body.to_string();
        body.truncate(body.floor_char_boundary(600));
        let what = format!("{name} ({tag}): {} {body}", answer.status);
        assert!(answer.status == 200 || (400..500).contains(&answer.status), "{what}");
        noticed.is_harmless(&what);
        let now = format!("{} in {:.1} s; {noticed}", answer.status, answer.took.as_secs_f64());
        Row { section: "Manifests", name, before, now }.keep().unwrap();
    }
    world.still_serves(&server).await;
}
