//! QR with column pivoting against its definition.

use gf_core::{Streams, standard_normal};
use gf_linalg::PivotedQr;

fn random(count: usize, seed: u64) -> Vec<f64> {
    let mut rng = Streams::new(seed).data();
    (0..count).map(|_| standard_normal(&mut rng)).collect()
}

fn factorized(m: usize, n: usize, a: &[f64]) -> (PivotedQr, Vec<f64>) {
    let mut qr = PivotedQr::new(m, n);
    qr.fill().copy_from_slice(a);
    qr.factorize();
    let mut r = vec![0.0; n * n];
    qr.upper_triangle(&mut r);
    (qr, r)
}

#[test]
fn q_transposed_turns_every_column_into_that_of_r() {
    for (m, n) in [(1, 1), (5, 1), (4, 4), (30, 7), (200, 12), (3, 5)] {
        // Columns over ten decades.
        let mut a = random(m * n, 3);
        for (j, column) in a.chunks_exact_mut(m).enumerate() {
            column.iter_mut().for_each(|x| *x *= 10f64.powi(5 - (j as i32 * 3) % 10));
        }
        let (qr, r) = factorized(m, n, &a);
        for (k, &j) in qr.order().iter().enumerate() {
            let mut column = a[j * m..(j + 1) * m].to_vec();
            let norm = column.iter().map(|x| x * x).sum::<f64>().sqrt();
            assert!((qr.column_norms()[j] - norm).abs() <= 1e-15 * norm * m as f64);
            qr.apply_transpose(&mut column);
            for i in 0..m {
                let expected = if i < n { r[i + k * n] } else { 0.0 };
                // Backward stability by columns: a few roundings a reflector, relative to that column alone.
                assert!((column[i] - expected).abs() <= 1e-14 * norm, "{m} x {n}: ({i}, {k})");
            }
        }
        let diagonal: Vec<f64> = (0..m.min(n)).map(|k| r[k + k * n].abs()).collect();
        assert!(diagonal.windows(2).all(|pair| pair[1] <= pair[0] * (1.0 + 1e-14)), "{diagonal:?}");
    }
}

#[test]
fn a_rank_deficit_shows_as_a_small_trailing_diagonal() {
    let (m, n) = (20, 4);
    let mut a = random(m * n, 5);
    for i in 0..m {
        a[i + 3 * m] = a[i] - 2.0 * a[i + m];
    }
    let (_, r) = factorized(m, n, &a);
    assert!(r[15].abs() < 1e-14 * r[0].abs() && r[10].abs() > 1e-2 * r[0].abs());
    let (qr, zero) = factorized(3, 2, &[0.0; 6]);
    assert!(zero.iter().all(|x| *x == 0.0));
    let mut b = [1.0, 2.0, 3.0];
    qr.apply_transpose(&mut b);
    assert_eq!(b, [1.0, 2.0, 3.0]);
}
