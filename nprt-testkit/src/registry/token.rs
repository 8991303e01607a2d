use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rcgen::{KeyPair, PKCS_ED25519, PublicKeyData, SigningKey};
use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use super::Registry;
use crate::Missing;

/// A name with a comma: a client must not split the challenge there.
pub(super) const SERVICE: &str = "nprt, the testkit";
pub(super) const ISSUER: &str = "nprt-testkit";
const KEY: &str = "key-1";

/// The token service of a registry, by the distribution project's specification: it signs what the user
/// asks for, for five minutes.
#[derive(Debug)]
pub(super) struct TokenService {
    server: MockServer,
    signer: Arc<Signer>,
    given: Arc<AtomicUsize>,
}

#[derive(Debug)]
struct Signer(KeyPair);

impl TokenService {
    pub(super) async fn start() -> Result<Self, Missing> {
        let key = KeyPair::generate_for(&PKCS_ED25519).map_err(|e| Missing::new("token service", e))?;
        let (signer, given) = (Arc::new(Signer(key)), Arc::new(AtomicUsize::new(0)));
        let server = MockServer::start().await;
        let answer = {
            let (signer, given) = (Arc::clone(&signer), Arc::clone(&given));
            move |request: &Request| {
                let answer = answer(&signer, request);
                given.fetch_add(usize::from(answer.is_some()), Ordering::SeqCst);
                match answer {
                    Some(answer) => ResponseTemplate::new(200).set_body_json(answer),
                    None => ResponseTemplate::new(401),
                }
            }
        };
        Mock::given(method("GET")).and(path("/token")).respond_with(answer).mount(&server).await;
        Ok(Self { server, signer, given })
    }

    pub(super) fn realm(&self) -> String {
        format!("{}/token", self.server.uri())
    }

    /// The key that the registry trusts.
    pub(super) fn jwks(&self) -> Value {
        let public = URL_SAFE_NO_PAD.encode(self.signer.0.der_bytes());
        json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": KEY, "use": "sig", "alg": "EdDSA", "x": public}]})
    }

    pub(super) fn given(&self) -> usize {
        self.given.load(Ordering::SeqCst)
    }

    /// A token for ourselves, to push with.
    pub(super) fn token(&self, repository: &str) -> Option<String> {
        self.signer.token(&format!("repository:{repository}:pull,push,delete"))
    }
}

/// The answer to the user; `None` for anybody else.
fn answer(signer: &Signer, request: &Request) -> Option<Value> {
    let user = format!("{}:{}", Registry::USERNAME, Registry::PASSWORD);
    let expected = format!("Basic {}", STANDARD.encode(user));
    let asked = |name: &str| request.url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value);
    let known =
        request.headers.get("authorization").is_some_and(|sent| sent.as_bytes() == expected.as_bytes());
    if !known || asked("service")? != SERVICE {
        return None;
    }
    Some(json!({"token": signer.token(&asked("scope")?)?, "expires_in": 300}))
}

impl Signer {
    /// A signed token for `type:name:action,action`.
    fn token(&self, scope: &str) -> Option<String> {
        let (kind, rest) = scope.split_once(':')?;
        let (name, actions) = rest.rsplit_once(':')?;
        let now = now();
        let header = json!({"typ": "JWT", "alg": "EdDSA", "kid": KEY});
        let claims = json!({
            "iss": ISSUER, "sub": Registry::USERNAME, "aud": SERVICE, "jti": "1",
            "iat": now, "nbf": now, "exp": now + 300,
            "access": [{"type": kind, "name": name, "actions": actions.split(',').collect::<Vec<_>>()}]
        });
        let encode = |part: Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let signed = format!("{}.{}", encode(header), encode(claims));
        let signature = URL_SAFE_NO_PAD.encode(self.0.sign(signed.as_bytes()).ok()?);
        Some(format!("{signed}.{signature}"))
    }
}

#[expect(clippy::disallowed_methods, reason = "the registry is a real program on the system's clock")]
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
