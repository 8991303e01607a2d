//! What a canary is made from.

use nprt_core::model::{Budget, Object};

use super::document::Document;
use super::places::Objects;
use super::settings::Settings;
use super::surroundings::Surroundings;
use super::version::Version;

/// What a canary is rendered beside.
#[derive(Debug, Clone, Copy, Default)]
pub struct Beside<'a> {
    /// The service's objects that the cluster has now, and others of the namespace that select pods.
    pub live: &'a [Object],
    /// Stable's objects as the promotion would make them, as the cluster's dry run says. An object that is
    /// missing counts as its manifest has it.
    pub promoted: &'a [Object],
    /// Whether the canary gets the pod template and the configuration of `promoted`: also the fields that others
    /// have set on stable.
    pub carry: bool,
}

/// What a canary is made from.
pub(super) struct Input<'a> {
    pub(super) around: Surroundings<'a>,
    pub(super) promoted: Objects<'a>,
    pub(super) carry: bool,
    pub(super) version: &'a Version,
    pub(super) settings: &'a Settings,
    pub(super) budget: &'a Budget,
}

impl Input<'_> {
    /// The object of `document` as the promotion makes it.
    pub(super) fn promoted(&self, document: &Document) -> Option<&Object> {
        self.promoted.find(&document.object)
    }
}
