use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;
use nprt_core::clock::SystemClock;
use nprt_core::model::{Digest, ImageName, Tag};
use nprt_core::ports::{Clock, ImageRegistry, RegistryCapabilities, no_such_image, no_such_tag};
use nprt_core::{Error, ErrorKind, Result};

/// Images in memory. A tag may become visible late, as in a registry that lags behind CI.
///
/// ```
/// # use nprt_core::{model::{Digest, ImageName, Tag}, ports::ImageRegistry};
/// # use nprt_memory::MemoryRegistry;
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let registry = MemoryRegistry::new();
/// let image = ImageName::new("shop/cart")?;
/// let digest = Digest::new(&format!("sha256:{}", "0a".repeat(32)))?;
/// registry.push(&image, &Tag::new("main-3f2a91c")?, &digest);
/// registry.push_after_calls(&image, &Tag::new("main-9b1d2e3")?, &digest, 1);
/// assert_eq!(registry.tags(&image).await?.len(), 1);
/// assert_eq!(registry.tags(&image).await?.len(), 2);
/// # Ok::<(), nprt_core::Error>(())
/// # }).unwrap();
/// ```
#[derive(Debug)]
pub struct MemoryRegistry {
    clock: Arc<dyn Clock>,
    capabilities: RegistryCapabilities,
    images: Mutex<BTreeMap<Key, Image>>,
}

/// Registry and repository: `nginx` and `docker.io/library/nginx` are one image.
type Key = (String, String);

#[derive(Debug, Default)]
struct Image {
    /// It was made by [`MemoryRegistry::create`]: it exists even while none of its tags is visible.
    created: bool,
    calls: u64,
    /// Ascending in time of push: of those visible, the last one counts.
    tags: BTreeMap<Tag, Vec<Push>>,
}

#[derive(Debug)]
struct Push {
    digest: Digest,
    visible: Visible,
}

#[derive(Debug)]
enum Visible {
    AfterCalls(u64),
    From(Timestamp),
}

impl Image {
    /// The digests of the visible tags.
    fn visible(&self, now: Timestamp) -> BTreeMap<&Tag, &Digest> {
        let seen = |push: &&Push| match push.visible {
            Visible::AfterCalls(calls) => self.calls > calls,
            Visible::From(time) => now >= time,
        };
        self.tags
            .iter()
            .filter_map(|(tag, pushes)| Some((tag, &pushes.iter().rev().find(seen)?.digest)))
            .collect()
    }
}

impl Default for MemoryRegistry {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryRegistry {
    /// An empty registry on the system's clock.
    #[must_use]
    pub fn new() -> Self {
        Self::with_clock(Arc::new(SystemClock))
    }

    /// An empty registry on `clock`, which decides when tags of [`push_at`](Self::push_at) are visible.
    #[must_use]
    pub fn with_clock(clock: Arc<dyn Clock>) -> Self {
        let capabilities = RegistryCapabilities { digests: true };
        Self { clock, capabilities, images: Mutex::default() }
    }

    /// The same registry with other capabilities, to test how a caller does without.
    #[must_use]
    pub fn with_capabilities(self, capabilities: RegistryCapabilities) -> Self {
        Self { capabilities, ..self }
    }

    /// Makes an image without tags, where it is not there yet.
    pub fn create(&self, image: &ImageName) {
        self.lock().entry(key(image)).or_default().created = true;
    }

    /// Pushes `image:tag`, visible at once. A tag that is there moves to `digest`.
    pub fn push(&self, image: &ImageName, tag: &Tag, digest: &Digest) {
        self.push_visible(image, tag, digest, Visible::AfterCalls(0));
    }

    /// Pushes `image:tag`, which the next `calls` calls about this image do not see.
    pub fn push_after_calls(&self, image: &ImageName, tag: &Tag, digest: &Digest, calls: u64) {
        let calls = self.lock().get(&key(image)).map_or(0, |image| image.calls).saturating_add(calls);
        self.push_visible(image, tag, digest, Visible::AfterCalls(calls));
    }

    /// Pushes `image:tag`, visible from `time` on.
    pub fn push_at(&self, image: &ImageName, tag: &Tag, digest: &Digest, time: Timestamp) {
        self.push_visible(image, tag, digest, Visible::From(time));
    }

