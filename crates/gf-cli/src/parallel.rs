//! Independent tasks on a fixed number of threads.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Runs `work` on every task, `at_once` at a time on `threads` threads together, in the order given; results in that order too.
///
/// Each worker has a rayon pool of its own (one thread when there are at least as many tasks as threads): with a shared pool a task that
/// waits could be handed another task's work, and its stopwatch would count it.
pub(crate) fn for_each_task<T: Sync, R: Send>(
    tasks: &[T],
    at_once: usize,
    threads: usize,
    work: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
    let workers = at_once.min(threads).min(tasks.len()).max(1);
    let inner = (threads / workers).max(1);
    let next = AtomicUsize::new(0);
    let results: Vec<Mutex<Option<R>>> = tasks.iter().map(|_| Mutex::new(None)).collect();
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(inner).build().expect("a thread pool starts");
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(task) = tasks.get(index) else { break };
                    let result = pool.install(|| work(task));
                    *results[index].lock().expect("no task panics while it holds the lock") = Some(result);
                }
            });
        }
    });
    let finished = "every task has run";
    results.into_iter().map(|slot| slot.into_inner().expect(finished).expect(finished)).collect()
}
