//! Secrets that stand elsewhere: `{from_env: NAME}` and `{from_file: PATH}` where the file wants a secret.

use std::path::Path;

use serde_json::Value;

use super::Environment;
use super::problems::Problems;

/// The fields that may say so. Others could show what they were given in an error.
const SECRETS: [&str; 6] = ["api_key", "application_key", "password", "secret", "token", "webhook_url"];

/// Puts the secrets in place.
pub(crate) fn resolve(value: &mut Value, environment: &Environment, problems: &mut Problems) {
    walk(value, "", environment, problems);
}

fn walk(value: &mut Value, path: &str, environment: &Environment, problems: &mut Problems) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                match reference(value) {
                    Some(reference) if SECRETS.contains(&key.as_str()) => {
                        match look_up(&reference, environment) {
                            Ok(secret) => *value = Value::String(secret),
                            Err(why) => {
                                problems.add(path, why);
                                // Else it would be blamed twice.
                                *value = Value::String("not found".to_owned());
                            }
                        }
                    }
                    Some(_) => problems.add(path, "only secrets can be read from elsewhere"),
                    None => walk(value, &path, environment, problems),
                }
            }
        }
        Value::Array(items) => {
            for (number, item) in items.iter_mut().enumerate() {
                walk(item, &format!("{path}[{number}]"), environment, problems);
            }
        }
        _ => {}
    }
}

/// The files that hold secrets of it.
pub(super) fn files(value: &Value) -> Vec<String> {
    match value {
        Value::Object(map) => map
            .iter()
            .flat_map(|(key, value)| match reference(value) {
                Some(Reference::File(path)) if SECRETS.contains(&key.as_str()) => vec![path],
                _ => files(value),
            })
            .collect(),
        Value::Array(items) => items.iter().flat_map(files).collect(),
        _ => Vec::new(),
    }
}

enum Reference {
    Variable(String),
    File(String),
}

fn reference(value: &Value) -> Option<Reference> {
    let map = value.as_object().filter(|map| map.len() == 1)?;
    let (key, value) = map.iter().next()?;
    let text = value.as_str()?.to_owned();
    match key.as_str() {
        "from_env" => Some(Reference::Variable(text)),
        "from_file" => Some(Reference::File(text)),
        _ => None,
    }
}

fn look_up(reference: &Reference, environment: &Environment) -> Result<String, String> {
    let found = match reference {
        Reference::Variable(name) => {
            environment.get(name).ok_or_else(|| format!("the environment variable {name} is not set"))?
        }
        Reference::File(path) => std::fs::read_to_string(Path::new(path))
            .map_err(|error| format!("the file {path} cannot be read: {}", error.kind()))?,
    };
    // Editors and `echo` end a file with a line break, which no secret has.
    let secret = found.trim_end_matches(['\r', '\n']);
    if secret.is_empty() {
        return Err("the secret is empty".to_owned());
    }
    Ok(secret.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_come_from_variables_and_files() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, "hunter2\n").unwrap();
        let environment = Environment::of([("SLACK", "https://hooks.example.com")]);
        let mut value = json!({
            "a": [{"token": {"from_file": path}}, {"webhook_url": {"from_env": "SLACK"}}],
            "b": {"password": {"from_env": "NONE"}, "url": {"from_env": "SLACK"}, "file": {"from_file": "x"}},
        });
        let mut problems = Problems::default();
        resolve(&mut value, &environment, &mut problems);
        assert_eq!(value["a"], json!([{"token": "hunter2"}, {"webhook_url": "https://hooks.example.com"}]));
        let expected = "b.password: the environment variable NONE is not set\n\
                        b.url: only secrets can be read from elsewhere\n\
                        b.file: only secrets can be read from elsewhere";
        assert_eq!(problems.to_string(), expected);
    }
}
