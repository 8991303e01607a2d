use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, WeakShared};
use jiff::{SignedDuration, Timestamp};

use crate::Result;
use crate::model::{Digest, ImageName, Tag};
use crate::ports::{Clock, ImageRegistry, RegistryCapabilities};

/// A registry that is asked less often. Digests are kept for a time; callers that ask for the same at the
/// same time share one request.
///
/// What is not there is never kept: neither an error nor a list of tags, since a list also says which tags
/// are not there yet, and a deploy that waits for a registry which lags would wait for the list to age.
///
/// Within that time a tag that was moved still answers with its former digest: weaker than the contract of
/// [`ImageRegistry::digest`], and fit for tags that name a commit. A caller that joins a request may get an
/// answer from shortly before its call.
#[derive(Debug)]
pub struct CachedRegistry<T> {
    inner: Arc<T>,
    keep: SignedDuration,
    clock: Arc<dyn Clock>,
    /// Each with the time from which it is too old.
    digests: Mutex<BTreeMap<(ImageName, Tag), (Digest, Timestamp)>>,
    asking_digest: UnderWay<(ImageName, Tag), (Digest, Timestamp)>,
    asking_tags: UnderWay<ImageName, Vec<Tag>>,
}

impl<T: ImageRegistry + 'static> CachedRegistry<T> {
    /// Wraps `inner`, whose digests are kept for `keep` by `clock`.
    #[must_use]
    pub fn new(inner: T, keep: Duration, clock: Arc<dyn Clock>) -> Self {
        Self {
            inner: Arc::new(inner),
            keep: SignedDuration::try_from(keep).unwrap_or(SignedDuration::MAX),
            clock,
            digests: Mutex::default(),
            asking_digest: UnderWay::default(),
            asking_tags: UnderWay::default(),
        }
    }

    fn kept(&self, key: &(ImageName, Tag)) -> Option<Digest> {
        let now = self.clock.now();
        let mut digests = lock(&self.digests);
        digests.retain(|_, (_, until)| now < *until);
        digests.get(key).map(|(digest, _)| digest.clone())
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<T: ImageRegistry + 'static> ImageRegistry for CachedRegistry<T> {
    fn capabilities(&self) -> RegistryCapabilities {
        self.inner.capabilities()
    }

    async fn tags(&self, image: &ImageName) -> Result<Vec<Tag>> {
        let (inner, name) = (Arc::clone(&self.inner), image.clone());
        self.asking_tags.join(image.clone(), async move { inner.tags(&name).await }.boxed()).await
    }

    async fn digest(&self, image: &ImageName, tag: &Tag) -> Result<Digest> {
        let key = (image.clone(), tag.clone());
        if let Some(digest) = self.kept(&key) {
            return Ok(digest);
        }
        // It ages from before the request, whoever joined that since: the answer may be as old as that.
        let until = self.clock.now().checked_add(self.keep).unwrap_or(Timestamp::MAX);
        let (inner, (name, wanted)) = (Arc::clone(&self.inner), key.clone());
        let asking = async move { Ok((inner.digest(&name, &wanted).await?, until)) }.boxed();
        let (digest, until) = self.asking_digest.join(key.clone(), asking).await?;
        lock(&self.digests).insert(key, (digest.clone(), until));
        Ok(digest)
    }
}

/// Requests that have no answer yet, which others may wait for as well. It holds them weakly: a request
/// whose callers are all gone is dropped, and nobody joins what nobody drives.
struct UnderWay<K, V>(Mutex<BTreeMap<K, Request<V>>>);

type Request<V> = WeakShared<BoxFuture<'static, Result<V>>>;

impl<K: Ord, V: Clone> UnderWay<K, V> {
    /// The answer of the request for `key` that is under way, or else of `request`.
    async fn join(&self, key: K, request: BoxFuture<'static, Result<V>>) -> Result<V> {
        let shared = {
            let mut under_way = lock(&self.0);
            // One that is answered is the past: only its callers may still have it.
            let waits = |request: &Request<V>| request.upgrade().filter(|request| request.peek().is_none());
            under_way.retain(|_, request| waits(request).is_some());
            match under_way.get(&key).and_then(waits) {
                Some(shared) => shared,
                None => {
                    let shared = request.shared();
                    under_way.extend(shared.downgrade().map(|weak| (key, weak)));
                    shared
                }
            }
        };
        shared.await
    }
}

impl<K, V> Default for UnderWay<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K, V> fmt::Debug for UnderWay<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} under way", lock(&self.0).len())
    }
}

