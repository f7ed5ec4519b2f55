//! What tests of several crates share: an allocator that counts, and damaged inputs.
//!
//! ```
//! use gf_testing::{CountingAllocator, fewest_allocations};
//!
//! #[global_allocator]
//! static ALLOCATOR: CountingAllocator = CountingAllocator;
//!
//! assert_eq!(fewest_allocations(|| drop(Box::new(1))), 1);
//! ```

mod memory;
pub mod mutation;

pub use memory::{CountingAllocator, allocations, fewest_allocations, peak_bytes};

/// Whether the long tests were asked for: `cargo xtask test --long` sets `GF_LONG_TESTS`.
pub fn long() -> bool {
    std::env::var_os("GF_LONG_TESTS").is_some()
}
