use std::collections::BTreeMap;

/// One way in which a server asks for credentials (RFC 9110, 11.6.1).
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Challenge {
    /// In lower case: `bearer`, `basic`.
    pub(super) scheme: String,
    /// By name in lower case.
    pub(super) parameters: BTreeMap<String, String>,
}

/// The challenges of a `WWW-Authenticate` header. What is malformed is left out.
pub(super) fn challenges(header: &str) -> Vec<Challenge> {
    let mut challenges: Vec<Challenge> = Vec::new();
    // A comma parts challenges as well as the parameters of one.
    for item in outside_quotes(header).map(str::trim).filter(|item| !item.is_empty()) {
        let end = item.find(|c: char| c.is_whitespace() || c == '=').unwrap_or(item.len());
        let (word, rest) = item.split_at(end);
        let rest = rest.trim_start();
        let parameter = if rest.starts_with('=') {
            item
        } else {
            challenges.push(Challenge { scheme: word.to_ascii_lowercase(), parameters: BTreeMap::new() });
            rest
        };
        if let (Some(challenge), Some((name, value))) = (challenges.last_mut(), parameter.split_once('=')) {
            challenge.parameters.insert(name.trim().to_ascii_lowercase(), unquote(value.trim()));
        }
    }
    challenges
}

/// Splits at the commas that stand in no quoted string.
fn outside_quotes(header: &str) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    header.split(move |c| {
        let part = c == ',' && !quoted;
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => {}
        }
        part
    })
}

fn unquote(value: &str) -> String {
    let Some(inner) = value.strip_prefix('"') else { return value.to_owned() };
    let mut text = String::new();
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => break,
            '\\' => text.extend(chars.next()),
            c => text.push(c),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(scheme: &str, parameters: &[(&str, &str)]) -> Challenge {
        let parameters = parameters.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Challenge { scheme: scheme.to_owned(), parameters }
    }

    #[test]
    fn a_quoted_string_may_hold_commas_and_quotes() {
        let header =
            r#"Bearer realm="https://auth.io/token",service="a, \"b\"",scope="repository:x:pull,push""#;
        let expected = [
            ("realm", "https://auth.io/token"),
            ("service", r#"a, "b""#),
            ("scope", "repository:x:pull,push"),
        ];
        assert_eq!(challenges(header), [one("bearer", &expected)]);
    }

    #[test]
    fn a_header_may_hold_several_challenges() {
        let header = r#"Negotiate, BASIC Realm = "x y" , charset=UTF-8, Bearer realm=https://a.io/t"#;
        let expected = [
            one("negotiate", &[]),
            one("basic", &[("realm", "x y"), ("charset", "UTF-8")]),
            one("bearer", &[("realm", "https://a.io/t")]),
        ];
        assert_eq!(challenges(header), expected);
    }

    #[test]
    fn what_is_malformed_does_no_harm() {
        for bad in ["", ",,", "=", "\"", "a=\"", "x y z", "\\", "Bearer realm=\"unclosed, scope=x"] {
            let _ = challenges(bad);
        }
        assert_eq!(challenges("realm=x"), []);
    }
}
