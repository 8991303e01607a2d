use std::sync::{Arc, PoisonError, RwLock};

use nprt::ports::Clock;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use crate::compose::{Composed, Parts};
use crate::http::Guesses;
use crate::numbers::Numbers;
use crate::verdicts::Verdicts;

/// How many reports may be drawn at the same time: each holds all measurements of a canary.
const DRAWINGS: usize = 2;

/// What every request and the autopilot share.
#[derive(Debug, Clone)]
pub(crate) struct App(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    current: RwLock<Arc<Composed>>,
    parts: Parts,
    numbers: Numbers,
    verdicts: Verdicts,
    /// Operations under way: they go on when their caller is gone.
    tasks: TaskTracker,
    drawings: Arc<Semaphore>,
    guesses: Guesses,
    is_insecure: bool,
}

impl App {
    pub(crate) fn new(composed: Composed, parts: Parts, is_insecure: bool) -> Self {
        composed.give_room(&parts);
        let (numbers, verdicts, tasks) = (Numbers::new(), Verdicts::default(), TaskTracker::new());
        let current = RwLock::new(Arc::new(composed));
        let drawings = Arc::new(Semaphore::new(DRAWINGS));
        let guesses = Guesses::default();
        Self(Arc::new(Inner { current, parts, numbers, verdicts, tasks, drawings, guesses, is_insecure }))
    }

    /// What holds now. Whoever began with it goes on with it.
    pub(crate) fn current(&self) -> Arc<Composed> {
        Arc::clone(&self.0.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// From now on `composed` holds.
    pub(crate) fn replace(&self, composed: Composed) {
        composed.give_room(&self.0.parts);
        *self.0.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(composed);
    }

    pub(crate) fn parts(&self) -> &Parts {
        &self.0.parts
    }

    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        self.0.parts.clock()
    }

    pub(crate) fn numbers(&self) -> &Numbers {
        &self.0.numbers
    }

    pub(crate) fn verdicts(&self) -> &Verdicts {
        &self.0.verdicts
    }

    pub(crate) fn tasks(&self) -> &TaskTracker {
        &self.0.tasks
    }

    /// Room to draw reports.
    pub(crate) fn drawings(&self) -> Arc<Semaphore> {
        Arc::clone(&self.0.drawings)
    }

    /// Tokens that were not known.
    pub(crate) fn guesses(&self) -> &Guesses {
        &self.0.guesses
    }

    /// Whether it may run without tokens.
    pub(crate) fn is_insecure(&self) -> bool {
        self.0.is_insecure
    }
}
