//! `gf check`: whether the derivatives of a problem are right, layer by layer.

use std::ops::Range;

use gf_core::check::{
    TaylorCheck, central_difference, check_curvature_gradient, check_gradient, check_hessian, check_hessian_product,
};
use gf_core::{EvalError, StreamRng, Streams, standard_normal, vector};
use gf_layers::{Activation, Batches, Layer};
use gf_report::significant;
use miette::Report;
use serde_json::json;

use super::point::read_theta;
use super::{print, table};
use crate::arguments::CheckArguments;
use crate::study::{Document, LossKind, Problem, Smooth, Subject, misuse};

/// ε of the plain central difference that is shown beside the slopes.
const EPSILON: f64 = 1e-5;

/// Samples of a network with kinks that are looked at: with more of them a kink lies within every step.
const FEW: usize = 3;
/// Directions tried in such a network, until one meets no kink. A wrong derivative fails along all of them.
const TRIES: usize = 20;

/// The checks along one direction.
struct Row {
    /// Which parameters the direction moves.
    name: String,
    /// What is checked, with its verdict.
    checks: [(&'static str, TaylorCheck); 4],
    /// gᵀv, and the central difference in its place.
    difference: [f64; 2],
}

pub(super) fn execute(arguments: &CheckArguments) -> Result<u8, Report> {
    let mut document = Document::read(&arguments.problem)?;
    document.set(&arguments.set)?;
    let problem = Problem::load_point(document)?;
    let seed = problem.study.run.seeds.first().copied().unwrap_or(0);
    let theta = match &arguments.theta {
        Some(path) => read_theta(path, &problem)?,
        None => problem.start(seed, None),
    };
    let mut tries = 1;
    let (mut objective, mut parts) = match &problem.subject {
        Subject::Function(function) => {
            let expected = "expected a network, or a function with second derivatives; found a regression of NIST's";
            let smooth = function.smooth_objective(seed);
            (smooth.ok_or_else(|| problem.document.error_at(&["problem"], expected))?, Vec::new())
        }
        Subject::Network(network) => {
            // elu and the Huber loss jump in their second derivatives.
            let jumps = |layer: &Layer| !layer.activation.is_smooth() || layer.activation == Activation::Elu;
            let has_kinks = network.network.layers.iter().any(jumps) || network.loss_spec.kind == LossKind::Huber;
            let batches = if has_kinks { Batches::fixed(FEW) } else { Batches::full() };
            tries = if has_kinks { TRIES } else { 1 };
            let objective = problem.objective(&problem.all_samples(seed)?, batches)?;
            let layers = network.network.layer_ranges().into_iter().enumerate();
            let parts = layers.map(|(l, range)| (format!("layer {}", l + 1), range)).collect();
            (Box::new(objective) as Box<dyn Smooth>, parts)
        }
    };
    parts.push(("all parameters".to_string(), 0..theta.len()));
    let mut rng = Streams::new(seed).probes();
    let mut rows: Vec<Row> = Vec::with_capacity(parts.len());
    for (name, range) in &parts {
        let mut look = || {
            check(&mut *objective, &theta, name, range, &mut rng)
                .map_err(|error| misuse(format!("{}: {error}", arguments.problem.display())))
        };
        let mut row = look()?;
        for _ in 1..tries {
            if row.is_right() {
                break;
            }
            row = row.or(look()?);
        }
        rows.push(row);
    }
    let is_right = rows.iter().all(Row::is_right);
    if arguments.json {
        let rows: Vec<_> = rows.iter().map(as_json).collect();
        print(&serde_json::to_string_pretty(&rows).map_err(misuse)?);
    } else {
        print_table(&rows, is_right);
    }
    Ok(u8::from(!is_right))
}

fn check(
    objective: &mut dyn Smooth,
    theta: &[f64],
    name: &str,
    range: &Range<usize>,
    rng: &mut StreamRng,
) -> Result<Row, EvalError> {
    let mut direction = || {
        let mut v = vec![0.0; theta.len()];
        v[range.clone()].iter_mut().for_each(|x| *x = standard_normal(rng));
        let size = vector::norm(&v);
        v.iter_mut().for_each(|x| *x /= size);
        v
    };
    let (u, v) = (direction(), direction());
    Ok(Row {
        name: name.into(),
        checks: [
            ("gradient", check_gradient(objective, theta, &v)?),
            ("Hessian", check_hessian(objective, theta, &v)?),
            ("Hessian product", check_hessian_product(objective, theta, &v)?),
            ("third derivative", check_curvature_gradient(objective, theta, &u, &v)?),
        ],
        difference: central_difference(objective, theta, &v, EPSILON)?,
    })
}

impl Row {
    fn is_right(&self) -> bool {
        self.checks.iter().all(|(_, check)| check.passes())
    }

    /// Each check as it passed here or along the other direction.
    fn or(mut self, other: Self) -> Self {
        for (mine, theirs) in self.checks.iter_mut().zip(other.checks) {
            if !mine.1.passes() {
                *mine = theirs;
            }
        }
        self
    }

    /// |gᵀv − difference|.
    fn difference_error(&self) -> f64 {
        (self.difference[0] - self.difference[1]).abs()
    }
}

fn as_json(row: &Row) -> serde_json::Value {
    let checks: serde_json::Map<String, serde_json::Value> = row
        .checks
        .iter()
        .map(|(what, check)| {
            let what = what.to_lowercase().replace(' ', "_");
            (what, json!({ "slope": check.slope(), "expected": check.expected, "passes": check.passes() }))
        })
        .collect();
    json!({ "part": row.name, "checks": checks, "central_difference_error": row.difference_error() })
}

fn print_table(rows: &[Row], is_right: bool) {
    let mut header = vec!["direction in".to_string()];
    header.extend(rows[0].checks.iter().map(|(what, check)| format!("{what} ({})", check.expected)));
    header.push(format!("ε = {EPSILON:e}"));
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let lines = rows.iter().map(|row| {
        let mut line = vec![row.name.clone()];
        line.extend(row.checks.iter().map(|(_, check)| {
            let slope = check.slope().map_or_else(|| "exact".to_string(), |slope| significant(slope, 3));
            if check.passes() { slope } else { format!("{slope} WRONG") }
        }));
        line.push(significant(row.difference_error(), 2));
        line
    });
    print(&table::numbers(&header, lines.collect()));
    print(&format!(
        "Slopes of Taylor remainders on log-log axes, along a random direction in each layer: at least the number in brackets where the derivative is \
         right, one less where it is wrong; exact: no remainder above rounding. With kinks (relu, elu, huber): on {FEW} samples, the best of up to {TRIES} directions. Last column: |gᵀv − (L(θ+εv) − L(θ−εv))/2ε|."
    ));
    print(if is_right { "all derivatives are right" } else { "a derivative is wrong" });
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use gf_core::problems::Rosenbrock;
    use gf_core::{
        CurvatureAt, DenseHessian, GaussNewton, HessianProduct, Objective, ThirdDerivative, ThroughDense, Triangle,
    };

    use super::*;

    /// Rosenbrock's function of four parameters with an error in one entry of a derivative.
    struct Planted {
        right: ThroughDense<Rosenbrock>,
        in_gradient: Option<usize>,
        in_third: Option<usize>,
    }

    impl Objective for Planted {
        fn dim(&self) -> usize {
            4
        }

        fn value(&mut self, theta: &[f64]) -> Result<f64, EvalError> {
            self.right.value(theta)
        }

        fn value_and_gradient(&mut self, theta: &[f64], gradient: &mut [f64]) -> Result<f64, EvalError> {
            let value = self.right.value_and_gradient(theta, gradient)?;
            if let Some(entry) = self.in_gradient {
                gradient[entry] *= 1.01;
            }
            Ok(value)
        }
    }

    impl HessianProduct for Planted {
        fn hessian_at<'a>(&'a mut self, theta: &[f64]) -> Result<CurvatureAt<'a>, EvalError> {
            self.right.hessian_at(theta)
        }
    }

