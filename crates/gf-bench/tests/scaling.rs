//! Every quantity of the scaling study can be measured.

#![allow(clippy::unwrap_used, reason = "tests")]

use gf_bench::scaling::{Point, Quantity};

#[test]
fn every_quantity_is_measured() {
    use Quantity::{DenseStep, Gradient, Hessian, MatrixFreeStep, Product};
    for outputs in [1, 3] {
        for quantity in [Gradient, Product, Hessian, DenseStep, MatrixFreeStep] {
            let measured = Point { widths: vec![4, 3, outputs], samples: 5, quantity }.measure().unwrap();
            assert_eq!(measured.p, 5 * 3 + 4 * outputs);
            assert!(measured.seconds > 0.0 && measured.seconds.is_finite());
            assert_eq!(measured.products > 0, quantity == MatrixFreeStep);
        }
    }
    assert!(Point { widths: vec![4], samples: 5, quantity: Gradient }.measure().is_err());
}
