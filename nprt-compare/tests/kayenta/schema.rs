//! The JSON schemas say the same as the types, as far as a schema can.

use boon::{Compiler, SchemaIndex, Schemas};
use nprt_compare::kayenta::{JUDGEMENT_SCHEMA, KayentaRule, RULE_SCHEMA};
use serde_json::Value;

const CART: &str = include_str!("../data/kayenta/cart.json");

thread_local! {
    static JUDGEMENT: (Schemas, SchemaIndex) = compile(JUDGEMENT_SCHEMA);
}

fn compile(schema: &str) -> (Schemas, SchemaIndex) {
    let schema: Value = serde_json::from_str(schema).unwrap();
    let id = schema["$id"].as_str().unwrap().to_owned();
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    compiler.add_resource(&id, schema).unwrap();
    let index = compiler.compile(&id, &mut schemas).unwrap();
    (schemas, index)
}

/// Whether a judgement's JSON is what its schema says.
pub(super) fn judgement(json: &str) -> Result<(), String> {
    let value = serde_json::from_str(json).unwrap();
    JUDGEMENT.with(|(schemas, index)| schemas.validate(&value, *index).map_err(|error| error.to_string()))
}

#[test]
fn a_rule_that_is_read_is_valid_and_what_is_refused_is_not() {
    let (schemas, index) = compile(RULE_SCHEMA);
    let valid = |text: &str| {
        let value = serde_json::from_str(text).unwrap();
        schemas.validate(&value, index).map_err(|error| error.to_string())
    };
    let rule = r#"{"config": CART, "sources": {
        "5xx": {"metric": "requests", "statistic": "error_rate"}, "requests": {"metric": "requests", "statistic": "sum"}
    }, "thresholds": {"pass": 90, "marginal": 50.5}}"#
        .replace("CART", CART);
    let read = KayentaRule::from_json(&rule).unwrap();
    assert_eq!(valid(&rule), Ok(()));
    assert_eq!(valid(&serde_json::to_string(&read).unwrap()), Ok(()));
    for (from, to) in [
        (r#""critical": true"#, r#""crtical": true"#),
        (r#""muted": true"#, r#""mute": true"#),
        (r#""increase""#, r#""upwards""#),
        (r#""remove", "outlierFactor""#, r#""drop", "outlierFactor""#),
        (r#""judge": {"name": "NetflixACAJudge-v1.0""#, r#""judge": {"name": "ours""#),
        (r#""judgeConfigurations": {}"#, r#""judgeConfigurations": {"confLevel": 0.9}"#),
        (r#""judgeConfigurations": {}"#, r#""judgeConfigurations": {"confidenceLevel": 1}"#),
        (r#""name": "5xx""#, r#""name": """#),
        ("1.1", "-1.1"),
        (r#""allowedIncrease": 0.6"#, r#""allowedIncrease": 1.6"#),
        ("2.5", "0"),
        (r#""Latency": 50"#, r#""Latency": -50"#),
        (r#""pass": 95"#, r#""pass": 195"#),
        (r#""statistic": "sum""#, r#""statistic": "q95""#),
        (r#""metric": "requests", "statistic": "sum""#, r#""metric": "all requests", "statistic": "sum""#),
        (r#""sources""#, r#""source""#),
        (r#""config""#, r#""configs""#),
    ] {
        let wrong = rule.replacen(from, to, 1);
        assert_ne!(wrong, rule, "{from}");
        assert!(valid(&wrong).is_err(), "{to}");
        assert!(KayentaRule::from_json(&wrong).is_err(), "{to}");
    }
}