    impl DenseHessian for Planted {
        fn dense_hessian(&mut self, theta: &[f64], triangle: Triangle, out: &mut [f64]) -> Result<(), EvalError> {
            self.right.dense_hessian(theta, triangle, out)
        }
    }

    impl GaussNewton for Planted {
        fn gauss_newton_at<'a>(&'a mut self, theta: &[f64]) -> Result<CurvatureAt<'a>, EvalError> {
            self.right.gauss_newton_at(theta)
        }

        fn dense_gauss_newton(&mut self, theta: &[f64], triangle: Triangle, out: &mut [f64]) -> Result<(), EvalError> {
            self.right.dense_gauss_newton(theta, triangle, out)
        }
    }

    impl ThirdDerivative for Planted {
        fn curvature_gradient(
            &mut self,
            theta: &[f64],
            u: &[f64],
            v: &[f64],
            out: &mut [f64],
        ) -> Result<(), EvalError> {
            self.right.curvature_gradient(theta, u, v, out)?;
            if let Some(entry) = self.in_third {
                out[entry] += 1.0;
            }
            Ok(())
        }
    }

    /// Which checks pass along directions in the first and in the second half of the parameters.
    fn verdicts(in_gradient: Option<usize>, in_third: Option<usize>) -> [[bool; 4]; 2] {
        let mut planted = Planted { right: ThroughDense::new(Rosenbrock::new(4)), in_gradient, in_third };
        let mut rng = Streams::new(3).probes();
        let theta = [0.4, -1.3, 0.2, 0.9];
        [0..2, 2..4].map(|range| {
            let row = check(&mut planted, &theta, "part", &range, &mut rng).unwrap();
            row.checks.map(|(_, check)| check.passes())
        })
    }

    #[test]
    fn planted_errors_are_found_in_the_layer_where_they_are() {
        assert_eq!(verdicts(None, None), [[true; 4]; 2]);
        // A gradient that is wrong in the second half: values say so along it, gradients' differences everywhere they see that entry.
        let [first, second] = verdicts(Some(3), None);
        assert!(first[0] && first[1], "values along the first half do not see it: {first:?}");
        assert!(!second[0] && !second[1] && !second[2], "{second:?}");
        let [first, second] = verdicts(None, Some(0));
        assert!(first[..3].iter().all(|passes| *passes) && !first[3], "{first:?}");
        assert!(second[..3].iter().all(|passes| *passes) && !second[3], "{second:?}");
    }
}
