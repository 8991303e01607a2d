use nprt_core::{Error, Result};
use reqwest::{Response, Url};

use crate::{Limit, request_error};

/// The body of an answer, which may be `limit` bytes long. One that says to be longer is not read at all. How long that
/// takes is bounded by the [time-out](crate::ClientConfig::timeout_seconds) of the whole request, however slowly it
/// drips. Nothing is unpacked: an answer that comes compressed is as long as it is on the wire.
///
/// # Errors
/// `Unexpected` for a longer one, with the limit and its option, else as [`request_error`].
pub async fn read_body(
    operation: &'static str,
    mut response: Response,
    limit: impl Into<Limit>,
) -> Result<Vec<u8>> {
    let limit = limit.into();
    let too_long = || limit.exceeded(operation, "the answer is too long", "bytes");
    if response.content_length().is_some_and(|length| length > limit.most() as u64) {
        return Err(too_long());
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| request_error(operation, error))? {
        let length = body.len().saturating_add(chunk.len());
        if length > limit.most() {
            return Err(too_long());
        }
        if length > body.capacity() {
            let space = length.max(body.capacity().saturating_mul(2)).min(limit.most());
            body.reserve_exact(space - body.len());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Validates the address of a server: `http` or `https`, a host, no credentials (an address is logged), no
/// query and no fragment. Its path ends with `/`, so that `join` adds to it.
///
/// # Errors
/// `Invalid`; the text is not shown, since it may hold a password.
pub fn base_url(operation: &'static str, text: &str) -> Result<Url> {
    let invalid = |message: &str| Error::invalid(operation, message).with("field", "url");
    let mut url = Url::parse(text).map_err(|_| invalid("expected an address such as https://host:9090"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(invalid("expected http or https"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(invalid("credentials do not belong into an address"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(invalid("expected neither query nor fragment"));
    }
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_holds_no_secret() {
        assert_eq!(base_url("x.y", "http://h:9090/prefix").unwrap().as_str(), "http://h:9090/prefix/");
        assert_eq!(base_url("x.y", "https://h").unwrap().as_str(), "https://h/");
        for wrong in [
            "",
            "h:9090",
            "ftp://h",
            "http://me:s3cret@h",
            "http://s3cret@h",
            "http://h/?k=s3cret",
            "http://h/#s3cret",
        ] {
            let error = base_url("x.y", wrong).unwrap_err();
            assert!(error.is_invalid() && !format!("{error:?}").contains("s3cret"), "{wrong}: {error:?}");
        }
    }
}
