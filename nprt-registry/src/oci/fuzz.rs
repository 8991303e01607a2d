use url::Url;

use super::auth::fuzz_challenge;
use super::client::fuzz_tags;
use super::error::fuzz_refusal;
use super::link::next_page;

/// Reads `bytes` as each part of what a registry answers: lists of tags, refusals, tokens, and the headers `Link` and
/// `WWW-Authenticate`. It is for fuzzing: it must not panic.
#[doc(hidden)]
pub fn fuzz_answer(bytes: &[u8]) {
    fuzz_tags(bytes);
    fuzz_refusal(bytes);
    let Ok(header) = std::str::from_utf8(bytes) else { return };
    fuzz_challenge(header);
    if let Ok(page) = Url::parse("https://gcr.io/v2/shop/cart/tags/list?n=2") {
        let _ = next_page(&page, header);
    }
}
