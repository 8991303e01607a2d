use std::collections::BTreeSet;
use std::time::Duration;

use nprt_core::model::{Digest, ImageName, Tag};
use nprt_core::{Error, ErrorKind, Result};
use nprt_http::{Limit, check_values};
use reqwest::header::{ACCEPT, HeaderName, LINK};
use reqwest::{Method, Response, StatusCode};
use serde::Deserialize;
use sha2::Digest as _;
use url::Url;

use super::auth::{Authenticator, Authorization};
use super::error::refusal;
use super::host::Host;
use super::link::next_page;

/// Every kind of manifest that a tag may name. Schema 1 is left out: containerd no longer runs it.
const MANIFESTS: &str = "application/vnd.oci.image.index.v1+json, \
    application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, \
    application/vnd.docker.distribution.manifest.v2+json";

const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");

/// The longest page of tags that is read, in bytes.
const LONGEST_PAGE: usize = 16 << 20;

/// The longest manifest that is read, in bytes: what registries accept.
const LONGEST_MANIFEST: usize = 4 << 20;

/// Pages of one list of tags that are read before it is taken for endless.
const MOST_PAGES: usize = 10_000;

/// The longest address of a next page that is followed.
const LONGEST_LINK: usize = 2048;

/// The wire: the two endpoints that are needed, each request with what it must carry.
#[derive(Debug)]
pub(super) struct Client {
    http: reqwest::Client,
    authenticator: Authenticator,
    lists: Lists,
}

/// How lists of tags are read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lists {
    pub(super) page_size: u32,
    pub(super) max_tags: usize,
    /// For all pages.
    pub(super) timeout: Duration,
}

#[derive(Deserialize)]
struct TagList {
    /// `null` where all tags were deleted.
    tags: Option<Vec<String>>,
}

/// What all requests of one call share.
#[derive(Clone, Copy)]
pub(super) struct Call<'a> {
    pub(super) operation: &'static str,
    pub(super) image: &'a ImageName,
    pub(super) host: &'a Host,
}

impl Call<'_> {
    fn unexpected(&self, message: &str) -> Error {
        Error::new(ErrorKind::Unexpected, self.operation, message).with("image", self.image)
    }
}

impl Client {
    pub(super) fn new(http: reqwest::Client, authenticator: Authenticator, lists: Lists) -> Self {
        Self { http, authenticator, lists }
    }

    /// The tags from all pages, sorted, in the time allowed for all of them. `None` for an image that does not exist.
    pub(super) async fn tags(&self, call: Call<'_>) -> Result<Option<BTreeSet<Tag>>> {
        tokio::time::timeout(self.lists.timeout, self.all_tags(call)).await.unwrap_or_else(|_| {
            Err(Error::new(ErrorKind::Timeout, call.operation, "the list of tags takes too long")
                .with("image", call.image)
                .with("limit", format_args!("{} s", self.lists.timeout.as_secs()))
                .with("option", "list_timeout_seconds"))
        })
    }

    async fn all_tags(&self, call: Call<'_>) -> Result<Option<BTreeSet<Tag>>> {
        let mut tags = BTreeSet::new();
        let mut read = BTreeSet::new();
        let mut page = call.host.url(&call.image.repository(), "tags/list");
        page.query_pairs_mut().append_pair("n", &self.lists.page_size.to_string());
        loop {
            if !read.insert(page.clone()) || read.len() > MOST_PAGES {
                return Err(call.unexpected("the registry's list of tags has no end"));
            }
            let Some(response) = self.send(call, Method::GET, &page).await? else { return Ok(None) };
            let next = next_page(&page, &links(&response)).map_err(|target| {
                call.unexpected("the next page of tags is at another host")
                    .with("link", without_query(&target))
            })?;
            let content = nprt_http::read_body(call.operation, response, LONGEST_PAGE).await?;
            let left = self.lists.max_tags.saturating_sub(tags.len());
            let more = page_of_tags(call.operation, &content, left);
            tags.extend(more.map_err(|error| error.with("image", call.image))?);
            if tags.len() > self.lists.max_tags {
                return Err(call
                    .unexpected("the registry lists too many tags")
                    .with("limit", format_args!("{} tags", self.lists.max_tags))
                    .with("option", "max_tags"));
            }
            match next {
                Some(next) if next.as_str().len() > LONGEST_LINK => {
                    return Err(call
                        .unexpected("the address of the next page of tags is too long")
                        .with("limit", format_args!("{LONGEST_LINK} bytes")));
                }
                Some(next) => page = next,
                None => return Ok(Some(tags)),
            }
        }
    }

