use nprt_core::model::{Budget, Limits};

use super::{SHA, file, manifests};

const MAP: &str = "{apiVersion: v1, kind: ConfigMap, metadata: {name: NAME}}\n";

fn map(name: &str) -> String {
    MAP.replace("NAME", name)
}

fn names(files: &[nprt_core::model::SourceFile]) -> Vec<String> {
    let manifests = nprt_manifest::read(files).unwrap();
    manifests.documents.iter().map(|document| document.object.name().to_owned()).collect()
}

#[test]
fn reads_every_extension_and_every_document_in_the_order_of_paths() {
    let two = format!("{}---\n{}---\n", map("b1"), map("b2"));
    let json = r#"{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c1"}}
{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c2"}}"#;
    let files = [
        file("sub/c.json", json),
        file("b.yml", &two),
        file("a.yaml", &map("a")),
        file("sub/a.yml", &map("d")),
    ];
    assert_eq!(names(&files), ["a", "b1", "b2", "d", "c1", "c2"]);
}

#[test]
fn says_what_it_ignores() {
    let kustomization = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n";
    let files = [
        file("app/a.yaml", &map("a")),
        file("app/kustomization.yaml", kustomization),
        file("app/patch.yaml", kustomization),
        file("app/README.md", "# hello"),
        file("app/Kustomization", kustomization),
    ];
    let manifests = nprt_manifest::read(&files).unwrap();
    assert_eq!(manifests.documents.len(), 1);
    let ignored: Vec<String> = manifests.ignored.iter().map(ToString::to_string).collect();
    assert_eq!(ignored.len(), 4);
    assert!(
        ignored[0].starts_with("app/Kustomization: a kustomization is no Kubernetes object"),
        "{ignored:?}"
    );
    assert_eq!(ignored[1], "app/README.md: not .yaml, .yml or .json");
    assert!(ignored[2].starts_with("app/kustomization.yaml: a kustomization"), "{ignored:?}");
    assert!(ignored[3].starts_with("app/patch.yaml, document 1, line 1: a kustomization"), "{ignored:?}");
}

#[test]
fn nothing_at_all_is_an_error_that_says_what_was_there() {
    let error = nprt_manifest::read(&[file("README.md", "")]).unwrap_err().to_string();
    assert!(error.contains("no Kubernetes object") && error.contains("README.md"), "{error}");
    assert!(nprt_manifest::read(&[file("a.yaml", "# nothing\n---\n---\n")]).unwrap_err().is_invalid());
}

#[test]
fn flattens_lists_of_any_kind() {
    let list = "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Pod, metadata: {name: a}}\n\
                - {apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: Pod, metadata: {name: b}}]}\n\
                ---\napiVersion: apps/v1\nkind: DeploymentList\nitems:\n- metadata: {name: c}\n";
    let manifests = manifests(list);
    let ids: Vec<String> = manifests.documents.iter().map(|d| d.object.id().to_string()).collect();
    assert_eq!(ids, ["Pod/a", "Pod/b", "Deployment/c"]);
    assert_eq!(manifests.documents[2].object.api_version(), "apps/v1");
    assert_eq!(manifests.documents[2].source.to_string(), "app.yaml, document 2, line 7");
}

#[test]
fn knows_where_each_document_begins() {
    let text = format!(
        "# a comment\n\n---\n# another\n{}---\n---\n\n{}--- \r\nkind: ConfigMap\r\napiVersion: v1\r\nmetadata:\r\n  name: c\r\n",
        map("a"),
        map("b")
    );
    let places: Vec<String> = manifests(&text).documents.iter().map(|d| d.source.to_string()).collect();
    assert_eq!(
        places,
        ["app.yaml, document 1, line 5", "app.yaml, document 2, line 9", "app.yaml, document 3, line 11"]
    );
}

#[test]
fn a_separator_inside_a_text_splits_nothing() {
    let text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  script: |\n    ---\n    one\n  other: |\n    x---\n";
    let manifests = manifests(text);
    assert_eq!(manifests.documents.len(), 1);
    assert_eq!(manifests.documents[0].object.as_value()["data"]["script"], "---\none\n");
}

#[test]
fn content_on_the_line_of_the_separator_is_refused_as_by_kubectl() {
    for separator in ["--- ", "---", "----\n", "--- |\n"] {
        let text = format!("{}{separator}{}", map("a"), map("b"));
        let error = nprt_manifest::read(&[file("a.yaml", &text)]).unwrap_err().to_string();
        for part in ["after `---`", "a.yaml", "document: 2", "line: 2"] {
            assert!(error.contains(part), "{separator:?}: {part}: {error}");
        }
    }
    let commented = format!("{}--- # next\n{}", map("a"), map("b"));
    assert_eq!(names(&[file("a.yaml", &commented)]), ["a", "b"]);
}

#[test]
fn what_kubectl_would_read_differently_says_what_to_write() {
    for (line, what) in [
        ("v: .inf", "quote it"),
        ("null: a", "quote it"),
        ("v: a\u{85}b", "(U+0085)"),
        ("v: a\u{2028}b", "escape in double quotes"),
        ("v: [a:, b]", "space after `:`"),
        ("v:\n-\ta", "use spaces"),
        ("...\nw: a", "line `---`"),
    ] {
        let text = format!("{}---\napiVersion: v1\n{line}\n", map("a"));
        let error = nprt_manifest::read(&[file("sub/a.yml", &text)]).unwrap_err().to_string();
        let line = if line.contains('\n') { "line: 5" } else { "line: 4" };
        for part in [what, "sub/a.yml", "document: 2", line] {
            assert!(error.contains(part), "{text:?}: {part}: {error}");
        }
    }
}

#[test]
fn errors_say_file_document_and_line() {
    let good = map("a");
    let cases = [
        ("a.yaml", format!("{good}---\n\nkind: [\n"), "document: 2", "line: 4"),
        ("a.yaml", format!("{good}---\napiVersion: v1\nkind: Pod\n"), "document: 2", "line: 3"),
        (
            "a.yaml",
            format!("{good}---\nmetadata:\n  labels:\n    a: 1\n    a: 2\n"),
            "document: 2",
            "line: 6",
        ),
        ("a.yaml", format!("{good}---\nx: *gone\n"), "document: 2", "line: 3"),
        ("a.yaml", format!("{good}---\nx: .nan\n"), "document: 2", "line: 3"),
        ("a.yaml", "just a text".to_owned(), "document: 1", "line: 1"),
        ("a.json", "{}\n{\"a\": \n".to_owned(), "document: 2", "line: 3"),
        ("a.json", "{\"kind\": 1}\n\n{,}\n".to_owned(), "document: 2", "line: 3"),
        ("a.json", "{}\n{\"kind\": 1,\n\"kind\": 2}".to_owned(), "document: 2", "line: 3"),
        ("a.json", "\n\n[]".to_owned(), "document: 1", "line: 3"),
    ];
    for (name, text, document, line) in &cases {
        let error = nprt_manifest::read(&[file(name, text)]).unwrap_err();
        assert!(error.is_invalid());
        let error = error.to_string();
        assert!([*name, document, line].iter().all(|part| error.contains(part)), "{text}: {error}");
    }
    let binary = nprt_core::model::SourceFile { content: vec![b'\n', 0xff].into(), ..file("b.yaml", "") };
    let error = nprt_manifest::read(&[binary]).unwrap_err().to_string();
    assert!(error.contains("b.yaml") && error.contains("line: 2"), "{error}");
}

#[test]
fn the_same_object_twice_names_both_places() {
    let text = format!("{}---\n{}", map("a"), map("b"));
    let error =
        nprt_manifest::read(&[file("a.yaml", &text), file("z/b.yml", &map("b"))]).unwrap_err().to_string();
    assert!(error.contains("z/b.yml") && error.contains("a.yaml, document 2, line 3"), "{error}");
    assert!(error.contains("ConfigMap/b"), "{error}");
    // Another namespace or group is another object.
    let other = "{apiVersion: v1, kind: ConfigMap, metadata: {name: b, namespace: c}}\n---\n\
                 {apiVersion: x.io/v1, kind: ConfigMap, metadata: {name: b}}\n";
    assert_eq!(names(&[file("a.yaml", &text), file("b.yaml", other)]).len(), 4);
}

#[test]
fn one_that_names_the_services_namespace_is_the_same_as_one_that_names_none() {
    let named = |namespace: &str| {
        format!("{{apiVersion: v1, kind: ConfigMap, metadata: {{name: b, namespace: {namespace}}}}}\n")
    };
    let text = format!("{}---\n{}", map("b"), named("shop"));
    let manifests = manifests(&text);
    let error = manifests.check_twice("shop").unwrap_err().to_string();
    for part in [
        "same object twice",
        "file: app.yaml, document: 2",
        "app.yaml, document 1, line 1",
        "namespace: shop",
    ] {
        assert!(error.contains(part), "{part}: {error}");
    }
    assert!(manifests.check_twice("other").is_ok());
    let id = |namespace: Option<&str>| nprt_core::model::ObjectId {
        namespace: namespace.map(str::to_owned),
        ..manifests.documents[0].object.id()
    };
    for (namespace, document) in [(None, 1), (Some("shop"), 2), (Some("other"), 1)] {
        assert_eq!(manifests.find(&id(namespace)).unwrap().source.document, document, "{namespace:?}");
    }
}

#[test]
fn a_job_that_is_run_may_have_its_name_generated() {
    let job = |metadata: &str| format!("apiVersion: batch/v1\nkind: Job\nmetadata: {{{metadata}}}\n");
    let run = "annotations: {nprt.dev/run: after}";
    let read = manifests(&job(&format!("generateName: db-migrate--, {run}")));
    let metadata = &read.documents[0].object.as_value()["metadata"];
    assert_eq!((&metadata["name"], metadata.get("generateName")), (&"db-migrate".into(), None));
    // Kubernetes lets the name win.
    let both = manifests(&job(&format!("name: a, generateName: b-, {run}")));
    assert_eq!(both.documents[0].object.name(), "a");
    assert!(both.documents[0].object.as_value()["metadata"].get("generateName").is_none());
    let list =
        format!("apiVersion: batch/v1\nkind: JobList\nitems:\n- metadata: {{generateName: a-, {run}}}\n");
    assert_eq!(names(&[file("a.yaml", &list)]), ["a"]);

    for bad in [
        job("generateName: a-"),
        job("generateName: a-, annotations: {nprt.dev/runs: after}"),
        job(&format!("generateName: a-, {run}")).replace("Job", "CronJob"),
        job(&format!("generateName: a-, {run}")).replace("batch/v1", "example.com/v1"),
        map("x").replace("name: x", "generateName: x-"),
    ] {
        let error = nprt_manifest::read(&[file("a.yaml", &bad)]).unwrap_err().to_string();
        for part in
            ["`generateName` works only for a Job that nprt runs", "nprt.dev/run", "a.yaml", "line: 1"]
        {
            assert!(error.contains(part), "{bad}: {error}");
        }
    }
    let twice = format!("{0}---\n{0}", job(&format!("generateName: a-, {run}")));
    assert!(
        nprt_manifest::read(&[file("a.yaml", &twice)]).unwrap_err().to_string().contains("same object twice")
    );
}

#[test]
fn an_error_never_quotes_what_a_secret_holds() {
    for text in [
        "apiVersion: v1\nkind: Secret\nstringData:\n  token: hunter2\n  token: hunter2\n",
        "apiVersion: v1\nkind: Secret\nstringData:\n  token: \"hunter2\n",
        "apiVersion: v1\nkind: Secret\nstringData: {token: !!int hunter2}\n",
        "apiVersion: v1\nkind: Secret\ndata: {token: !!binary hunter2!}\n",
        "apiVersion: v1\nkind: Secret\nstringData: {token: hunter2}\n",
    ] {
        let error = nprt_manifest::read(&[file("a.yaml", text)]).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
    }
    let json = r#"{"kind": "Secret", "stringData": {"token": "hunter2", hunter2}}"#;
    let error = nprt_manifest::read(&[file("a.json", json)]).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
}

#[test]
fn writes_yaml_that_it_reads_back() {
    let value = serde_json::json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "annotations": {"sha": SHA, "e": "12e5"}},
        "data": {
            "yes": "yes", "number": "0644", "null": "null", "empty": "", "lines": "a\n---\nb\n", "keep": "a\n\n",
            "tab": "\ta", "colon": "a: b", "hash": "a # b", "date": "2026-11-23", "unicode": "é😀", "space": " a ",
            "star": "*a", "y": "y", "on": "on", "exp": "1e3", "octal": "0o17", "sexagesimal": "1:30", "dots": "...",
            "crlf": "a\r\nb", "long": "word ".repeat(60), "merge": "<<", "inf": ".inf", "underscore": "1_000",
            "commit": "123e456", "next line": "a\u{85}b", "tab first": "\ta\nb\n", "0644": "key", "<<": "key", "no": "key",
        },
        "list": [[], {}, [1, -1, 1.5, true, null], {"a": []}],
    });
    let text = nprt_manifest::to_yaml([&value, &value]).unwrap();
    let twice = text.replacen("name: a", "name: b", 1);
    let read = nprt_manifest::read(&[file("a.yaml", &twice)]).unwrap();
    assert_eq!(read.documents.len(), 2);
    assert_eq!(read.documents[1].object.as_value(), &value, "{text}");
}

