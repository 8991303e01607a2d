//! The JSON schemas say the same as the types, as far as a schema can.

use boon::{Compiler, SchemaIndex, Schemas};
use nprt_compare::{POLICY_SCHEMA, Policy, Preset, VERDICT_SCHEMA};
use serde_json::Value;

use crate::world::{after, judge, minute};

fn compile(schema: &str) -> (Schemas, SchemaIndex) {
    let schema: Value = serde_json::from_str(schema).unwrap();
    let id = schema["$id"].as_str().unwrap().to_owned();
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    compiler.add_resource(&id, schema).unwrap();
    let index = compiler.compile(&id, &mut schemas).unwrap();
    (schemas, index)
}

#[test]
fn every_preset_is_a_policy_as_it_is_written() {
    let (schemas, index) = compile(POLICY_SCHEMA);
    for preset in Preset::ALL {
        let policy = Policy::preset(preset);
        policy.validate().unwrap();
        let value = serde_json::to_value(&policy).unwrap();
        assert_eq!(serde_json::from_value::<Policy>(value.clone()).unwrap(), policy);
        schemas.validate(&value, index).map_err(|error| error.to_string()).unwrap();
        let mut misspelt = value;
        misspelt["rules"][0]["mtric"] = "latency".into();
        assert!(schemas.validate(&misspelt, index).is_err());
    }
}

#[test]
fn every_verdict_is_one() {
    let (schemas, index) = compile(VERDICT_SCHEMA);
    let valid = |value: &Value| schemas.validate(value, index).map_err(|error| error.to_string());
    for factor in [1.0, 1.4] {
        let random = &mut 11;
        let mut judge = judge(random);
        for at in 0..25 {
            minute(at, factor, random).iter().for_each(|block| judge.observe(block).unwrap());
            let mut value = serde_json::to_value(judge.verdict(after(at + 1))).unwrap();
            valid(&value).unwrap();
            value["metrics"][0]["evidence"]["effect"] = "large".into();
            assert!(valid(&value).is_err());
        }
    }
}
