use nprt_core::model::Secret;

/// What a server says, cut, and without what must not be shown.
#[derive(Debug, Clone, Default)]
pub(super) struct Words {
    secrets: Vec<Secret>,
}

/// No words of a server are longer in our errors, in characters.
const LONGEST: usize = 300;

impl Words {
    /// Words that repeat none of these.
    pub(super) fn without(secrets: Vec<Secret>) -> Self {
        Self { secrets }
    }

    /// The same that do not repeat `secret` either.
    pub(super) fn and_without(mut self, secret: Secret) -> Self {
        self.secrets.push(secret);
        self
    }

    /// `said` as it may be shown.
    pub(super) fn shown(&self, said: &str) -> String {
        if self.secrets.iter().any(|secret| said.contains(secret.expose())) {
            return "what the server says repeats a credential, and is not shown".to_owned();
        }
        said.trim().chars().take(LONGEST).collect()
    }
}
