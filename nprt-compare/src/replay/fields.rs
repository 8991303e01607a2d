use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, Visitor};

use super::RunId;
use super::numbers::{Number, Numbers};

const NAMES: [&str; 15] = [
    "run",
    "minute",
    "track",
    "pod",
    "route",
    "version",
    "metric",
    "unit",
    "samples",
    "histogram",
    "value",
    "requests",
    "errors",
    "classes",
    "left_out",
];

/// The fields of a line, each of the right type and given at most once; what they mean is not looked at yet.
#[derive(Default)]
pub(super) struct Fields {
    pub(super) run: Option<RunId>,
    pub(super) minute: Option<i64>,
    pub(super) track: Option<String>,
    pub(super) pod: Option<String>,
    pub(super) route: Option<String>,
    pub(super) version: Option<String>,
    pub(super) metric: Option<String>,
    pub(super) unit: Option<String>,
    pub(super) samples: Option<Numbers>,
    pub(super) histogram: Option<Histogram>,
    pub(super) value: Option<Number>,
    pub(super) requests: Option<u64>,
    pub(super) errors: Option<u64>,
    pub(super) classes: Option<BTreeMap<String, u64>>,
    /// How many points are left out, by the name of the reason.
    pub(super) left_out: Option<BTreeMap<String, u64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Histogram {
    pub(super) edges: Vec<f64>,
    pub(super) counts: Vec<u64>,
}

/// The field that is being read: serde's errors do not say it.
#[derive(Default)]
pub(super) struct Place(RefCell<Cow<'static, str>>);

impl Place {
    /// The last field that was begun; empty before the first.
    pub(super) fn into_name(self) -> Cow<'static, str> {
        self.0.into_inner()
    }
}

/// Reads the fields, and leaves in the place where it stopped.
impl<'de> DeserializeSeed<'de> for &Place {
    type Value = Fields;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Fields, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for &Place {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a block as an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
        let mut fields = Fields::default();
        let mut seen = [false; NAMES.len()];
        while let Some(index) = map.next_key_seed(Name(self))? {
            let name = NAMES[index];
            if std::mem::replace(&mut seen[index], true) {
                return Err(A::Error::duplicate_field(name));
            }
            match name {
                "run" => fields.run = Some(map.next_value()?),
                "minute" => fields.minute = Some(map.next_value()?),
                "track" => fields.track = Some(map.next_value()?),
                "pod" => fields.pod = map.next_value()?,
                "route" => fields.route = map.next_value()?,
                "version" => fields.version = map.next_value()?,
                "metric" => fields.metric = Some(map.next_value()?),
                "unit" => fields.unit = Some(map.next_value()?),
                "samples" => fields.samples = Some(map.next_value()?),
                "histogram" => fields.histogram = Some(map.next_value::<Object<_>>()?.0),
                "value" => fields.value = Some(map.next_value()?),
                "requests" => fields.requests = Some(map.next_value()?),
                "errors" => fields.errors = Some(map.next_value()?),
                "classes" => fields.classes = Some(map.next_value::<Counts>()?.0),
                _ => fields.left_out = Some(map.next_value::<Counts>()?.0),
            }
        }
        Ok(fields)
    }
}

/// Reads the name of a field as its index in [`NAMES`].
struct Name<'p>(&'p Place);

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a field")
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<usize, E> {
        let index = NAMES.iter().position(|known| *known == name);
        self.0.0.replace(index.map_or_else(|| Cow::from(name.to_owned()), |index| Cow::from(NAMES[index])));
        index.ok_or_else(|| E::unknown_field(name, &NAMES))
    }
}

/// A struct that is written as an object: serde alone would take an array for it, too.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ByName<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for ByName<T> {
            type Value = T;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map))
            }
        }
        deserializer.deserialize_map(ByName(PhantomData)).map(Self)
    }
}

/// A map with each key once: serde alone would take the last of several.
struct Counts(BTreeMap<String, u64>);

impl<'de> Deserialize<'de> for Counts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Once;
        impl<'de> Visitor<'de> for Once {
            type Value = BTreeMap<String, u64>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of names to counts")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut counts = BTreeMap::new();
                while let Some((name, count)) = map.next_entry::<String, u64>()? {
                    if counts.contains_key(&name) {
                        return Err(A::Error::custom(format_args!("{name:?} twice")));
                    }
                    counts.insert(name, count);
                }
                Ok(counts)
            }
        }
        deserializer.deserialize_map(Once).map(Self)
    }
}
