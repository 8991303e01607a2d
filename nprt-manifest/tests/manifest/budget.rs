//! How much hostile manifests may take, and how long large ones.

use std::time::{Duration, Instant};

use nprt_core::model::{Budget, Limits, SourceFile};
use nprt_manifest::{Beside, Manifests, Settings};

use crate::{file, version};

const DEPLOYMENT: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: NAME}\nspec:\n  selector: {matchLabels: \
    {app: NAME}}\n  template:\n    metadata: {labels: {app: NAME}}\n    spec: {containers: [{name: web, image: shop/web, \
    envFrom: [{configMapRef: {name: NAME}}]}]}\n";

fn config_map(n: usize) -> String {
    format!("---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c{n}}}\n")
}

/// `repeats` times the same `value`, by aliases, in each of so many documents.
fn aliases(documents: usize, value: &str, repeats: usize) -> String {
    let repeated = vec!["*a"; repeats].join(",");
    (0..documents).map(|n| config_map(n) + &format!("x:\n- &a {value}\n- [{repeated}]\n")).collect()
}

fn refused(files: &[SourceFile]) -> String {
    let began = Instant::now();
    let error = nprt_manifest::read(files).unwrap_err();
    assert!(error.is_invalid(), "{error}");
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
    error.to_string()
}

#[test]
fn aliases_share_one_budget_over_all_documents_and_files() {
    let list = format!("[{}]", vec!["x"; 300].join(","));
    assert_eq!(nprt_manifest::read(&[file("a.yaml", &aliases(3, &list, 300))]).unwrap().documents.len(), 3);
    // 162 KB of which each document is harmless.
    let error = refused(&[file("a.yaml", &aliases(100, &list, 300))]);
    for part in ["file: a.yaml", "document: ", "line: ", "limit: 300000", "option: limits.nodes"] {
        assert!(error.contains(part), "{part}: {error}");
    }
    let files: Vec<_> = (0..20).map(|n| file(&format!("{n}.yaml"), &aliases(5, &list, 300))).collect();
    assert!(refused(&files).contains("option: limits.nodes"));
    let maps = format!("[{}]", vec!["{}"; 300].join(","));
    assert!(refused(&[file("a.yaml", &aliases(100, &maps, 300))]).contains("option: limits.nodes"));
}

#[test]
fn a_text_that_is_repeated_counts_with_all_its_bytes() {
    let text = format!("\"{}\"", "x".repeat(100_000));
    assert_eq!(nprt_manifest::read(&[file("a.yaml", &aliases(1, &text, 50))]).unwrap().documents.len(), 1);
    let error = refused(&[file("a.yaml", &aliases(1, &text, 5_000))]);
    assert!(error.contains("option: limits.bytes") && error.contains("limit: 8388608"), "{error}");
}

#[test]
fn anchors_in_anchors_count_as_often_as_they_are_kept() {
    let open: String = (0..50).map(|n| format!("&a{n} [")).collect();
    let text = format!("{}x: {open}{}{}\n", config_map(0), vec!["x"; 20_000].join(","), "]".repeat(50));
    assert!(refused(&[file("a.yaml", &text)]).contains("option: limits.nodes"));
    let keys: Vec<String> = (0..1_000).map(|n| format!("k{n}: 1")).collect();
    let merged = format!("- {{<<: [{}]}}\n", vec!["*a"; 400].join(","));
    let text = format!("{}x:\n- &a {{{}}}\n{merged}", config_map(0), keys.join(","));
    assert!(refused(&[file("a.yaml", &text)]).contains("option: limits.nodes"));
}

#[test]
fn many_values_and_objects_are_refused_in_both_formats() {
    let keys: String = (0..1_000_000).map(|n| format!("  k{n}: v\n")).collect();
    assert!(refused(&[file("a.yaml", &(config_map(0) + "data:\n" + &keys))]).contains("limits.nodes"));
    let keys: Vec<String> = (0..1_000_000).map(|n| format!("\"k{n}\":\"v\"")).collect();
    let json = format!(
        "{{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{{\"name\":\"a\"}},\"data\":{{{}}}}}",
        keys.join(",")
    );
    for name in ["a.json", "a.yaml"] {
        let error = refused(&[file(name, &json)]);
        assert!(error.contains("limits.nodes") && error.contains(name), "{error}");
    }
    let many: String = (0..2_001).map(config_map).collect();
    let error = refused(&[file("a.yaml", &many)]);
    assert!(error.contains("option: limits.objects") && error.contains("document: 2001"), "{error}");
    let list = format!("{{kind: List, apiVersion: v1, items: [{}]}}", ["{}"; 3].join(","));
    assert!(refused(&[file("a.yaml", &list)]).contains("apiVersion"));
    let limits = Limits { objects: 2_001, ..Limits::default() };
    assert!(nprt_manifest::read_within(&[file("a.yaml", &many)], &Budget::new(limits)).is_ok());
}

