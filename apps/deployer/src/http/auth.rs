//! Who asks, and what they may.

use axum::http::header::{AUTHORIZATION, USER_AGENT};
use axum::http::{HeaderMap, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use nprt::ErrorKind;
use nprt::model::ServiceName;

use super::peer::Peer;
use super::problem::Problem;
use crate::app::App;
use crate::compose::Composed;
use crate::config::Action;
use crate::config::token::{Token, find};

/// The user of HTTP basic.
const USER: &str = "auth_token";

/// The token of a request by `peer`.
///
/// # Errors
/// 401 without one, or with one that is not known; 429 where the peer has sent too many of these.
pub(crate) fn token(
    app: &App,
    composed: &Composed,
    headers: &HeaderMap,
    peer: Peer,
) -> Result<Token, Problem> {
    if app.is_insecure() && composed.config.tokens.is_empty() {
        return Ok(Token::of_anybody());
    }
    let unauthenticated =
        |detail: &str| Problem::new(StatusCode::UNAUTHORIZED, ErrorKind::Unauthenticated, detail);
    let mut all = headers.get_all(AUTHORIZATION).iter();
    let Some(given) = all.next() else {
        return Err(unauthenticated("a token is needed: HTTP basic as the user auth_token, or bearer"));
    };
    if all.next().is_some() {
        return Err(Problem::invalid("the request has more than one Authorization header"));
    }
    let secret = given.to_str().ok().and_then(secret_in);
    let token = secret.and_then(|secret| find(&composed.config.tokens, &secret).cloned());
    let (hash, a_minute) =
        (token.as_ref().map(|token| token.hash), composed.config.limits.wrong_tokens_per_minute);
    app.guesses().may_ask(peer, hash, a_minute).map_err(Problem::too_many_guesses)?;
    token.ok_or_else(|| unauthenticated("this token is not known"))
}

fn secret_in(given: &str) -> Option<String> {
    let (scheme, rest) = given.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(rest.trim().to_owned());
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(rest.trim()).ok()?).ok()?;
    let (user, secret) = text.split_once(':')?;
    (user == USER).then(|| secret.to_owned())
}

/// # Errors
/// 403 where the token does not have the service, or none of the actions.
pub(crate) fn allow(token: &Token, service: &ServiceName, actions: &[Action]) -> Result<(), Problem> {
    if !token.has_service(service) {
        return Err(Problem::forbidden("the token does not allow this service").with("service", service));
    }
    allow_any(token, actions)
}

/// # Errors
/// 403 where the token has none of the actions.
pub(crate) fn allow_any(token: &Token, actions: &[Action]) -> Result<(), Problem> {
    if actions.iter().any(|action| token.has_action(*action)) {
        return Ok(());
    }
    let needed: Vec<&str> = actions.iter().map(|action| action.as_str()).collect();
    Err(Problem::forbidden("the token does not allow this action")
        .with("action", needed.join(" or "))
        .with_available(token.actions.iter().map(|action| action.as_str())))
}

/// # Errors
/// 403 where the token may not read, or only some services: what the server counts names all.
pub(crate) fn allow_numbers(token: &Token) -> Result<(), Problem> {
    allow_any(token, &[Action::Read])?;
    let Some(services) = &token.services else { return Ok(()) };
    let problem = Problem::forbidden("the token is limited to some services, and this covers all of them");
    Err(problem.with_available(services))
}

/// Whether a person sits at the other end, who has the answer in hand.
pub(crate) fn is_depctl(headers: &HeaderMap) -> bool {
    let agent = headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok());
    agent.is_some_and(|agent| agent.starts_with("depctl/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_read_from_basic_and_bearer() {
        let basic = |text: &str| format!("Basic {}", STANDARD.encode(text));
        assert_eq!(secret_in("Bearer s3cret").as_deref(), Some("s3cret"));
        assert_eq!(secret_in("bearer s3cret").as_deref(), Some("s3cret"));
        assert_eq!(secret_in(&basic("auth_token:s3:cret")).as_deref(), Some("s3:cret"));
        for none in ["s3cret", "Basic s3cret", "Digest x", "", &basic("ada:s3cret"), &basic("auth_token")] {
            assert_eq!(secret_in(none), None, "{none}");
        }
    }
}