    fn push_visible(&self, image: &ImageName, tag: &Tag, digest: &Digest, visible: Visible) {
        let push = Push { digest: digest.clone(), visible };
        self.lock().entry(key(image)).or_default().tags.entry(tag.clone()).or_default().push(push);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Key, Image>> {
        // No code panics while it holds the lock, so what is in there is whole.
        self.images.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts the call and answers with the image's visible tags.
    fn read(&self, operation: &'static str, image: &ImageName) -> Result<BTreeMap<Tag, Digest>> {
        let now = self.clock.now();
        let mut images = self.lock();
        let found = images.get_mut(&key(image)).and_then(|found| {
            found.calls += 1;
            let tags = found.visible(now);
            (found.created || !tags.is_empty())
                .then(|| tags.into_iter().map(|(tag, digest)| (tag.clone(), digest.clone())).collect())
        });
        found.ok_or_else(|| {
            no_such_image(operation, image).with_available(
                images.keys().map(|(registry, repository)| format!("{registry}/{repository}")),
            )
        })
    }
}

fn key(image: &ImageName) -> Key {
    (image.registry().to_owned(), image.repository())
}

#[async_trait]
impl ImageRegistry for MemoryRegistry {
    fn capabilities(&self) -> RegistryCapabilities {
        self.capabilities
    }

    async fn tags(&self, image: &ImageName) -> Result<Vec<Tag>> {
        Ok(self.read("registry.tags", image)?.into_keys().collect())
    }

    async fn digest(&self, image: &ImageName, tag: &Tag) -> Result<Digest> {
        if !self.capabilities.digests {
            let message = "this registry was made without digests";
            return Err(Error::new(ErrorKind::Unsupported, "registry.digest", message));
        }
        let mut tags = self.read("registry.digest", image)?;
        tags.remove(tag).ok_or_else(|| no_such_tag(image, tag, tags.keys()))
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use nprt_core::clock::FastClock;
    use nprt_core::conformance::registry as conformance;

    use super::*;

    fn digest(digit: char) -> Digest {
        Digest::new(&format!("sha256:{}", digit.to_string().repeat(64))).unwrap()
    }

    fn image() -> ImageName {
        ImageName::new("shop/cart").unwrap()
    }

    fn tag(tag: &str) -> Tag {
        Tag::new(tag).unwrap()
    }

    fn stocked() -> (MemoryRegistry, conformance::Fixture) {
        let registry = MemoryRegistry::new();
        let tags =
            BTreeMap::from([(tag("b"), digest('1')), (tag("a"), digest('2')), (tag("A"), digest('1'))]);
        for (tag, digest) in &tags {
            registry.push(&image(), tag, digest);
        }
        let empty = ImageName::new("shop/empty").unwrap();
        registry.create(&empty);
        let missing = ImageName::new("shop/missing").unwrap();
        (registry, conformance::Fixture { image: image(), tags, empty: Some(empty), missing })
    }

    #[tokio::test]
    async fn keeps_the_contract() {
        let (registry, fixture) = stocked();
        assert_eq!(registry.capabilities(), RegistryCapabilities { digests: true });
        conformance::all(&registry, &fixture).await;
        let digits = Mutex::new(['3', '4'].into_iter());
        conformance::changes_are_seen(&registry, &image(), async |tag| {
            let digest = digest(digits.lock().unwrap().next().unwrap());
            registry.push(&image(), tag, &digest);
            digest
        })
        .await;
        let (registry, fixture) = stocked();
        let without = registry.with_capabilities(RegistryCapabilities { digests: false });
        conformance::all(&without, &fixture).await;
    }

    #[tokio::test]
    async fn a_tag_lags_by_calls() {
        let registry = MemoryRegistry::new();
        registry.push(&image(), &tag("old"), &digest('1'));
        registry.tags(&image()).await.unwrap();
        registry.push_after_calls(&image(), &tag("new"), &digest('2'), 2);
        let error = registry.digest(&image(), &tag("new")).await.unwrap_err();
        assert!(error.is_not_found());
        assert_eq!(error.available(), ["old"]);
        assert_eq!(registry.tags(&image()).await.unwrap(), [tag("old")]);
        assert_eq!(registry.digest(&image(), &tag("new")).await.unwrap(), digest('2'));
    }

    #[tokio::test]
    async fn a_tag_lags_on_the_clock() {
        let clock = Arc::new(FastClock::new(3600));
        let registry = MemoryRegistry::with_clock(clock.clone());
        let late = clock.now() + SignedDuration::from_hours(1);
        registry.push_at(&image(), &tag("new"), &digest('1'), late);
        // Nothing of the image is visible: to a client it is not there yet.
        assert!(registry.tags(&image()).await.unwrap_err().is_not_found());
        clock.sleep(std::time::Duration::from_secs(3600)).await;
        assert_eq!(registry.tags(&image()).await.unwrap(), [tag("new")]);
    }

    #[tokio::test]
    async fn docker_hubs_short_names_are_the_same_image() {
        let registry = MemoryRegistry::new();
        registry.push(&ImageName::new("nginx").unwrap(), &tag("1"), &digest('1'));
        let long = ImageName::new("docker.io/library/nginx").unwrap();
        assert_eq!(registry.tags(&long).await.unwrap(), [tag("1")]);
    }
}
