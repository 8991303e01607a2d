use std::collections::BTreeSet;

use super::Step;
use crate::output::Output;

/// Steps as lines on stderr, `phase: text`; a warning that is repeated is printed once.
#[derive(Debug)]
pub(crate) struct Lines {
    output: Output,
    last: String,
    warned: BTreeSet<String>,
}

impl Lines {
    pub(super) fn new(output: Output) -> Self {
        Self { output, last: String::new(), warned: BTreeSet::new() }
    }

    pub(super) fn step(&mut self, step: &Step) {
        let text = match step.phase() {
            Some(phase) => format!("{}: {}", phase.as_str(), step.text()),
            None => step.text(),
        };
        let repeated = if step.is_warning() { !self.warned.insert(text.clone()) } else { text == self.last };
        if !repeated {
            self.output.note(&text);
            self.last = text;
        }
    }
}
