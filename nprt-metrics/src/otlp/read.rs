//! From the body of a request to messages.

use std::borrow::Cow;
use std::io::Read;

use flate2::read::MultiGzDecoder;
use prost::Message;

use super::count::{Stop, check};
use super::message::Request;
use super::point::attribute_counts;

/// How a request is written, and so its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Protobuf,
    Json,
}

/// Why a request is not taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// Of HTTP.
    pub(super) status: u16,
    pub(super) why: String,
}

/// Messages that a request may hold: resources, metrics, points, attributes. A collector's batch of 8,192 points has
/// some 100,000.
const MOST_MESSAGES: usize = 1 << 18;
/// Attributes that a resource, a scope or a point may have: the default limit of the SDKs. Each name is looked for among all of
/// them, for each point.
const MOST_ATTRIBUTES: usize = 128;

impl Format {
    const ALL: [(&str, Self); 2] =
        [("application/x-protobuf", Self::Protobuf), ("application/json", Self::Json)];

    /// By the header `Content-Type`.
    pub(super) fn of(content_type: Option<&str>) -> Result<Self, Refusal> {
        let kind = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
        let known = Self::ALL.into_iter().find(|(name, _)| kind.eq_ignore_ascii_case(name));
        known.map(|(_, format)| format).ok_or_else(|| {
            let why = "expected the Content-Type application/x-protobuf or application/json".to_owned();
            Refusal { status: 415, why }
        })
    }

    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::Protobuf => "application/x-protobuf",
            Self::Json => "application/json",
        }
    }

    /// Reads a body, which was encoded as the header `Content-Encoding` says.
    pub(super) fn read(self, encoding: Option<&str>, body: &[u8], most: usize) -> Result<Request, Refusal> {
        let body = decoded(encoding, body, most)?;
        let unreadable = |why: String| Refusal { status: 400, why };
        let many = || {
            let why = format!(
                "expected at most {MOST_MESSAGES} points, attributes and other messages: send smaller batches"
            );
            Refusal { status: 413, why }
        };
        let request: Request = match self {
            Self::Protobuf => {
                check(&body, MOST_MESSAGES).map_err(|stop| match stop {
                    Stop::TooMany => many(),
                    Stop::Malformed => {
                        unreadable("expected an ExportMetricsServiceRequest in protobuf".to_owned())
                    }
                })?;
                Request::decode(&*body).map_err(|error| {
                    unreadable(format!("expected an ExportMetricsServiceRequest in protobuf: {error}"))
                })?
            }
            Self::Json => {
                // serde reads a message from a list of its fields too.
                if memchr::memchr2_iter(b'{', b'[', &body).count() > MOST_MESSAGES {
                    return Err(many());
                }
                serde_json::from_slice(&body).map_err(|error| {
                    unreadable(format!("expected an ExportMetricsServiceRequest in JSON: {error}"))
                })?
            }
        };
        if most_attributes(&request) > MOST_ATTRIBUTES {
            let what =
                format!("expected at most {MOST_ATTRIBUTES} attributes of a resource, a scope or a point");
            return Err(unreadable(what));
        }
        Ok(request)
    }
}

/// The most attributes that anything in the request has.
fn most_attributes(request: &Request) -> usize {
    let resources = request.resource_metrics.iter();
    let of_resource = resources.clone().filter_map(|all| Some(all.resource.as_ref()?.attributes.len()));
    let scopes = resources.flat_map(|all| &all.scope_metrics);
    let of_scope = scopes.clone().filter_map(|all| Some(all.scope.as_ref()?.attributes.len()));
    let of_point = scopes.flat_map(|all| &all.metrics).flat_map(attribute_counts);
    of_resource.chain(of_scope).chain(of_point).max().unwrap_or_default()
}

fn decoded<'a>(encoding: Option<&str>, body: &'a [u8], most: usize) -> Result<Cow<'a, [u8]>, Refusal> {
    let large = || Refusal { status: 413, why: format!("expected at most {most} bytes, also uncompressed") };
    if body.len() > most {
        return Err(large());
    }
    match encoding.map(str::trim) {
        None | Some("" | "identity") => Ok(Cow::Borrowed(body)),
        Some(gzip) if gzip.eq_ignore_ascii_case("gzip") => {
            let mut plain = Vec::new();
            let mut reader = MultiGzDecoder::new(body).take((most as u64).saturating_add(1));
            reader.read_to_end(&mut plain).map_err(|_| Refusal {
                status: 400,
                why: "expected a body in gzip, as its Content-Encoding says".to_owned(),
            })?;
            if plain.len() > most { Err(large()) } else { Ok(Cow::Owned(plain)) }
        }
        Some(_) => {
            Err(Refusal { status: 415, why: "expected the Content-Encoding gzip, or none".to_owned() })
        }
    }
}