#[test]
fn large_and_deep_files_are_read_and_bombs_are_not() {
    let many = "1,".repeat(250_001);
    let large = format!("{{apiVersion: v1, kind: ConfigMap, metadata: {{name: a}}, list: [{many}]}}");
    assert_eq!(names(&[file("a.yaml", &large)]), ["a"]);
    let nested = |depth: usize| {
        format!("{}x: {}{}", map("a").replace("}}\n", "}, "), "[".repeat(depth), "]".repeat(depth) + "}")
    };
    assert_eq!(names(&[file("a.yaml", &nested(60))]), ["a"]);
    for depth in [65, 128, 1000, 100_000] {
        assert!(nprt_manifest::read(&[file("a.yaml", &nested(depth))]).unwrap_err().is_invalid());
    }
    assert!(nprt_manifest::read(&[file("a.json", &"[".repeat(100_000))]).unwrap_err().is_invalid());

    let aliases = "*x, ".repeat(500);
    let many = format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: &x a}}\nlist: [{aliases}]\n");
    assert_eq!(names(&[file("a.yaml", &many)]), ["a"]);
    let mut bomb = "a0: &a0 [x]\n".to_owned();
    for level in 1..12 {
        bomb += &format!("a{level}: &a{level} [{}]\n", format!("*a{}, ", level - 1).repeat(9));
    }
    let began = std::time::Instant::now();
    let error = nprt_manifest::read(&[file("a.yaml", &map("b")), file("bomb.yaml", &bomb)]).unwrap_err();
    assert!(error.is_invalid() && error.to_string().contains("bomb.yaml"), "{error}");
    assert!(error.to_string().contains("option: limits.nodes"), "{error}");
    assert!(began.elapsed().as_secs() < 30, "{:?}", began.elapsed());
}

