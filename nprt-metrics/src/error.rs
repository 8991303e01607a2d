use nprt_core::{Error, ErrorKind};
use nprt_http::status_error;
use reqwest::StatusCode;

/// The error of a server that refuses a question, by its status and what it said.
///
/// It was asked for what is configured: its 404 says that the server, or a proxy in front of it, is not as expected,
/// and never that there is no such metric.
pub(crate) fn refusal(operation: &'static str, status: StatusCode, said: &str) -> Error {
    let error = status_error(operation, status, said);
    if error.is_not_found() {
        let message = error.message().to_owned();
        return Error::new(ErrorKind::Unavailable, operation, message).with("status", status.as_u16());
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_status_says_that_a_metric_is_not_configured() {
        for status in 100..=599 {
            let error = refusal("x.y", StatusCode::from_u16(status).unwrap(), "no such metric");
            assert!(!error.is_not_found() && !error.is_not_configured(), "{error}");
            assert!(error.to_string().contains(&format!("no such metric (status: {status})")), "{error}");
        }
        assert!(refusal("x.y", StatusCode::NOT_FOUND, "").is_temporary());
    }
}