#[test]
fn what_is_nested_or_long_is_refused_or_read_in_little_time() {
    let base = DEPLOYMENT.replace("NAME", "web");
    let deep = |text: &str| format!("{base}---\n{}", text.repeat(100_000));
    for nested in ["[", "{a: ", "- ", "? ", "{", "[[", "!x [", "&a [", "a: &a {"] {
        refused(&[file("a.yaml", &deep(nested))]);
        refused(&[file("a.json", &deep(nested))]);
    }
    let indented: String = (0..3_000).map(|n| " ".repeat(n) + "a:\n").collect();
    refused(&[file("a.yaml", &format!("{base}---\n{indented}"))]);
    refused(&[file("a.yaml", &format!("%TAG ! tag:{}\n{base}", "x".repeat(1_000_000)))]);
    for text in [
        "---\n".repeat(1_000_000),
        format!("{}x: a\n{}", config_map(0), "  b\n".repeat(500_000)),
        format!("{}data: {{a: \"{}\"}}\n", config_map(0), "\\U0010FFFF".repeat(200_000)),
        format!("{}data:\n  a: |\n{}", config_map(0), format!("    {}\n", "y".repeat(76)).repeat(50_000)),
        format!("{}data: {{{}: v}}\n", config_map(0), "k".repeat(900)),
    ] {
        let began = Instant::now();
        assert!(nprt_manifest::read(&[file("a.yaml", &format!("{base}{text}"))]).is_ok());
        assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
    }
}

#[test]
fn nobody_parses_or_renders_for_a_request_that_was_dropped() {
    let budget = Budget::default();
    budget.cancel();
    let error = nprt_manifest::read_within(&[file("a.yaml", &config_map(0))], &budget).unwrap_err();
    assert!(error.is_cancelled(), "{error}");
}

/// Every value that a selector asks for is compared with every pod that it may select.
#[test]
fn the_values_of_a_selector_count() {
    let deployments: String =
        (0..1_000).map(|n| DEPLOYMENT.replace("NAME", &format!("web{n}")) + "---\n").collect();
    let with = |asked: &str| {
        let policy = format!(
            "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: many}}\nspec: {{podSelector: \
             {{{asked}}}}}\n"
        );
        let manifests = nprt_manifest::read(&[file("a.yaml", &format!("{deployments}{policy}"))]).unwrap();
        let (version, settings) = (version("main-3f2a91c"), Settings::default());
        let stable = nprt_manifest::stable(&manifests, &version, &settings, &[]).map(drop);
        [stable, nprt_manifest::canary(&manifests, &version, &settings, &Beside::default()).map(drop)]
    };
    let values = |count: usize| {
        let values: Vec<String> = (0..count).map(|n| format!("v{n}")).collect();
        values.join(", ")
    };
    for operator in ["NotIn", "In"] {
        let asked = |count| {
            with(&format!(
                "matchExpressions: [{{key: nprt.dev/service, operator: {operator}, values: [{}]}}]",
                values(count)
            ))
        };
        for error in asked(30_000).map(Result::unwrap_err) {
            let text = error.to_string();
            assert!(error.is_invalid() && text.contains("option: limits.steps"), "{operator}: {text}");
        }
        asked(3_000).into_iter().for_each(Result::unwrap);
    }
}

/// Deployments that each read a ConfigMap and are selected by a Service, `objects` together.
fn large(objects: usize) -> Manifests {
    let text: String = (0..objects / 3)
        .map(|n| {
            let name = format!("web{n}");
            let service = format!(
                "apiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\nspec: {{selector: {{app: {name}, \
                 nprt.dev/service: shop}}}}\n"
            );
            let config =
                format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{a: b}}\n");
            format!("{}---\n{config}---\n{service}---\n", DEPLOYMENT.replace("NAME", &name))
        })
        .collect();
    let limits = Limits { objects: 10_000, ..Limits::default() };
    nprt_manifest::read_within(&[file("a.yaml", &text)], &Budget::new(limits)).unwrap()
}

/// How long a canary and stable of so many objects take to render, at the least of so many times.
fn time(objects: usize, times: usize) -> Duration {
    let (manifests, settings, version) = (large(objects), Settings::default(), version("main-3f2a91c"));
    let live = nprt_manifest::stable(&manifests, &version, &settings, &[]).unwrap().documents;
    let live: Vec<_> = live.into_iter().map(|document| document.object).collect();
    let once = || {
        let began = Instant::now();
        let stable = nprt_manifest::stable(&manifests, &version, &settings, &live).unwrap();
        let promoted: Vec<_> = stable.documents.into_iter().map(|document| document.object).collect();
        let beside = Beside { live: &live, promoted: &promoted, carry: true };
        let canary = nprt_manifest::canary(&manifests, &version, &settings, &beside).unwrap();
        nprt_manifest::drift(&promoted, &live, &settings).unwrap();
        assert_eq!((canary.documents.len(), canary.withheld.len()), (objects / 3, objects / 3 * 2));
        began.elapsed()
    };
    (0..times).map(|_| once()).min().unwrap()
}

#[test]
fn ten_times_the_objects_take_about_ten_times_as_long() {
    let (few, many) = (time(999, 3), time(9_999, 1));
    let ratio = many.as_secs_f64() / few.as_secs_f64();
    println!("999 objects: {few:?}, 9,999 objects: {many:?}, {ratio:.1} times");
    // What is quadratic takes a hundred times as long.
    assert!(ratio < 25.0, "{few:?} and {many:?}");
}