#[test]
fn too_deep_a_file_is_told_from_a_bad_one() {
    let deep = format!("{}x: {}{}\n", "a: 1\n", "[".repeat(70), "]".repeat(70));
    let error = nprt_manifest::read(&[file("deep.yaml", &deep)]).unwrap_err().to_string();
    for part in ["deep.yaml", "document: 1", "line: 2", "nested deeper than 64 levels"] {
        assert!(error.contains(part), "{part}: {error}");
    }
}

#[test]
fn five_megabytes_are_read_in_seconds() {
    let dashboard = "x".repeat(900);
    let text: String = (0..5_000)
        .map(|n| format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a{n}}}\ndata:\n  json: |\n    {dashboard}\n---\n"))
        .collect();
    let json: String = (0..50_000)
        .map(|n| format!("{{\"apiVersion\": \"v1\", \"kind\": \"ConfigMap\", \"metadata\": {{\"name\": \"b{n}\", \"labels\": {{\"a\": \"b\"}}}}}}\n"))
        .collect();
    assert!(text.len() + json.len() > 9_000_000);
    let began = std::time::Instant::now();
    let budget = Budget::new(Limits { objects: 60_000, nodes: 2_000_000, ..Limits::default() });
    let manifests =
        nprt_manifest::read_within(&[file("a.yaml", &text), file("b.json", &json)], &budget).unwrap();
    assert_eq!(manifests.documents.len(), 55_000);
    assert_eq!(manifests.documents[54_999].source.line, 50_000);
    // A debug build on a busy machine; what is quadratic takes minutes.
    assert!(began.elapsed().as_secs() < 30, "{:?}", began.elapsed());
}
