//! Signatures by Standard Webhooks 1.0.0.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use nprt_core::model::Secret;
use ring::{digest, hmac};

const PREFIX: &str = "whsec_";

/// Signs bodies.
pub(super) struct Signer(hmac::Key);

impl Signer {
    /// One by a secret as the convention writes it; `None` where it is none, or too short or long.
    pub(super) fn new(secret: &Secret) -> Option<Self> {
        let text = secret.expose();
        let bytes = STANDARD.decode(text.strip_prefix(PREFIX).unwrap_or(text)).ok()?;
        (24..=64).contains(&bytes.len()).then(|| Self(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
    }

    /// The header `webhook-signature`; `seconds` since 1970.
    pub(super) fn sign(&self, id: &str, seconds: i64, body: &[u8]) -> String {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(format!("{id}.{seconds}.").as_bytes());
        context.update(body);
        format!("v1,{}", STANDARD.encode(context.sign()))
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signer(***)")
    }
}

/// Which notification a body is: it says when it happened, so that no two have the same, and each try of one has.
pub(super) fn id(body: &[u8]) -> String {
    let digest = digest::digest(&digest::SHA256, body);
    let hex: String = digest.as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("msg_{hex}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the convention's own libraries.
    #[test]
    fn signs_as_the_convention_says() {
        let signer = Signer::new(&Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")).unwrap();
        let signed = signer.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert!(!format!("{signer:?}").contains("MfKQ"));
    }

    #[test]
    fn a_secret_is_neither_short_nor_long() {
        for (bytes, fits) in [(0, false), (23, false), (24, true), (64, true), (65, false)] {
            let secret = Secret::new(format!("whsec_{}", STANDARD.encode(vec![7; bytes])));
            assert_eq!(Signer::new(&secret).is_some(), fits, "{bytes}");
        }
        assert!(Signer::new(&Secret::new("whsec_not base64")).is_none());
    }
}
