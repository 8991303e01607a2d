//! The steps of a deploy as they happen: bars on a terminal, lines of text elsewhere.

mod bars;
mod event;
mod lines;

use std::io::IsTerminal;

use bars::Bars;
pub(crate) use event::Step;
use lines::Lines;

use crate::output::Output;

/// Where steps are shown.
#[derive(Debug)]
pub(crate) enum Progress {
    Silent,
    Lines(Lines),
    Bars(Bars),
}

impl Progress {
    /// Bars where stderr is a terminal that can move its cursor.
    pub(crate) fn new(output: Output) -> Self {
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        match (output.quiet, std::io::stderr().is_terminal() && !dumb) {
            (true, _) => Self::Silent,
            (false, true) => Self::Bars(Bars::new()),
            (false, false) => Self::Lines(Lines::new(output)),
        }
    }

    pub(crate) fn step(&mut self, step: &Step) {
        match self {
            Self::Silent => {}
            Self::Lines(lines) => lines.step(step),
            Self::Bars(bars) => bars.step(step),
        }
    }

    /// Ends what is shown, in success or not.
    pub(crate) fn end(self, done: bool) {
        if let Self::Bars(bars) = self {
            bars.end(done);
        }
    }
}
