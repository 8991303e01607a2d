//! The manifest transformer, in documents a second: reading YAML and rendering each track, of Online Boutique, and of a
//! thousand and ten thousand objects. The last two show that the work grows with the objects and no faster.

#![allow(clippy::expect_used, reason = "a benchmark stops where its input is missing")]

use std::hint::black_box;
use std::path::Path;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use nprt::manifest::{self, Beside, Settings, Version};
use nprt::model::{Budget, Limits, RepoPath, SourceFile};

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

/// Deployments that each read a ConfigMap and are selected by a Service, `objects` together.
fn large(objects: usize) -> Vec<SourceFile> {
    let text: String = (0..objects / 3).map(of_three).collect();
    vec![SourceFile {
        path: RepoPath::new("all.yaml").expect("a plain name"),
        content: text.into_bytes().into(),
    }]
}

fn of_three(n: usize) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web{n}}}\nspec:\n  selector: \
         {{matchLabels: {{app: web{n}}}}}\n  template:\n    metadata: {{labels: {{app: web{n}}}}}\n    spec:\n      \
         containers:\n      - {{name: web, image: shop/web, envFrom: [{{configMapRef: {{name: web{n}}}}}]}}\n\
         ---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: web{n}}}\ndata: {{a: b}}\n\
         ---\napiVersion: v1\nkind: Service\nmetadata: {{name: web{n}}}\nspec: {{selector: {{app: web{n}}}}}\n---\n"
    )
}

fn transform(criterion: &mut Criterion) {
    measure(criterion, "transform/boutique", &boutique());
    measure(criterion, "transform/1,000 objects", &large(999));
    measure(criterion, "transform/10,000 objects", &large(9_999));
}

fn measure(criterion: &mut Criterion, name: &str, files: &[SourceFile]) {
    let read = || {
        let limits = Limits { objects: 10_000, ..Limits::default() };
        manifest::read_within(black_box(files), &Budget::new(limits))
    };
    let manifests = read().expect("the manifests are good");
    let version = Version {
        service: "boutique".parse().expect("a name"),
        revision: "3f2a91c0b1d2e3f4a5b6c7d8e9f0a1b2c3d4e5f6".parse().expect("a revision"),
        tag: "main-3f2a91c".parse().expect("a tag"),
        digests: std::collections::BTreeMap::new(),
    };
    let settings = Settings::default();
    let stable = manifest::stable(&manifests, &version, &settings, &[]).expect("it renders");
    let live: Vec<_> = stable.documents.into_iter().map(|document| document.object).collect();

    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Elements(manifests.documents.len() as u64)).sample_size(10);
    group.bench_function("read", |bencher| bencher.iter(read));
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
