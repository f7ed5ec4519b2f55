//! The vector unit's state after foreign kernels.

/// Clears the upper halves of the vector registers.
///
/// faer's kernels leave them dirty, and every SSE instruction after that pays for it: std's `exp` took 151 ns instead of 4,
/// `tanh` 166 instead of 10 (measured on AVX-512). Costs about a nanosecond.
#[inline]
pub(crate) fn clear_upper_vector_state() {
    #[cfg(target_arch = "x86_64")]
    if std::is_x86_feature_detected!("avx") {
        // SAFETY: AVX is there, and the instruction touches no value that the compiler keeps: upper halves are
        // caller-saved in every ABI in use here, and the function is not inlined into code compiled with AVX.
        unsafe { clear() }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx")]
unsafe fn clear() {
    core::arch::x86_64::_mm256_zeroupper();
}
