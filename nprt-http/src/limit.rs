use nprt_core::{Error, ErrorKind, Result};

/// How much of an answer is read, and the option that says so, if there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    most: usize,
    option: Option<&'static str>,
}

impl Limit {
    /// So much, as this option of the configuration says.
    #[must_use]
    pub const fn by(option: &'static str, most: usize) -> Self {
        Self { most, option: Some(option) }
    }

    /// How much.
    #[must_use]
    pub const fn most(self) -> usize {
        self.most
    }

    /// The error of an answer that goes beyond it.
    pub(crate) fn exceeded(self, operation: &'static str, message: &str, unit: &str) -> Error {
        let error = Error::new(ErrorKind::Unexpected, operation, message)
            .with("limit", format_args!("{} {unit}", self.most));
        match self.option {
            Some(option) => error.with("option", option),
            None => error,
        }
    }
}

impl From<usize> for Limit {
    fn from(most: usize) -> Self {
        Self { most, option: None }
    }
}

/// Counts the values of a JSON text without reading it, so that what is made of it cannot fill the memory: a list of two
/// million numbers in some megabytes may take hundreds of them. The text may be malformed.
///
/// ```
/// use nprt_http::{Limit, check_values};
///
/// assert!(check_values("doc.test", br#"{"tags": ["a", "b,c"]}"#, 5).is_ok());
/// let error = check_values("doc.test", b"[1,2,3]", Limit::by("max_points", 2)).unwrap_err();
/// assert!(error.to_string().contains("max_points"));
/// ```
///
/// # Errors
/// `Unexpected` for one of more values, with the limit and its option.
pub fn check_values(operation: &'static str, json: &[u8], limit: impl Into<Limit>) -> Result<()> {
    let limit = limit.into();
    let (mut values, mut quoted, mut escaped) = (1_usize, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = quoted,
            b'"' => quoted = !quoted,
            // Each but the first of a list or an object follows a comma.
            b',' | b'[' | b'{' if !quoted => values += 1,
            _ => {}
        }
    }
    if values > limit.most {
        Err(limit.exceeded(operation, "the answer has too many values", "values"))
    } else {
        Ok(())
    }
}
