//! What others write, as functions of bytes, for the fuzz targets alone. None panics.

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, header};

use crate::config::{Config, Environment, Problems};
use crate::http::{hooks, params};

/// A configuration file.
pub fn configuration(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    let mut problems = Problems::default();
    let _ = Config::read(text, &Environment::Process, &mut problems);
    let _ = problems.to_string();
}

/// The parameters of a request: as a query, as a form and as JSON.
pub fn parameters(data: &[u8]) {
    let body = Bytes::copy_from_slice(data);
    let read = |query, headers: &HeaderMap, body: &Bytes| {
        if let Ok(params) = params::Params::read(params::VERSION, query, headers, body) {
            let _ = params.version();
        }
    };
    read(str::from_utf8(data).ok(), &HeaderMap::new(), &Bytes::new());
    for kind in ["application/x-www-form-urlencoded", params::JSON] {
        read(None, &of(kind), &body);
    }
}

/// The payload of an alert.
pub fn hook(data: &[u8]) {
    let _ = hooks::of_alertmanager(&of(params::JSON), data);
    let _ = hooks::of_datadog(&of(params::JSON), data);
}

fn of(kind: &'static str) -> HeaderMap {
    HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(kind))])
}
