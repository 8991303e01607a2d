//! The manifest transformer on Online Boutique, in documents a second: reading its YAML, and rendering each
//! track.

#![allow(clippy::expect_used, reason = "a benchmark stops where its input is missing")]

use std::hint::black_box;
use std::path::Path;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use nprt::manifest::{self, Beside, Settings, Version};
use nprt::model::{RepoPath, SourceFile};

fn boutique() -> Vec<SourceFile> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("nprt-shop/online-boutique");
    let entries = folder.read_dir().expect("the test data is part of the repository");
    let read = |entry: std::io::Result<std::fs::DirEntry>| {
        let path = entry.expect("a readable directory").path();
        let name = path.file_name().expect("an entry has a name").to_string_lossy().into_owned();
        let content = std::fs::read(&path).expect("a readable file").into();
        SourceFile { path: RepoPath::new(&name).expect("a plain name"), content }
    };
    entries.map(read).collect()
}

fn transform(criterion: &mut Criterion) {
    let files = boutique();
    let manifests = manifest::read(&files).expect("the manifests are good");
    let version = Version {
        service: "boutique".parse().expect("a name"),
        revision: "3f2a91c0b1d2e3f4a5b6c7d8e9f0a1b2c3d4e5f6".parse().expect("a revision"),
        tag: "main-3f2a91c".parse().expect("a tag"),
        digests: std::collections::BTreeMap::new(),
    };
    let settings = Settings::default();
    let stable = manifest::stable(&manifests, &version, &settings, &[]).expect("it renders");
    let live: Vec<_> = stable.documents.into_iter().map(|document| document.object).collect();

    let mut group = criterion.benchmark_group("transform");
    group.throughput(Throughput::Elements(manifests.documents.len() as u64));
    group.bench_function("read", |bencher| bencher.iter(|| manifest::read(black_box(&files))));
    group.bench_function("stable", |bencher| {
        bencher.iter(|| manifest::stable(black_box(&manifests), &version, &settings, &live));
    });
    let beside = Beside { live: &live, ..Beside::default() };
    group.bench_function("canary", |bencher| {
        bencher.iter(|| manifest::canary(black_box(&manifests), &version, &settings, &beside));
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default();
    targets = transform
}
criterion_main!(benches);
