use serde::Serialize;

/// The longest note that Kubernetes keeps, in bytes.
const LONGEST_NOTE: usize = 1024;

/// What happened to an object, as `kubectl describe` shows it.
///
/// ```
/// use nprt_core::ports::ObjectEvent;
/// let event = ObjectEvent::normal("Promoted", "main-3f2a91c was promoted to stable, by ada");
/// assert_eq!((event.reason(), event.is_warning()), ("Promoted", false));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ObjectEvent {
    reason: String,
    is_warning: bool,
    note: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    once: Option<String>,
}

impl ObjectEvent {
    /// What went as intended. `reason` is one word in CamelCase for programs, `note` is for people: one that is
    /// longer than Kubernetes keeps (1024 bytes) is cut, and says so. Neither may hold a secret.
    #[must_use]
    pub fn normal(reason: impl Into<String>, note: &str) -> Self {
        Self { reason: reason.into(), is_warning: false, note: cut(note), once: None }
    }

    /// What needs a look; else as [`normal`](Self::normal).
    #[must_use]
    pub fn warning(reason: impl Into<String>, note: &str) -> Self {
        Self { is_warning: true, ..Self::normal(reason, note) }
    }

    /// The same as something that happens to an object once, called so in lower-case letters, digits and `-`: whoever
    /// records it, and however often, it is kept once.
    #[must_use]
    pub fn once(self, name: impl Into<String>) -> Self {
        Self { once: Some(name.into()), ..self }
    }

    /// What it is called, where it happens [once](Self::once).
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.once.as_deref()
    }

    /// What happened, in one word.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// Whether it needs a look.
    #[must_use]
    pub fn is_warning(&self) -> bool {
        self.is_warning
    }

    /// What happened, by whom and why.
    #[must_use]
    pub fn note(&self) -> &str {
        &self.note
    }
}

fn cut(note: &str) -> String {
    if note.len() <= LONGEST_NOTE {
        return note.to_owned();
    }
    format!("{}…", &note[..note.floor_char_boundary(LONGEST_NOTE - '…'.len_utf8())])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_cut_where_it_is_too_long() {
        let exact = "x".repeat(1024);
        assert_eq!(ObjectEvent::normal("A", &exact).note(), exact);
        for long in ["x".repeat(1025), "ä".repeat(1000), "…".repeat(1000)] {
            let event = ObjectEvent::warning("A", &long);
            assert!(event.note().len() <= 1024 && event.note().len() > 1018, "{}", event.note().len());
            assert!(event.note().ends_with('…') && event.is_warning());
        }
    }
}
