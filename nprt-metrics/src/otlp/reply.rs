use prost::Message;
use serde::Serialize;

use super::read::{Format, Refusal};

/// What to answer a request with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtlpReply {
    /// The status of HTTP: 200 also where points were refused, which the body says.
    pub status: u16,
    /// The header `Content-Type`, that of the request.
    pub content_type: &'static str,
    /// The body.
    pub body: Vec<u8>,
}

#[derive(Clone, PartialEq, Message, Serialize)]
#[serde(rename_all = "camelCase")]
struct Response {
    #[prost(message, optional, tag = "1")]
    #[serde(skip_serializing_if = "Option::is_none")]
    partial_success: Option<PartialSuccess>,
}

#[derive(Clone, PartialEq, Message, Serialize)]
#[serde(rename_all = "camelCase")]
struct PartialSuccess {
    #[prost(int64, tag = "1")]
    #[serde(serialize_with = "text")]
    rejected_data_points: i64,
    #[prost(string, tag = "2")]
    error_message: String,
}

/// `google.rpc.Status`.
#[derive(Clone, PartialEq, Message, Serialize)]
struct Status {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

const INVALID_ARGUMENT: i32 = 3;
const NOT_FOUND: i32 = 5;
const RESOURCE_EXHAUSTED: i32 = 8;
const INTERNAL: i32 = 13;
const UNAVAILABLE: i32 = 14;
const UNAUTHENTICATED: i32 = 16;

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn text<S: serde::Serializer>(number: &i64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(number)
}

impl OtlpReply {
    /// All was taken, or so many points were not.
    pub(super) fn taken(format: Format, rejected: u64, why: String) -> Self {
        let partial_success = (rejected > 0).then(|| PartialSuccess {
            rejected_data_points: i64::try_from(rejected).unwrap_or(i64::MAX),
            error_message: why,
        });
        Self::new(200, format, &Response { partial_success })
    }

    /// A refusal to take anything. `status` is one of HTTP: of 429, 502, 503 and 504 a client tries again. A content type that
    /// is not one of OTLP's is answered in JSON.
    #[must_use]
    pub fn refused(status: u16, content_type: Option<&str>, why: &str) -> Self {
        let code = match status {
            401 => UNAUTHENTICATED,
            404 => NOT_FOUND,
            500 => INTERNAL,
            413 => RESOURCE_EXHAUSTED,
            429 | 502..=504 => UNAVAILABLE,
            _ => INVALID_ARGUMENT,
        };
        let format = Format::of(content_type).unwrap_or(Format::Json);
        Self::new(status, format, &Status { code, message: why.to_owned() })
    }

    pub(super) fn of(refusal: &Refusal, content_type: Option<&str>) -> Self {
        Self::refused(refusal.status, content_type, &refusal.why)
    }

    fn new<T: Message + Serialize>(status: u16, format: Format, message: &T) -> Self {
        let body = match format {
            Format::Protobuf => message.encode_to_vec(),
            // Two plain fields at the most, which can always be written.
            Format::Json => serde_json::to_vec(message).unwrap_or_default(),
        };
        Self { status, content_type: format.content_type(), body }
    }
}
