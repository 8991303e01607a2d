//! Secrets as people write them, by `stringData`, and as they are applied.

use nprt_manifest::Settings;
use serde_json::{Value, json};

use super::canary::{canary, deployed};
use super::{find, live, manifests, stable, version};

const READS: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: web, envFrom: [{secretRef: {name: s}}]}]}
---
";

fn secret(rest: &str) -> String {
    format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\n{rest}\n")
}

#[test]
fn every_key_is_applied_as_data() {
    for (written, data) in [
        ("stringData: {keep: hello}", json!({"keep": "aGVsbG8="})),
        ("stringData: {keep: hello}\ndata: {other: eA==}", json!({"other": "eA==", "keep": "aGVsbG8="})),
        // The same key in both: the text counts.
        ("data: {keep: eA==}\nstringData: {keep: hello}", json!({"keep": "aGVsbG8="})),
        ("stringData: {keep: hello}\ndata:", json!({"keep": "aGVsbG8="})),
        ("stringData: {empty: '', line: \"a\\n\"}", json!({"empty": "", "line": "YQo="})),
        ("stringData: {}\ndata: {a: eA==}", json!({"a": "eA=="})),
        ("stringData:", Value::Null),
        ("stringData: {}", Value::Null),
        ("immutable: true\nstringData: {keep: hello}", json!({"keep": "aGVsbG8="})),
    ] {
        let rendered = stable(&secret(written));
        let object = find(&rendered, "Secret/s");
        assert_eq!(object["data"], data, "{written}");
        assert_eq!(object.get("stringData"), None, "{written}");
    }
}

#[test]
fn what_is_not_text_names_its_key_and_hides_its_value() {
    for written in ["stringData: {pin: 123456789}", "stringData: {pin: [123456789]}", "stringData: 123456789"]
    {
        let read = manifests(&format!("{READS}{}", secret(written)));
        let stable = nprt_manifest::stable(&read, &version("v1"), &Settings::default(), &[]).unwrap_err();
        let copied = canary(&format!("{READS}{}", secret(written)), &Settings::default(), &[]).unwrap_err();
        for error in [stable, copied] {
            let error = error.to_string();
            assert!(error.contains("object: Secret/s") && error.contains("field: stringData"), "{error}");
            assert!(!error.contains("123456789"), "{error}");
        }
    }
}

#[test]
fn a_canarys_copy_has_what_the_promotion_will_have() {
    let before = format!("{READS}{}", secret("stringData: {keep: a, gone: b}"));
    for now in ["stringData: {keep: a}", "data: {keep: YQ==}", "stringData: {keep: a}\ndata: {moved: Yg==}"] {
        let text = format!("{READS}{}", secret(now));
        let tried = canary(&text, &Settings::default(), &deployed(&before)).unwrap();
        let promoted = stable(&text);
        assert_eq!(find(&tried, "Secret/s-canary")["data"], find(&promoted, "Secret/s")["data"], "{now}");
        assert_eq!(find(&tried, "Secret/s-canary").get("stringData"), None);
    }
    // Moved from one field to the other: pods read the same.
    let moved = format!("{READS}{}", secret("data: {keep: YQ==, gone: Yg==}"));
    let tried = canary(&moved, &Settings::default(), &deployed(&before)).unwrap();
    assert_eq!(tried.documents.len(), 1, "{tried:?}");
}

#[test]
fn another_kind_of_the_name_is_left_alone() {
    let text = "apiVersion: example.com/v1\nkind: Secret\nmetadata: {name: s}\nstringData: {a: 1}\n";
    let rendered = stable(text);
    let expected = live(text).remove(0).into_value();
    assert_eq!(find(&rendered, "Secret/s")["stringData"], expected["stringData"]);
}
