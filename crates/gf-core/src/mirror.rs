//! The lower triangle of a symmetric matrix copied onto the upper one.

/// Copies the lower triangle of a p × p column-major matrix onto the upper one, in square tiles that stay in cache.
///
/// On one thread: `gf_linalg::mirror` shares large matrices among several.
pub(crate) fn mirror(p: usize, matrix: &mut [f64]) {
    const TILE: usize = 32;
    assert_eq!(matrix.len(), p * p, "a p x p matrix");
    for j0 in (0..p).step_by(TILE) {
        for i0 in (j0..p).step_by(TILE) {
            for j in j0..(j0 + TILE).min(p) {
                for i in i0.max(j + 1)..(i0 + TILE).min(p) {
                    matrix[j + i * p] = matrix[i + j * p];
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::mirror;

    #[test]
    fn mirror_copies_the_lower_triangle() {
        let p = 70; // more than two tiles
        let mut matrix: Vec<f64> = (0..p * p).map(|k| k as f64).collect();
        let before = matrix.clone();
        mirror(p, &mut matrix);
        for j in 0..p {
            for i in 0..p {
                let (low, high) = (i.max(j), i.min(j));
                assert_eq!(matrix[i + j * p], before[low + high * p]);
            }
        }
    }
}
