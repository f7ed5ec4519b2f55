//! What tests of several crates share: an allocator that counts.
//!
//! ```
//! use gf_testing::{CountingAllocator, fewest_allocations};
//!
//! #[global_allocator]
//! static ALLOCATOR: CountingAllocator = CountingAllocator;
//!
//! assert_eq!(fewest_allocations(|| drop(Box::new(1))), 1);
//! ```

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering};

/// The system's allocator, counting the requests of all threads. A test file makes it its `#[global_allocator]`.
#[derive(Debug, Clone, Copy)]
pub struct CountingAllocator;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// SAFETY: every call is passed on to the system's allocator unchanged; counting touches no memory of the caller.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
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

/// Whether the long tests were asked for: `cargo xtask test --long` sets `GF_LONG_TESTS`.
pub fn long() -> bool {
    std::env::var_os("GF_LONG_TESTS").is_some()
}