    /// The digest of the manifest that `tag` names. `None` when image or tag do not exist.
    pub(super) async fn digest(&self, call: Call<'_>, tag: &Tag) -> Result<Option<Digest>> {
        let url = call.host.url(&call.image.repository(), &format!("manifests/{tag}"));
        let Some(response) = self.send(call, Method::HEAD, &url).await? else { return Ok(None) };
        if let Some(digest) = content_digest(call, &response)? {
            return Ok(Some(digest));
        }
        // The header is optional: then the digest is that of the manifest's bytes.
        let Some(response) = self.send(call, Method::GET, &url).await? else { return Ok(None) };
        let told = content_digest(call, &response)?;
        let content = nprt_http::read_body(call.operation, response, LONGEST_MANIFEST).await?;
        let digest = Digest::new(&format!("sha256:{}", hex(&sha2::Sha256::digest(&content))))?;
        match told {
            Some(told) if told.as_str().starts_with("sha256:") && told != digest => {
                Err(call.unexpected("the manifest is not what its digest says").with("digest", told))
            }
            _ => Ok(Some(told.unwrap_or(digest))),
        }
    }

    /// Sends a request, with credentials once they are asked for. `None` for 404.
    async fn send(&self, call: Call<'_>, method: Method, url: &Url) -> Result<Option<Response>> {
        let repository = call.image.repository();
        let mut carried = self.authenticator.remembered(call.host, &repository);
        let mut response = self.send_once(call, &method, url, carried.as_ref()).await?;
        if response.status() == StatusCode::UNAUTHORIZED {
            let headers = response.headers();
            let answer = self.authenticator.answer(call.operation, call.host, &repository, headers).await;
            let answer = carried.insert(answer.map_err(|error| error.with("image", call.image))?);
            response = self.send_once(call, &method, url, Some(answer)).await?;
        }
        match response.status() {
            status if status.is_success() => Ok(Some(response)),
            StatusCode::NOT_FOUND => Ok(None),
            // Some registries do not answer HEAD: the caller goes on without its headers.
            StatusCode::METHOD_NOT_ALLOWED if method == Method::HEAD => Ok(Some(response)),
            _ => Err(refusal(call.operation, response, carried.as_ref()).await.with("image", call.image)),
        }
    }

    async fn send_once(
        &self,
        call: Call<'_>,
        method: &Method,
        url: &Url,
        carried: Option<&Authorization>,
    ) -> Result<Response> {
        let request = self.http.request(method.clone(), url.clone()).header(ACCEPT, accepted(url));
        let request = match carried {
            Some(authorization) => authorization.apply(request),
            None => request,
        };
        let failed = |error| nprt_http::request_error(call.operation, error).with("image", call.image);
        request.send().await.map_err(failed)
    }
}

/// The tags of one page, which may have `left` more.
fn page_of_tags(operation: &'static str, content: &[u8], left: usize) -> Result<Vec<Tag>> {
    let unexpected =
        |message, error| Error::new(ErrorKind::Unexpected, operation, message).with_source(error);
    // Beside the tags: the list, its object, and the name in it.
    check_values(operation, content, Limit::by("max_tags", left.saturating_add(4)))?;
    let list: TagList = serde_json::from_slice(content).map_err(|error| {
        Error::new(ErrorKind::Unexpected, operation, "the list of tags cannot be read").with_source(error)
    })?;
    let tags = list.tags.unwrap_or_default().into_iter();
    tags.map(|tag| Tag::new(&tag).map_err(|error| unexpected("the registry lists a malformed tag", error)))
        .collect()
}

pub(super) fn fuzz_tags(content: &[u8]) {
    let _ = page_of_tags("registry.fuzz", content, 10_000);
}

fn accepted(url: &Url) -> &'static str {
    if url.path().ends_with("/tags/list") { "application/json" } else { MANIFESTS }
}

fn links(response: &Response) -> String {
    let links = response.headers().get_all(LINK).iter().filter_map(|link| link.to_str().ok());
    links.collect::<Vec<_>>().join(", ")
}

fn without_query(target: &str) -> &str {
    target.split_once('?').map_or(target, |(path, _)| path)
}

fn content_digest(call: Call<'_>, response: &Response) -> Result<Option<Digest>> {
    let Some(digest) = response.headers().get(CONTENT_DIGEST) else { return Ok(None) };
    let digest = digest.to_str().ok().and_then(|digest| Digest::new(digest).ok());
    digest.map(Some).ok_or_else(|| call.unexpected("the registry answers with a malformed digest"))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
