use crate::{Error, Result};

/// The name of a service: an RFC 1123 label, 1 to 63 of `a-z`, `0-9` and `-`, with a letter or digit at
/// both ends. It is also the value of the label `nprt.dev/service` and names the service's lease.
///
/// ```
/// use nprt_core::model::ServiceName;
/// assert!(ServiceName::new("shop-frontend").is_ok());
/// assert!(ServiceName::new("-shop").is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServiceName(String);

impl ServiceName {
    /// Validates `name`.
    ///
    /// # Errors
    /// `Invalid` when it is no RFC 1123 label.
    pub fn new(name: &str) -> Result<Self> {
        let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let ends = |b: Option<&u8>| b.is_some_and(|&b| b != b'-');
        let bytes = name.as_bytes();
        let valid =
            bytes.len() <= 63 && bytes.iter().all(|&b| inner(b)) && ends(bytes.first()) && ends(bytes.last());
        if !valid {
            let expected = "expected 1 to 63 of a-z, 0-9 and -, with a letter or digit at both ends";
            return Err(Error::invalid("service.name", expected).with("name", format_args!("{name:?}")));
        }
        Ok(Self(name.to_owned()))
    }
}

super::text_value!(ServiceName);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_the_label_grammar() {
        for good in ["a", "0", "a-b", &"x".repeat(63)] {
            assert_eq!(ServiceName::new(good).unwrap().as_str(), good);
        }
        for bad in ["", "-a", "a-", "A", "a.b", "a/b", "ä", &"x".repeat(64)] {
            assert!(ServiceName::new(bad).unwrap_err().is_invalid(), "{bad:?}");
        }
    }
}
