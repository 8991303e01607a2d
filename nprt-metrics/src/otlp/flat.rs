//! Values that hold others, as text that tells one from another: they are not kept as such, which would take much more room.

use std::fmt;
use std::io::Write;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// Whatever stands there, written out.
pub(super) struct Flat(pub(super) Vec<u8>);

impl<'de> Deserialize<'de> for Flat {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut text = Vec::new();
        Writer(&mut text).deserialize(deserializer)?;
        Ok(Self(text))
    }
}

struct Writer<'a>(&'a mut Vec<u8>);

impl Writer<'_> {
    /// Text is quoted, so that no end of a value can be mistaken for a part of it.
    fn write<E: Error>(self, text: fmt::Arguments<'_>) -> Result<(), E> {
        self.0.write_fmt(text).map_err(E::custom)
    }
}

impl<'de> DeserializeSeed<'de> for Writer<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Writer<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.write(format_args!("null,"))
    }

    fn visit_bool<E: Error>(self, is: bool) -> Result<(), E> {
        self.write(format_args!("{is},"))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
        self.write(format_args!("{number},"))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        self.write(format_args!("{number},"))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<(), E> {
        self.write(format_args!("{number:?},"))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.write(format_args!("{text:?},"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut all: A) -> Result<(), A::Error> {
        self.0.push(b'[');
        while all.next_element_seed(Writer(self.0))?.is_some() {}
        self.0.push(b']');
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut all: A) -> Result<(), A::Error> {
        self.0.push(b'{');
        while all.next_key_seed(Writer(self.0))?.is_some() {
            all.next_value_seed(Writer(self.0))?;
        }
        self.0.push(b'}');
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_values_are_other_text_of_about_the_same_length() {
        let of = |json: &str| serde_json::from_str::<Flat>(json).unwrap().0;
        let all = [
            "null",
            "true",
            "1",
            "1.5",
            "\"1\"",
            "[1]",
            "[[1]]",
            "[]",
            "[[]]",
            "{}",
            r#"{"a":1}"#,
            r#"{"a":[1]}"#,
            r#"["a,b"]"#,
            r#"["a","b"]"#,
            r#"["a\",\"b"]"#,
            "[1,2]",
            "[12]",
        ];
        let texts: std::collections::BTreeSet<Vec<u8>> = all.iter().map(|json| of(json)).collect();
        assert_eq!(texts.len(), all.len());
        assert_eq!(of("[ 1,2 ]"), of("[1, 2]"));
        let long = format!("[{}1e300]", "1,".repeat(100_000));
        assert!(of(&long).len() < 2 * long.len());
    }
}
