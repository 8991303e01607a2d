//! Codes that say how requests ended.

use crate::RequestOutcome;

/// What the value of a label or attribute says of a request; `None` where it is not understood. With `grpc` in its name,
/// numbers are those of gRPC.
pub(crate) fn understood(label: &str, value: &str) -> Option<RequestOutcome> {
    let failed = |failed| Some(if failed { RequestOutcome::Failure } else { RequestOutcome::Success });
    let grpc = label.to_ascii_lowercase().contains("grpc");
    match value.as_bytes() {
        [class @ b'1'..=b'5', b'0'..=b'9', b'0'..=b'9'] if !grpc => failed(*class == b'5'),
        [class @ b'1'..=b'5', b'x' | b'X', b'x' | b'X'] => failed(*class == b'5'),
        [b'0'..=b'9'] | [b'1', b'0'..=b'6'] if grpc => {
            failed(matches!(value, "2" | "4" | "12" | "13" | "14" | "15"))
        }
        _ => match value.replace('_', "").to_ascii_lowercase().as_str() {
            "success" | "ok" | "cancelled" | "canceled" | "invalidargument" | "notfound"
            | "alreadyexists" | "permissiondenied" | "resourceexhausted" | "failedprecondition"
            | "aborted" | "outofrange" | "unauthenticated" => failed(false),
            "failure" | "unknown" | "deadlineexceeded" | "unimplemented" | "internal" | "unavailable"
            | "dataloss" => failed(true),
            _ => None,
        },
    }
}
