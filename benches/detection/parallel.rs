//! One job for each seed, on all cores; the results are in the order of the seeds.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use crate::Failure;

pub(crate) fn each<T: Send>(
    seeds: Range<u64>,
    job: impl Fn(u64) -> Result<T, Failure> + Sync,
) -> Result<Vec<T>, Failure> {
    let next = AtomicU64::new(seeds.start);
    let work = || {
        let mut done = Vec::new();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                return Ok(done);
            }
            done.push((seed, job(seed)?));
        }
    };
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let mut all = thread::scope(|scope| {
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_fold(Vec::new(), |mut all, worker| {
            let done: Result<_, Failure> = worker.join().map_err(|_| "a worker panicked")?;
            all.extend::<Vec<_>>(done?);
            Ok::<_, Failure>(all)
        })
    })?;
    all.sort_by_key(|(seed, _)| *seed);
    Ok(all.into_iter().map(|(_, result)| result).collect())
}
