//! Numbers that begin where a cache line does.

use std::ops::{Deref, DerefMut};

/// Numbers of a cache line.
const LINE: usize = 8;

/// A slice that begins on a cache line: loads of whole vectors from it touch one line each, not two.
///
/// What [`product`](crate::product) reads is best kept here; with columns of a multiple of eight numbers all of them begin on a line.
#[derive(Debug, Default)]
pub struct Aligned {
    data: Vec<f64>,
    start: usize,
    len: usize,
}

impl Aligned {
    /// `len` zeros.
    pub fn zeros(len: usize) -> Self {
        if len == 0 {
            return Self::default();
        }
        let data = vec![0.0f64; len + LINE];
        // Where there is no telling, anything will do.
        let start = data.as_ptr().align_offset(LINE * size_of::<f64>()).min(LINE);
        Self { data, start, len }
    }

    /// Makes room for `len` numbers: zeros in place of all, unless there are as many already.
    pub fn grow(&mut self, len: usize) {
        if self.len < len {
            *self = Self::zeros(len);
        }
    }
}

impl Deref for Aligned {
    type Target = [f64];

    #[inline]
    fn deref(&self) -> &[f64] {
        &self.data[self.start..self.start + self.len]
    }
}

impl DerefMut for Aligned {
    #[inline]
    fn deref_mut(&mut self) -> &mut [f64] {
        &mut self.data[self.start..self.start + self.len]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_begin_on_a_line_and_keep_what_they_are_until_they_grow() {
        for len in [0, 1, 7, 8, 1000] {
            let mut numbers = Aligned::zeros(len);
            assert_eq!(*numbers, vec![0.0; len][..]);
            assert!(len == 0 || numbers.as_ptr().addr().is_multiple_of(64));
            numbers.fill(2.0);
            numbers.grow(len / 2);
            assert_eq!(*numbers, vec![2.0; len][..]);
            numbers.grow(len + 1);
            assert_eq!(*numbers, vec![0.0; len + 1][..]);
            assert!(numbers.as_ptr().addr().is_multiple_of(64));
        }
    }
}
