//! The targets on stable Rust: the files of `corpus/`, and mutations of them. `NPRT_LONG=1` tries more.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::path::Path;
use std::time::{Duration, Instant};

use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;

use nprt_testkit::reliability::{Row, times};

use crate::{TARGETS, Target};

/// How long one input may take, on a busy machine and without optimisation.
const LONGEST: Duration = Duration::from_secs(5);
/// What one input may hold at once, in bytes.
const MOST_MEMORY: u64 = 64 << 20;
/// The largest mutation.
const LARGEST: usize = 64 << 10;

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let files = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<_> = files.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(paths.len() >= 3, "{target}: a corpus of {} files", paths.len());
    paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

/// Tries one input, within the ceilings.
fn attempt(name: &str, target: Target, data: &[u8]) {
    let began = Instant::now();
    let shown = String::from_utf8_lossy(&data[..data.len().min(300)]).into_owned();
    let run = std::panic::catch_unwind(|| allocation_counter::measure(|| target(data)));
    let Ok(memory) = run else { panic!("{name} panicked on {shown:?}") };
    assert!(began.elapsed() < LONGEST, "{name} took {:?} on {shown:?}", began.elapsed());
    assert!(memory.bytes_max < MOST_MEMORY, "{name} held {} bytes on {shown:?}", memory.bytes_max);
}

/// Bytes that mean something to one of the grammars.
const TOKENS: &[&[u8]] = &[
    b"\0",
    b"\n",
    b"\r\n",
    b"\xff\xfe",
    b"\x1b[31m",
    b"\"",
    b"'",
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b",",
    b"|",
    b"@",
    b"#",
    b"%",
    b"&a ",
    b"*a",
    b"<<",
    b"---\n",
    b"null",
    b"true",
    b"NaN",
    b"-1",
    b"1e308",
    b"1e-320",
    b"9223372036854775807",
    b"18446744073709551616",
    b"0x7f",
    b"../",
    b"%00",
    b"\xe2\x80\xae",
    b"T00:00:00Z",
    b"sha256:",
];

fn mutated(random: &mut Xoshiro256PlusPlus, corpus: &[Vec<u8>]) -> Vec<u8> {
    let mut data = corpus.choose(random).unwrap().clone();
    for _ in 0..random.random_range(1..6) {
        let at = random.random_range(0..=data.len());
        let end = (at + random.random_range(0..16)).min(data.len());
        match random.random_range(0..6) {
            0 => drop(data.drain(at..end)),
            1 => _ = data.splice(at..at, TOKENS.choose(random).unwrap().iter().copied()),
            2 => _ = data.splice(at..end, TOKENS.choose(random).unwrap().iter().copied()),
            3 if at < data.len() => data[at] ^= 1 << random.random_range(0..8),
            4 => data.extend_from_within(at..end),
            _ => {
                let other = corpus.choose(random).unwrap();
                let from = random.random_range(0..=other.len());
                data.truncate(at);
                data.extend_from_slice(&other[from..]);
            }
        }
    }
    data.truncate(LARGEST);
    data
}

/// A seed that no other run has.
fn any() -> u64 {
    RandomState::new().build_hasher().finish()
}

fn try_target(name: &str) {
    let (_, target) = TARGETS.into_iter().find(|(other, _)| *other == name).unwrap();
    let (lasts, seed) = times((Duration::from_secs(2), 1), (Duration::from_secs(60), any()));
    let (corpus, mut random) = (corpus(name), Xoshiro256PlusPlus::seed_from_u64(seed));
    for data in &corpus {
        attempt(name, target, data);
    }
    let (began, mut tried) = (Instant::now(), corpus.len());
    while began.elapsed() < lasts {
        attempt(name, target, &mutated(&mut random, &corpus));
        tried += 1;
    }
    let now = format!("{tried} inputs with seed {seed}: no panic, none over a ceiling");
    Row { section: "Inputs", name, before: Row::NOT_MEASURED, now }.keep().unwrap();
}

macro_rules! tests {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            try_target(stringify!($name));
        })*

        #[test]
        fn each_target_is_tried_and_built() {
            let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz_targets");
            let named = TARGETS.map(|(name, _)| name);
            assert_eq!(named.as_slice(), [$(stringify!($name)),*]);
            let mut built: Vec<_> = std::fs::read_dir(here).unwrap().map(|entry| entry.unwrap().path()).collect();
            built.sort();
            let built: Vec<_> = built.iter().map(|path| path.file_stem().unwrap().to_str().unwrap()).collect();
            assert_eq!(built, named);
        }
    };
}

tests! { configuration datadog git hook judge manifests names otlp parameters policy prometheus registry slack statsd undo }
