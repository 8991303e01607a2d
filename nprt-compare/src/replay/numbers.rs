use std::fmt;

use nprt_core::ports::LeftOutReason;
use serde::Deserialize;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};

/// A measurement, or why it is none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Number(pub(super) Result<f64, LeftOutReason>);

/// Measurements, and why others are none.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Numbers {
    pub(super) good: Vec<f64>,
    pub(super) bad: Vec<LeftOutReason>,
}

impl From<f64> for Number {
    fn from(number: f64) -> Self {
        Self(LeftOutReason::of_number(number).map_or(Ok(number), Err))
    }
}

impl Extend<Number> for Numbers {
    fn extend<T: IntoIterator<Item = Number>>(&mut self, numbers: T) {
        for Number(number) in numbers {
            match number {
                Ok(number) => self.good.push(number),
                Err(reason) => self.bad.push(reason),
            }
        }
    }
}

/// From a number, or the text of one that JSON has no number for.
impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct One;
        impl Visitor<'_> for One {
            type Value = f64;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, \"NaN\", \"Infinity\" or \"-Infinity\"")
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<f64, E> {
                Ok(number)
            }

            #[expect(clippy::cast_precision_loss, reason = "as JSON's numbers are read elsewhere")]
            fn visit_u64<E: Error>(self, number: u64) -> Result<f64, E> {
                Ok(number as f64)
            }

            #[expect(clippy::cast_precision_loss, reason = "as JSON's numbers are read elsewhere")]
            fn visit_i64<E: Error>(self, number: i64) -> Result<f64, E> {
                Ok(number as f64)
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<f64, E> {
                match text {
                    "NaN" => Ok(f64::NAN),
                    "Infinity" => Ok(f64::INFINITY),
                    "-Infinity" => Ok(f64::NEG_INFINITY),
                    _ => Err(E::invalid_value(serde::de::Unexpected::Str(text), &self)),
                }
            }
        }
        deserializer.deserialize_any(One).map(Self::from)
    }
}

impl<'de> Deserialize<'de> for Numbers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Numbers;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array of numbers")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut all: A) -> Result<Numbers, A::Error> {
                let mut numbers = Numbers::default();
                while let Some(number) = all.next_element::<Number>()? {
                    numbers.extend([number]);
                }
                Ok(numbers)
            }
        }
        deserializer.deserialize_seq(All)
    }
}