/// Nothing panics while it holds one of the locks, so what is in there is whole.
fn lock<V>(mutex: &Mutex<V>) -> MutexGuard<'_, V> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::future::join_all;
    use futures_util::poll;

    use super::*;
    use crate::clock::ManualClock;
    use crate::ports::no_such_tag;
    use std::collections::BTreeMap;

    /// Counts the requests that begin, and takes a while for each.
    #[derive(Debug)]
    struct Slow {
        tags: Arc<Mutex<BTreeMap<Tag, Digest>>>,
        requests: Arc<AtomicUsize>,
    }

    #[async_trait]
    impl ImageRegistry for Slow {
        fn capabilities(&self) -> RegistryCapabilities {
            RegistryCapabilities::default()
        }

        async fn tags(&self, _: &ImageName) -> Result<Vec<Tag>> {
            self.requests.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(5)).await;
            Ok(self.tags.lock().unwrap().keys().cloned().collect())
        }

        async fn digest(&self, image: &ImageName, tag: &Tag) -> Result<Digest> {
            self.requests.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(5)).await;
            let tags = self.tags.lock().unwrap();
            tags.get(tag).cloned().ok_or_else(|| no_such_tag(image, tag, tags.keys()))
        }
    }

    const KEEP: Duration = Duration::from_secs(60);

    fn digest(number: u32) -> Digest {
        Digest::new(&format!("sha256:{number:064x}")).unwrap()
    }

    fn image() -> ImageName {
        ImageName::new("shop/cart").unwrap()
    }

    fn tag(tag: &str) -> Tag {
        Tag::new(tag).unwrap()
    }

    struct Set {
        registry: CachedRegistry<Slow>,
        clock: Arc<ManualClock>,
        requests: Arc<AtomicUsize>,
    }

    impl Set {
        fn new() -> Self {
            let tags = Mutex::new(BTreeMap::from([(tag("a"), digest(1)), (tag("b"), digest(2))]));
            let (clock, requests) = (Arc::new(ManualClock::default()), Arc::new(AtomicUsize::new(0)));
            let slow = Slow { tags: Arc::new(tags), requests: Arc::clone(&requests) };
            Self { registry: CachedRegistry::new(slow, KEEP, clock.clone()), clock, requests }
        }

        fn push(&self, name: &str, number: u32) {
            self.registry.inner.tags.lock().unwrap().insert(tag(name), digest(number));
        }

        fn requests(&self) -> usize {
            self.requests.swap(0, Ordering::SeqCst)
        }
    }

    #[tokio::test]
    async fn a_digest_is_kept_for_its_time() {
        let set = Set::new();
        for _ in 0..3 {
            assert_eq!(set.registry.digest(&image(), &tag("a")).await.unwrap(), digest(1));
        }
        set.clock.advance(KEEP - Duration::from_nanos(1));
        set.registry.digest(&image(), &tag("a")).await.unwrap();
        assert_eq!(set.requests(), 1);
        set.push("a", 3);
        set.clock.advance(Duration::from_nanos(1));
        assert_eq!(set.registry.digest(&image(), &tag("a")).await.unwrap(), digest(3));
        assert_eq!(set.requests(), 1);
    }

    #[tokio::test]
    async fn callers_at_the_same_time_share_a_request_and_its_error() {
        let set = Set::new();
        let tags = join_all((0..8).map(|_| async { set.registry.tags(&image()).await })).await;
        assert!(tags.into_iter().all(|tags| tags.unwrap().len() == 2));
        assert_eq!(set.requests(), 1);
        let errors = join_all((0..8).map(|_| async { set.registry.digest(&image(), &tag("c")).await })).await;
        assert!(errors.into_iter().all(|error| error.unwrap_err().is_not_found()));
        assert_eq!(set.requests(), 1);
    }

    #[tokio::test]
    async fn a_tag_that_comes_late_is_seen_by_the_next_call() {
        let set = Set::new();
        assert_eq!(set.registry.tags(&image()).await.unwrap().len(), 2);
        assert!(set.registry.digest(&image(), &tag("c")).await.unwrap_err().is_not_found());
        set.push("c", 3);
        assert_eq!(set.registry.tags(&image()).await.unwrap().len(), 3);
        assert_eq!(set.registry.digest(&image(), &tag("c")).await.unwrap(), digest(3));
    }

    #[tokio::test]
    async fn a_request_that_all_left_is_not_joined() {
        let set = Set::new();
        {
            let image = image();
            let mut left = set.registry.tags(&image);
            assert!(poll!(&mut left).is_pending());
        }
        set.push("c", 3);
        assert_eq!(set.registry.tags(&image()).await.unwrap().len(), 3);
        assert_eq!(set.requests(), 2);
    }

    #[tokio::test]
    async fn a_digest_ages_from_before_its_request_for_those_who_joined_as_well() {
        let set = Set::new();
        let (image, tag) = (image(), tag("a"));
        let mut first = set.registry.digest(&image, &tag);
        assert!(poll!(&mut first).is_pending());
        set.clock.advance(KEEP / 2);
        let (first, second) = futures_util::join!(first, set.registry.digest(&image, &tag));
        assert_eq!((first.unwrap(), second.unwrap(), set.requests()), (digest(1), digest(1), 1));
        set.clock.advance(KEEP / 2);
        set.registry.digest(&image, &tag).await.unwrap();
        assert_eq!(set.requests(), 1, "it is older than it may be");
    }
}
