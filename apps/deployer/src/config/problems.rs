use std::fmt;

/// All that is wrong with a configuration, each with the path of its field. It never holds a value.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Problems(Vec<(String, String)>);

impl Problems {
    /// Adds one. What is wrong inside of a field is not said again of the field.
    pub(crate) fn add(&mut self, path: impl Into<String>, message: impl Into<String>) {
        let path = path.into();
        let is_said = self.0.iter().any(|(known, _)| is_within(known, &path));
        if !is_said {
            self.0.push((path, message.into()));
        }
    }

    /// Adds what an error of the library says.
    pub(crate) fn add_error(&mut self, path: impl Into<String>, error: &nprt::Error) {
        self.add(path, error.to_string());
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `value`, if nothing is wrong.
    pub(crate) fn or<T>(self, value: T) -> Result<T, Self> {
        if self.is_empty() { Ok(value) } else { Err(self) }
    }
}

/// Whether the field at `inner` is that at `outer`, or inside of it.
fn is_within(inner: &str, outer: &str) -> bool {
    inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (path, message)) in self.0.iter().enumerate() {
            let line = if i == 0 { "" } else { "\n" };
            match path.as_str() {
                "" => write!(f, "{line}{message}")?,
                _ => write!(f, "{line}{path}: {message}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_not_blamed_for_what_is_inside() {
        let mut problems = Problems::default();
        problems.add("services[0].vcs.git.url", "expected text");
        problems.add("services[0].vcs", "missing");
        problems.add("services[0].vcsx", "unknown");
        assert_eq!(problems.to_string(), "services[0].vcs.git.url: expected text\nservices[0].vcsx: unknown");
    }
}
