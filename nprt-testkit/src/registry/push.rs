use reqwest::header::{CONTENT_TYPE, LOCATION};
use reqwest::{Method, RequestBuilder, Response, Url};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{Access, Registry};
use crate::Missing;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";

impl Registry {
    /// Pushes the smallest image, without layers, as each of `tags`; images of different `content` differ.
    /// Answers with its digest. With no tags it is pushed by its digest alone.
    ///
    /// # Errors
    /// [`Missing`], with what the registry said, when it does not take it.
    pub async fn push(&self, repository: &str, tags: &[&str], content: &str) -> Result<String, Missing> {
        let config = json!({
            "architecture": "amd64", "os": "linux", "config": {"Labels": {"content": content}},
            "rootfs": {"type": "layers", "diff_ids": []}
        })
        .to_string();
        let config_digest = self.push_blob(repository, &config).await?;
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {"mediaType": CONFIG, "digest": config_digest, "size": config.len()},
            "layers": []
        })
        .to_string();
        let digest = sha256(&manifest);
        let by_digest = [digest.as_str()];
        for reference in if tags.is_empty() { &by_digest } else { tags } {
            let url = self.url(repository, &format!("manifests/{reference}"))?;
            let put = self.request(Method::PUT, repository, url);
            send(put.header(CONTENT_TYPE, MANIFEST).body(manifest.clone())).await?;
        }
        Ok(digest)
    }

    /// Removes a tag; its manifest stays.
    ///
    /// # Errors
    /// [`Missing`], with what the registry said.
    pub async fn delete_tag(&self, repository: &str, tag: &str) -> Result<(), Missing> {
        let url = self.url(repository, &format!("manifests/{tag}"))?;
        send(self.request(Method::DELETE, repository, url)).await.map(drop)
    }

    async fn push_blob(&self, repository: &str, blob: &str) -> Result<String, Missing> {
        let start = self.url(repository, "blobs/uploads/")?;
        let started = send(self.request(Method::POST, repository, start.clone())).await?;
        let location = started.headers().get(LOCATION).and_then(|location| location.to_str().ok());
        let mut upload =
            start.join(location.unwrap_or_default()).map_err(|error| Missing::new("registry", error))?;
        let digest = sha256(blob);
        upload.query_pairs_mut().append_pair("digest", &digest);
        let put = self.request(Method::PUT, repository, upload);
        send(put.header(CONTENT_TYPE, "application/octet-stream").body(blob.to_owned())).await?;
        Ok(digest)
    }

    fn url(&self, repository: &str, path: &str) -> Result<Url, Missing> {
        Url::parse(&format!("http://{}/v2/{repository}/{path}", self.host()))
            .map_err(|error| Missing::new("registry", error))
    }

    fn request(&self, method: Method, repository: &str, url: Url) -> RequestBuilder {
        let request = self.http.request(method, url);
        match (self.access, &self.tokens) {
            (Access::Basic, _) => request.basic_auth(Self::USERNAME, Some(Self::PASSWORD)),
            (Access::Bearer, Some(tokens)) => {
                request.bearer_auth(tokens.token(repository).unwrap_or_default())
            }
            _ => request,
        }
    }
}

async fn send(request: RequestBuilder) -> Result<Response, Missing> {
    let failed = |error: reqwest::Error| Missing::new("registry", error);
    let response = request.send().await.map_err(failed)?;
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let said = response.text().await.map_err(failed)?;
    Err(Missing::new("registry", format_args!("{status}: {said}")))
}

fn sha256(content: &str) -> String {
    let hash: String = Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hash}")
}
