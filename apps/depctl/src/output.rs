//! What is printed: answers on stdout, notes on stderr.

use std::io::{self, Write};
use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::cli::Format;
use crate::failure::{Exit, Failure, Result};

/// Prints in one format.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    pub(crate) format: Format,
    pub(crate) quiet: bool,
}

impl Output {
    /// Prints an answer: as it is, or as the text that `table` makes of it.
    pub(crate) fn answer<T: DeserializeOwned>(
        self,
        value: Value,
        table: impl FnOnce(&T) -> String,
    ) -> Result<()> {
        match self.format {
            Format::Json | Format::Yaml => self.value(&value),
            Format::Table => text(&table(&read(value)?)),
        }
    }

    /// Prints a value as JSON, or as YAML where that is asked for.
    pub(crate) fn value(self, value: &Value) -> Result<()> {
        text(&self.written(value)?)
    }

    /// A note for a person, who may not want any.
    pub(crate) fn note(self, note: &str) {
        if !self.quiet {
            self.complain(note);
        }
    }

    /// What a person must read. Nobody can be told that stderr is gone.
    pub(crate) fn complain(self, message: &str) {
        let _ = writeln!(anstream::stderr(), "{message}");
    }

    /// Tells a failure on stderr: where JSON or YAML is asked for, the server's own document.
    pub(crate) fn failure(self, failure: &Failure) {
        let document = failure.problem.as_ref().filter(|_| self.format != Format::Table);
        match document.and_then(|problem| self.written(&problem.1).ok()) {
            Some(document) => self.complain(document.trim_end()),
            None => {
                let red = crate::style::BAD;
                self.complain(&format!("{red}error:{red:#} {failure}"));
            }
        }
    }

    /// How a value is printed.
    pub(crate) fn written(self, value: &Value) -> Result<String> {
        let failed = |error: String| Failure::usage(format!("the answer cannot be written: {error}"));
        match self.format {
            Format::Yaml => serde_saphyr::to_string(value).map_err(|error| failed(error.to_string())),
            Format::Json | Format::Table => serde_json::to_string_pretty(value)
                .map(|text| text + "\n")
                .map_err(|error| failed(error.to_string())),
        }
    }
}

/// Prints on stdout. Who closed it wants no more: that is no failure.
pub(crate) fn text(text: &str) -> Result<()> {
    let mut stdout = anstream::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::usage(format!("stdout cannot be written: {error}")))
        }
        _ => Ok(()),
    }
}

/// Writes a file.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    std::fs::write(path, bytes).map_err(|error| Failure::usage(format!("{}: {error}", path.display())))
}

/// Reads an answer as the contract says it.
pub(crate) fn read<T: DeserializeOwned>(value: Value) -> Result<T> {
    serde_json::from_value(value).map_err(|error| {
        Failure::new(Exit::Refused, format!("the server's answer is not as expected: {error}"))
            .with("--output json shows it as it is; is the server of another version?")
    })
}
