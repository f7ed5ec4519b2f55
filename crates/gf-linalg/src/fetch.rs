//! Memory asked for ahead of its use.

#[cfg(target_arch = "x86_64")]
use core::arch::x86_64::{_MM_HINT_T0 as ALL, _MM_HINT_T1 as BELOW_THE_FIRST, _mm_prefetch};
/// Other processors are asked for nothing.
#[cfg(not(target_arch = "x86_64"))]
const ALL: i32 = 0;
#[cfg(not(target_arch = "x86_64"))]
const BELOW_THE_FIRST: i32 = 1;

/// Asks for the cache lines of `x`, for all caches.
#[inline(always)]
pub(crate) fn fetch<T>(x: &[T]) {
    x.iter().step_by(64 / size_of::<T>()).chain(x.last()).for_each(|x| fetch_near(x));
}

/// Asks for the cache line at an address, for all caches. Any address will do.
#[inline(always)]
pub(crate) fn fetch_near<T>(address: *const T) {
    fetch_line::<T, ALL>(address);
}

/// The same for the second-level cache and those below, where the first one is full of what is in use.
#[inline(always)]
pub(crate) fn fetch_far<T>(address: *const T) {
    fetch_line::<T, BELOW_THE_FIRST>(address);
}

#[inline(always)]
fn fetch_line<T, const CACHES: i32>(address: *const T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch reads nothing that a program could see, and no address makes it fault.
    unsafe {
        _mm_prefetch::<CACHES>(address.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}
