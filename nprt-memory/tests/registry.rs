//! The registry's contract over everything that wraps one.
#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use nprt_core::clock::SystemClock;
use nprt_core::conformance::registry::{Fixture, all};
use nprt_core::model::{Digest, ImageName, Tag};
use nprt_core::ports::{Clock, ImageRegistry, RegistryCapabilities};
use nprt_core::wrap::{Backoff, CachedRegistry, Retry, Timeout};
use nprt_memory::MemoryRegistry;

const LONG: Duration = Duration::from_secs(600);

fn fixture() -> Fixture {
    let digest = |number: u32| Digest::new(&format!("sha256:{number:064x}")).unwrap();
    let tags = (1..=3).map(|number| (Tag::new(&format!("main-{number:07x}")).unwrap(), digest(number)));
    let image = |name| ImageName::new(name).unwrap();
    Fixture {
        image: image("shop/cart"),
        tags: tags.collect::<BTreeMap<_, _>>(),
        empty: Some(image("shop/empty")),
        missing: image("shop/missing"),
    }
}

fn memory() -> MemoryRegistry {
    let (registry, fixture) = (MemoryRegistry::new(), fixture());
    for (tag, digest) in &fixture.tags {
        registry.push(&fixture.image, tag, digest);
    }
    fixture.empty.iter().for_each(|image| registry.create(image));
    registry
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock)
}

#[tokio::test]
async fn wrappers_keep_the_contract() {
    let wrappers: [Box<dyn ImageRegistry>; 5] = [
        Box::new(Retry::new(memory(), Backoff::default(), clock())),
        Box::new(Timeout::new(memory(), LONG, clock())),
        Box::new(CachedRegistry::new(memory(), LONG, clock())),
        Box::new(CachedRegistry::new(Arc::new(memory()), LONG, clock())),
        Box::new(Retry::new(
            Timeout::new(CachedRegistry::new(memory(), LONG, clock()), LONG, clock()),
            Backoff::default(),
            clock(),
        )),
    ];
    for wrapper in wrappers {
        all(&wrapper, &fixture()).await;
        all(&Arc::new(wrapper), &fixture()).await;
    }
}

#[tokio::test]
async fn wrappers_claim_what_they_wrap() {
    let none = RegistryCapabilities { digests: false };
    let without = || memory().with_capabilities(none);
    let wrappers: [Box<dyn ImageRegistry>; 3] = [
        Box::new(Retry::new(without(), Backoff::default(), clock())),
        Box::new(Timeout::new(without(), LONG, clock())),
        Box::new(CachedRegistry::new(without(), LONG, clock())),
    ];
    for wrapper in wrappers {
        assert_eq!(wrapper.capabilities(), none);
        all(&wrapper, &fixture()).await;
    }
}
