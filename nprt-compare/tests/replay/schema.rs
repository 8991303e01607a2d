//! The JSON schema says the same as the reader, as far as a schema can.

use boon::{Compiler, SchemaIndex, Schemas};
use nprt_compare::replay::{Line, SCHEMA};
use serde_json::Value;

use crate::format::{Schema, bad, good};

fn compile() -> (Schemas, SchemaIndex) {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let id = schema["$id"].as_str().unwrap().to_owned();
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    compiler.add_resource(&id, schema).unwrap();
    let index = compiler.compile(&id, &mut schemas).unwrap();
    (schemas, index)
}

#[test]
fn it_takes_what_the_reader_takes_and_refuses_what_it_can() {
    let (schemas, index) = compile();
    let validate = |line: &str| {
        let value: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        schemas.validate(&value, index).map_err(|error| error.to_string())
    };
    for (line, _) in good() {
        assert_eq!(validate(&line), Ok(()), "{line}");
    }
    for rest in [
        r#""value": "NaN""#,
        r#""unit": "ms", "samples": ["-Infinity", 1]"#,
        r#""left_out": {"not-a-number": 2, "of-tomorrow": 1}"#,
    ] {
        let line = format!(r#"{{"run": 1, "minute": 3, "track": "stable", "metric": "latency", {rest}}}"#);
        assert!(Line::read(&line).is_ok_and(|lines| !lines.is_empty()), "{line}");
        assert_eq!(validate(&line), Ok(()), "{line}");
    }
    let without = r#"{"run": 1, "minute": 3, "metric": "latency", "left_out": {"no-track": 2}}"#;
    assert_eq!(Line::read(without).unwrap()[0].track(), None);
    assert_eq!(validate(without), Ok(()));
    for bad in bad() {
        match bad.schema {
            Schema::Refuses => assert!(validate(&bad.line).is_err(), "{}", bad.line),
            Schema::CannotTell => assert_eq!(validate(&bad.line), Ok(()), "{}", bad.line),
            Schema::NoJson => assert!(serde_json::from_str::<Value>(&bad.line).is_err(), "{}", bad.line),
        }
    }
}

#[test]
fn it_knows_the_bounds_of_numbers() {
    let (schemas, index) = compile();
    let line = r#"{"run": 1, "minute": 0, "track": "stable", "metric": "cpu", "value": 1}"#;
    for (what, by, valid) in [
        ("\"minute\": 0", "\"minute\": 4223370119", true),
        ("\"minute\": 0", "\"minute\": 4223370120", false),
        ("\"minute\": 0", "\"minute\": -6295083720", true),
        ("\"minute\": 0", "\"minute\": -6295083721", false),
        ("\"run\": 1", "\"run\": 18446744073709551615", true),
        ("\"run\": 1", "\"run\": -9223372036854775808", true),
        ("cpu", &"m".repeat(100), true),
        ("cpu", &"m".repeat(101), false),
    ] {
        let value = serde_json::from_str(&line.replace(what, by)).unwrap();
        assert_eq!(schemas.validate(&value, index).is_ok(), valid, "{by}");
    }
}
