use std::collections::BTreeSet;
use std::fmt;

use nprt::model::{Branches, ServiceName};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// What a token may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Action {
    /// To look.
    Read,
    /// To change stable: deploy and promote.
    Deploy,
    /// To start canaries, hold them and roll them back.
    Canary,
}

impl Action {
    pub(crate) const ALL: [Self; 3] = [Self::Read, Self::Deploy, Self::Canary];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Deploy => "deploy",
            Self::Canary => "canary",
        }
    }
}

/// Who may do what. Of the secret itself only the hash is kept.
#[derive(Clone)]
pub(crate) struct Token {
    pub(crate) name: String,
    pub(crate) hash: [u8; 32],
    /// `None` are all.
    pub(crate) services: Option<BTreeSet<ServiceName>>,
    pub(crate) actions: BTreeSet<Action>,
    pub(crate) branches: Branches,
}

impl Token {
    /// Whoever comes, where the server asks for no token.
    pub(crate) fn of_anybody() -> Self {
        let (services, actions) = (None, Action::ALL.into());
        Self { name: "anybody".to_owned(), hash: [0; 32], services, actions, branches: Branches::default() }
    }

    pub(crate) fn has_service(&self, service: &ServiceName) -> bool {
        self.services.as_ref().is_none_or(|services| services.contains(service))
    }

    pub(crate) fn has_action(&self, action: Action) -> bool {
        self.actions.contains(&action)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The hash that a token is known by.
pub(crate) fn hash_of(secret: &str) -> [u8; 32] {
    Sha256::digest(secret).into()
}

/// The token with that secret. It looks at all, each in constant time, so that the time says nothing.
pub(crate) fn find<'a>(tokens: &'a [Token], secret: &str) -> Option<&'a Token> {
    let hash = hash_of(secret);
    let mut found = None;
    for token in tokens {
        if bool::from(token.hash.ct_eq(&hash)) {
            found = Some(token);
        }
    }
    found
}

/// Reads the hash as `sha256sum` prints it.
pub(crate) fn read_hash(text: &str) -> Option<[u8; 32]> {
    let mut hash = [0; 32];
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    for (i, byte) in hash.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * i..2 * i + 2)?, 16).ok()?;
    }
    Some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_found_by_its_secret_alone() {
        let text: String = hash_of("hunter2").iter().map(|byte| format!("{byte:02x}")).collect();
        let token = Token { name: "ci".to_owned(), hash: read_hash(&text).unwrap(), ..Token::of_anybody() };
        let tokens = [Token::of_anybody(), token];
        assert_eq!(find(&tokens, "hunter2").unwrap().name, "ci");
        assert!(find(&tokens, "hunter3").is_none() && find(&tokens, "").is_none());
        assert!(read_hash("0g").is_none() && read_hash(&"g".repeat(64)).is_none());
        assert!(!format!("{tokens:?}").contains("hash"));
    }
}
