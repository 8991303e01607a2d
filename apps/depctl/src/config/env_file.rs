//! `~/.deployer/deployer_env`: lines as a shell reads them, of which nothing is run.

use std::collections::BTreeMap;

use crate::failure::{Failure, Result};

/// The values by their names; of a name that is there twice the last, as in a shell. The lines of an error are
/// named and not shown: they may be secrets.
pub(crate) fn parse(text: &str) -> Result<BTreeMap<String, String>> {
    let mut values = BTreeMap::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let fault = |expected: &str| Failure::usage(format!("line {}: expected {expected}", index + 1));
        let assignment = line.strip_prefix("export ").unwrap_or(line).trim_start();
        let (name, value) = assignment.split_once('=').ok_or_else(|| fault("KEY=value"))?;
        if !is_name(name) {
            return Err(fault("KEY=value with a KEY of letters, digits and _"));
        }
        let value = unquoted(value).ok_or_else(|| {
            fault("a value in one pair of quotes or none, without spaces, $ or ` outside single quotes")
        })?;
        values.insert(name.to_owned(), value);
    }
    Ok(values)
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// The value, where a shell would give the same without running or expanding anything.
fn unquoted(value: &str) -> Option<String> {
    if let Some(rest) = value.strip_prefix('\'') {
        let (inside, after) = rest.split_once('\'')?;
        return is_over(after).then(|| inside.to_owned());
    }
    if let Some(rest) = value.strip_prefix('"') {
        let (inside, after) = rest.split_once('"')?;
        return (is_over(after) && !inside.contains(['$', '`', '\\'])).then(|| inside.to_owned());
    }
    let (word, after) = value.split_at(value.find(char::is_whitespace).unwrap_or(value.len()));
    (is_over(after) && !word.contains(['$', '`', '\\', '\'', '"', ';', '&', '|'])).then(|| word.to_owned())
}

/// Nothing after the value, or a comment.
fn is_over(after: &str) -> bool {
    after.trim().is_empty() || (after.starts_with(char::is_whitespace) && after.trim_start().starts_with('#'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_those_of_a_shell() {
        let text = "# a comment\n\nDEPLOYER_URL=http://h:8080\nexport DEPLOYER_TOKEN='a b$c' # note\nA=\"b c\"\nA=last\nE=\n";
        let values = parse(text).unwrap();
        let expected =
            [("A", "last"), ("DEPLOYER_TOKEN", "a b$c"), ("DEPLOYER_URL", "http://h:8080"), ("E", "")];
        assert_eq!(values.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn what_a_shell_would_run_is_an_error_that_shows_nothing() {
        for wrong in [
            "hunter2",
            "T=$(hunter2)",
            "T=\"a hunter2",
            "T=a hunter2",
            "T=`hunter2`",
            "1T=hunter2",
            "T='hunter2'x",
        ] {
            let error = parse(&format!("\n{wrong}")).unwrap_err().to_string();
            assert!(error.starts_with("line 2: ") && !error.contains("hunter2"), "{wrong}: {error}");
        }
    }
}
