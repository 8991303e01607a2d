use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One metric's series on both tracks, as Kayenta archives it: a list of these is a *metric set pair list*.
/// A value that is missing is NaN, written as `"NaN"` (Kayenta's way) or `null`. Fields that are not here
/// (`attributes`, time stamps) are ignored.
///
/// ```
/// use nprt_compare::kayenta::MetricSetPair;
///
/// let pairs: Vec<MetricSetPair> = serde_json::from_str(
///     r#"[{
///         "name": "latency p95", "id": "4b1d", "tags": {},
///         "values": {"control": [0.10, "NaN", 0.11], "experiment": [0.12, 0.13, null]},
///         "scopes": {"control": {"startTimeMillis": 1764000000000, "stepMillis": 60000}}
///     }]"#,
/// )?;
/// assert!(pairs[0].values.control[1].is_nan() && pairs[0].values.experiment[2].is_nan());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricSetPair {
    /// The name of the metric in the config.
    pub name: String,
    /// Tells several pairs of one metric apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What the series were split by; each split is judged for itself.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// The values, one a step.
    pub values: PairValues,
    /// When and how often they were taken, by `control` and `experiment`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub scopes: BTreeMap<String, PairScope>,
}

/// The values of both tracks.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PairValues {
    /// Of stable (the baseline).
    #[serde(with = "values")]
    pub control: Vec<f64>,
    /// Of the canary.
    #[serde(with = "values")]
    pub experiment: Vec<f64>,
}

/// When and how often values were taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PairScope {
    /// The first, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_time_millis: Option<i64>,
    /// Milliseconds from one to the next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step_millis: Option<u64>,
}

impl MetricSetPair {
    /// How long so many further values take, in whole minutes; `None` where no step is known.
    pub(super) fn minutes(&self, values: u64) -> Option<u64> {
        let step = self.scopes.values().filter_map(|scope| scope.step_millis).max()?;
        Some(values.saturating_mul(step).div_ceil(60_000))
    }
}

/// Numbers, where JSON has no word for three of them.
mod values {
    use serde::{Deserialize, Deserializer, Serializer, de};

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Value<'a> {
        Number(f64),
        Word(#[serde(borrow)] std::borrow::Cow<'a, str>),
        Missing(()),
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<f64>, D::Error> {
        Vec::<Value<'de>>::deserialize(deserializer)?.into_iter().map(number).collect()
    }

    fn number<E: de::Error>(value: Value<'_>) -> Result<f64, E> {
        match value {
            Value::Number(number) => Ok(number),
            Value::Missing(()) => Ok(f64::NAN),
            Value::Word(word) => match &*word {
                "NaN" => Ok(f64::NAN),
                "Infinity" => Ok(f64::INFINITY),
                "-Infinity" => Ok(f64::NEG_INFINITY),
                other => Err(E::custom(format_args!(
                    "{other:?} is no value: expected a number, null, \"NaN\", \"Infinity\" or \"-Infinity\""
                ))),
            },
        }
    }

    pub(super) fn serialize<S: Serializer>(values: &[f64], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(values.iter().map(|value| Written(*value)))
    }

    struct Written(f64);

    impl serde::Serialize for Written {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            match self.0 {
                finite if finite.is_finite() => serializer.serialize_f64(finite),
                f64::INFINITY => serializer.serialize_str("Infinity"),
                f64::NEG_INFINITY => serializer.serialize_str("-Infinity"),
                _ => serializer.serialize_str("NaN"),
            }
        }
    }
}
