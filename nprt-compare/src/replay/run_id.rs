use std::fmt;

use serde::{Deserialize, Serialize};

/// What tells the runs of a recorded series apart: a text, or a whole number of 64 bits, written back as it
/// was given. The text `1` is another run than the number 1.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(Form);

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a text or a whole number of 64 bits")]
enum Form {
    Text(String),
    Number(u64),
    /// Below zero.
    Negative(i64),
}

impl From<&str> for RunId {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl From<String> for RunId {
    fn from(text: String) -> Self {
        Self(Form::Text(text))
    }
}

impl From<u64> for RunId {
    fn from(number: u64) -> Self {
        Self(Form::Number(number))
    }
}

impl From<i64> for RunId {
    fn from(number: i64) -> Self {
        Self(u64::try_from(number).map_or(Form::Negative(number), Form::Number))
    }
}

impl RunId {
    /// What it is called, as a heading has it: `cart-17` or `17`.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.0 {
            Form::Text(text) => text.clone(),
            Form::Number(_) | Form::Negative(_) => self.to_string(),
        }
    }
}

/// As in JSON: `"cart-17"` or `17`.
impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Form::Text(text) => write!(f, "{text:?}"),
            Form::Number(number) => number.fmt(f),
            Form::Negative(number) => number.fmt(f),
        }
    }
}
