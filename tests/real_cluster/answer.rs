//! What a test expects nprt to answer.

use nprt::pipeline::Deployment;
use nprt::{Error, Result};

/// The answer to a deploy, a canary or a promotion.
pub(crate) trait Answer: Sized {
    type Done;

    /// It was done.
    #[track_caller]
    fn accepted(self) -> Self::Done;

    /// It was refused, or failed; the error contains every one of `words`.
    #[track_caller]
    fn refused_with(self, words: &[&str]) -> Error;

    /// It was done, with one warning for each of `warnings`, which contains that text. An empty list expects none.
    #[track_caller]
    fn warned(self, warnings: &[&str]) -> Self::Done;
}

/// What was done, with what a person should know of it.
pub(crate) trait Warnings: std::fmt::Debug {
    fn warnings(&self) -> &[String];
}

impl Warnings for Deployment {
    fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

impl<T: Warnings> Answer for Result<T> {
    type Done = T;

    #[track_caller]
    fn accepted(self) -> T {
        self.unwrap_or_else(|error| panic!("expected it to succeed: {error}"))
    }

    #[track_caller]
    fn refused_with(self, words: &[&str]) -> Error {
        let error = self.expect_err("expected a refusal");
        let text = error.to_string();
        let missing: Vec<_> = words.iter().filter(|word| !text.contains(**word)).collect();
        assert!(missing.is_empty(), "the error lacks {missing:?}: {text}");
        error
    }

    #[track_caller]
    fn warned(self, warnings: &[&str]) -> T {
        let done = self.accepted();
        let found = done.warnings();
        let missing: Vec<_> =
            warnings.iter().filter(|text| !found.iter().any(|warning| warning.contains(**text))).collect();
        assert!(missing.is_empty(), "no warning contains {missing:?}: {found:#?}");
        assert_eq!(found.len(), warnings.len(), "expected {warnings:?}: {found:#?}");
        done
    }
}
