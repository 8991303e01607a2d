//! URLs of repositories, which never hold credentials.

use nprt_core::{Error, Result};
use url::Url;

/// Parses `text`, whose scheme must be one of `schemes`. The text is not in the error: a URL that is
/// refused may hold a password.
pub(crate) fn parse(operation: &'static str, text: &str, schemes: &[&str]) -> Result<Url> {
    let url = Url::parse(text)
        .map_err(|source| Error::invalid(operation, "`url` is no URL").with_source(source))?;
    if !url.username().is_empty() || url.password().is_some() {
        let hint = "`url` must not hold a user or password: give them in fields of their own";
        return Err(Error::invalid(operation, hint).with("host", url.host_str().unwrap_or_default()));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(Error::invalid(operation, "`url` must end with the path: no `?` and no `#`"));
    }
    if !schemes.contains(&url.scheme()) {
        return Err(Error::invalid(operation, "`url` has a scheme that is not known here")
            .with("scheme", url.scheme())
            .with_available(schemes));
    }
    Ok(url)
}

/// `text` for `Debug`: without what may be credentials or a query.
pub(crate) fn printable(text: &str) -> String {
    let Some(mut url) = Url::parse(text).ok().filter(Url::has_host) else {
        return if text.contains('@') { "***".to_owned() } else { text.to_owned() };
    };
    let secret = !url.username().is_empty() || url.password().is_some();
    url.set_query(None);
    if secret && (url.set_username("***").is_err() || url.set_password(None).is_err()) {
        return "***".to_owned();
    }
    url.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_refused_and_never_printed() {
        for url in ["https://ada:hunter2@example.com/x", "https://hunter2@example.com/x"] {
            let error = parse("vcs.build", url, &["https"]).unwrap_err();
            assert!(error.is_invalid() && !format!("{error:?}").contains("hunter2"), "{error:?}");
            assert!(!printable(url).contains("hunter2"));
        }
        assert!(!printable("ada:hunter2@example.com:x").contains("hunter2"));
        assert!(!printable("https://example.com/x?token=hunter2").contains("hunter2"));
    }

    #[test]
    fn an_unknown_scheme_lists_those_that_are() {
        let error = parse("vcs.build", "ftp://example.com/x", &["http", "https"]).unwrap_err();
        assert_eq!(error.available(), ["http", "https"]);
    }
}
