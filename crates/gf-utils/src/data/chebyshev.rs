//! Twenty samples of a Chebyshev polynomial.

use gf_core::{Samples, Targets};

/// x_i = −1 + 2i/19, i = 0, …, 19, with y_i = T₆(x_i) = cos(6 arccos x_i): the data of published runs at the edge of stability.
pub fn chebyshev() -> Samples {
    let x: Vec<f64> = (0..20).map(|i| -1.0 + 2.0 * f64::from(i) / 19.0).collect();
    let values = x.iter().map(|x| (6.0 * x.acos()).cos()).collect();
    Samples::new(1, x, Targets::Values { width: 1, values }).expect("as many targets as inputs")
}
