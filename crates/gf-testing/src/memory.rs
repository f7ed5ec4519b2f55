//! An allocator that counts requests and bytes.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

/// The system's allocator, counting the requests of all threads and the bytes of each. A test file makes it its `#[global_allocator]`.
#[derive(Debug, Clone, Copy)]
pub struct CountingAllocator;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// Bytes that this thread holds; negative where it freed what another asked for.
    static LIVE: Cell<i64> = const { Cell::new(0) };
    /// The most so far.
    static PEAK: Cell<i64> = const { Cell::new(0) };
}

fn held(more: usize, less: usize) {
    // A thread that is ending has no counters any more, and nobody reads them.
    let _ = LIVE.try_with(|live| {
        let now = live.get() + more as i64 - less as i64;
        live.set(now);
        PEAK.try_with(|peak| peak.set(peak.get().max(now)))
    });
}

// SAFETY: every call is passed on to the system's allocator unchanged; counting touches no memory of the caller.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        held(layout.size(), 0);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        held(layout.size(), 0);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc_zeroed(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        held(0, layout.size());
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        held(size, layout.size());
        // SAFETY: the caller's promise is passed on.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// The number of allocations of the process so far. 0 where [`CountingAllocator`] is not the allocator.
pub fn allocations() -> u64 {
    ALLOCATIONS.load(Ordering::Relaxed)
}

/// The fewest allocations that the process made during one of three calls of `run`.
///
/// The test harness has a thread of its own that may allocate meanwhile, but hardly three times at that moment; what `run` itself
/// allocates is counted in every call.
pub fn fewest_allocations(mut run: impl FnMut()) -> u64 {
    let counts = [(); 3].map(|()| {
        let before = allocations();
        run();
        allocations() - before
    });
    counts.into_iter().fold(u64::MAX, u64::min)
}

/// What `run` returns, and the most bytes that this thread held meanwhile beyond those it held before: what was asked for, also where it
/// was never touched. Threads that `run` starts are not counted. 0 where [`CountingAllocator`] is not the allocator.
///
/// ```
/// use gf_testing::{CountingAllocator, peak_bytes};
///
/// #[global_allocator]
/// static ALLOCATOR: CountingAllocator = CountingAllocator;
///
/// let (numbers, bytes) = peak_bytes(|| (0..3).map(|_| vec![0_u8; 1000].len()).sum::<usize>());
/// assert_eq!((numbers, bytes), (3000, 1000));
/// ```
pub fn peak_bytes<T>(run: impl FnOnce() -> T) -> (T, usize) {
    let before = LIVE.get();
    PEAK.set(before);
    let value = run();
    (value, (PEAK.get() - before) as usize)
}
