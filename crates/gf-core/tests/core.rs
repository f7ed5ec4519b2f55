//! Analytic problems against Taylor remainders, adapters against exact derivatives, streams, counters.

#![allow(clippy::unwrap_used, reason = "a test that unwraps an error fails, as it should")]

use gf_core::problems::{
    Beale, DoubleWell, Himmelblau, LogCosh, Quadratic, Quartic, Rosenbrock, ScalarChain, Sharpening,
};
use gf_core::*;

/// Adds products from the dense matrix, so that one check serves all problems.
struct Products<O> {
    objective: O,
    matrix: Vec<f64>,
}

impl<O: Objective> Objective for Products<O> {
    fn dim(&self) -> usize {
        self.objective.dim()
    }
    fn value(&mut self, theta: &[f64]) -> Result<f64, EvalError> {
        self.objective.value(theta)
    }
    fn value_and_gradient(&mut self, theta: &[f64], gradient: &mut [f64]) -> Result<f64, EvalError> {
        self.objective.value_and_gradient(theta, gradient)
    }
}

impl<O: Objective> SymmetricOperator for Products<O> {
    fn order(&self) -> usize {
        self.objective.dim()
    }
    fn apply(&mut self, v: &[f64], out: &mut [f64]) {
        let p = v.len();
        (0..p).for_each(|i| out[i] = (0..p).map(|j| self.matrix[i + j * p] * v[j]).sum());
    }
}

impl<O: DenseHessian> HessianProduct for Products<O> {
    fn hessian_at<'a>(&'a mut self, theta: &[f64]) -> Result<CurvatureAt<'a>, EvalError> {
        self.matrix = vec![0.0; theta.len().pow(2)];
        self.objective.dense_hessian(theta, Triangle::Both, &mut self.matrix)?;
        Ok(CurvatureAt::new(self, true))
    }
}

impl<O: ThirdDerivative> ThirdDerivative for Products<O> {
    fn curvature_gradient(&mut self, theta: &[f64], u: &[f64], v: &[f64], out: &mut [f64]) -> Result<(), EvalError> {
        self.objective.curvature_gradient(theta, u, v, out)
    }
}

fn verify<O: DenseHessian + ThirdDerivative>(objective: O, theta: &[f64], v: &[f64]) {
    let mut objective = Products { objective, matrix: vec![] };
    let first = check::check_gradient(&mut objective, theta, v).unwrap();
    assert!(first.passes(), "gradient: slope {:?}", first.slope());
    let second = check::check_hessian_product(&mut objective, theta, v).unwrap();
    assert!(second.passes(), "hessian: slope {:?}", second.slope());
    let values = check::check_hessian(&mut objective, theta, v).unwrap();
    assert!(values.passes(), "hessian from values: slope {:?}", values.slope());
    let [exact, difference] = check::central_difference(&mut objective, theta, v, 1e-5).unwrap();
    assert!((exact - difference).abs() <= 1e-7 * (1.0 + exact.abs()), "{exact} {difference}");
    let u: Vec<f64> = v.iter().rev().enumerate().map(|(k, v)| v - 0.3 * k as f64).collect();
    let third = check::check_curvature_gradient(&mut objective, theta, &u, v).unwrap();
    assert!(third.passes(), "third derivative: slope {:?}", third.slope());
    // Central differences of products err by rounding and by t²/6 of the fifth derivative.
    let (p, t) = (theta.len(), 1e-4);
    let (mut found, mut swapped) = (vec![0.0; p], vec![0.0; p]);
    objective.curvature_gradient(theta, &u, v, &mut found).unwrap();
    objective.curvature_gradient(theta, v, &u, &mut swapped).unwrap();
    let mut at = |sign: f64| {
        let moved: Vec<f64> = theta.iter().zip(&u).map(|(x, u)| x + sign * t * u).collect();
        let mut product = vec![0.0; p];
        objective.hessian_at(&moved).unwrap().apply(v, &mut product);
        product
    };
    let (after, before) = (at(1.0), at(-1.0));
    let size = vector::norm(&found) + 1.0;
    for i in 0..p {
        assert!((found[i] - (after[i] - before[i]) / (2.0 * t)).abs() < 1e-7 * size);
        assert!((found[i] - swapped[i]).abs() < 1e-14 * size);
    }
}

#[test]
fn analytic_derivatives_have_taylor_slope_two() {
    verify(Himmelblau, &[0.4, -1.3], &[0.6, 0.8]);
    verify(Rosenbrock::new(4), &[0.4, -1.3, 0.2, 0.9], &[0.6, 0.8, -0.5, 0.1]);
    verify(Quartic::new(3), &[0.4, -1.3, 0.2], &[0.6, 0.8, 1.0]);
    verify(Beale, &[0.4, -1.3], &[0.6, 0.8]);
    verify(ScalarChain, &[0.4, -1.3], &[0.6, 0.8]);
    verify(DoubleWell { tilt: 0.3 }, &[0.4], &[1.0]);
    verify(LogCosh, &[0.4], &[1.0]);
    verify(Sharpening { rate: 0.3 }, &[0.4, -1.3], &[0.6, 0.8]);
    let mut rng = Streams::new(1).data();
    verify(Quadratic::rotated(&[3.0, -1.0, 0.5], &mut rng), &[0.4, -1.3, 0.2], &[0.6, 0.8, 1.0]);
}

#[test]
fn a_wrong_gradient_is_found() {
    let mut wrong = FromClosure::new(2, |t: &[f64], g: &mut [f64]| {
        (g[0], g[1]) = (2.0 * t[0] + 1e-3, 4.0 * t[1].powi(3));
        t[0] * t[0] + t[1].powi(4)
    });
    assert!(!check::check_gradient(&mut wrong, &[0.3, 0.7], &[1.0, 1.0]).unwrap().passes());
}

/// Himmelblau's function with a Hessian that is off by `bug` in one diagonal entry.
struct WrongHessian {
    bug: f64,
    matrix: [f64; 4],
}

impl Objective for WrongHessian {
    fn dim(&self) -> usize {
        2
    }

    fn value(&mut self, theta: &[f64]) -> Result<f64, EvalError> {
        Himmelblau.value(theta)
    }

    fn value_and_gradient(&mut self, theta: &[f64], gradient: &mut [f64]) -> Result<f64, EvalError> {
        Himmelblau.value_and_gradient(theta, gradient)
    }
}

impl SymmetricOperator for WrongHessian {
    fn order(&self) -> usize {
        2
    }

    fn apply(&mut self, v: &[f64], out: &mut [f64]) {
        let m = self.matrix;
        out.copy_from_slice(&[m[0] * v[0] + m[2] * v[1], m[1] * v[0] + m[3] * v[1]]);
    }
}

impl HessianProduct for WrongHessian {
    fn hessian_at<'a>(&'a mut self, theta: &[f64]) -> Result<CurvatureAt<'a>, EvalError> {
        Himmelblau.dense_hessian(theta, Triangle::Both, &mut self.matrix)?;
        self.matrix[0] += self.bug;
        Ok(CurvatureAt::new(self, true))
    }
}

#[test]
fn a_wrong_hessian_is_found_from_values_alone() {
    for (bug, is_right) in [(0.0, true), (0.1, false), (-3.0, false)] {
        let mut objective = WrongHessian { bug, matrix: [0.0; 4] };
        let from_values = check::check_hessian(&mut objective, &[0.4, -1.3], &[0.6, 0.8]).unwrap();
        assert_eq!(from_values.passes(), is_right, "bug {bug}: slope {:?}", from_values.slope());
        let from_gradients = check::check_hessian_product(&mut objective, &[0.4, -1.3], &[0.6, 0.8]).unwrap();
        assert_eq!(from_gradients.passes(), is_right, "bug {bug}: slope {:?}", from_gradients.slope());
    }
}

#[test]
fn himmelblau_has_its_four_published_minima() {
    for theta in [[3.0, 2.0], [-2.805118, 3.131312], [-3.779310, -3.283186], [3.584428, -1.848126]] {
        // Six published digits of θ leave a value below (1e-6)² times the curvature, about 50.
        assert!(Himmelblau.value(&theta).unwrap() < 1e-9);
    }
}

#[test]
fn beale_has_its_published_minimum() {
    assert_eq!(Beale.value(&[3.0, 0.5]).unwrap(), 0.0);
    // At (1, 1) the residuals are the constants: 1.5² + 2.25² + 2.625².
    assert!((Beale.value(&[1.0, 1.0]).unwrap() - 14.203125).abs() < 1e-14);
}

#[test]
fn products_through_the_dense_hessian_follow_the_point_and_gauss_newton_is_refused() {
    let mut problem = ThroughDense::new(Himmelblau);
    let mut out = [0.0; 2];
    for (theta, expected) in [([0.0, 0.0], [-42.0, 0.0]), ([1.0, 2.0], [12.0 + 8.0 - 42.0, 12.0])] {
        problem.hessian_at(&theta).unwrap().apply(&[1.0, 0.0], &mut out);
        assert_eq!(out, expected);
    }
    assert!(!problem.hessian_at(&[1.0, 2.0]).unwrap().is_fresh());
    let refused = problem.gauss_newton_at(&[0.0, 0.0]).err().unwrap();
    assert_eq!(refused.to_string(), "the problem does not offer a Gauss-Newton matrix");
}

#[test]
fn gradient_and_curvature_may_come_from_two_samples() {
    let (small, large) = (Quadratic::diagonal(&[1.0, 2.0]), Quadratic::diagonal(&[3.0, 4.0]));
    let mut both = CurvatureSample::new(small, large).unwrap();
    let (mut gradient, mut product) = ([0.0; 2], [0.0; 2]);
    both.value_and_gradient(&[1.0, 1.0], &mut gradient).unwrap();
    both.hessian_at(&[1.0, 1.0]).unwrap().apply(&[1.0, 1.0], &mut product);
    assert_eq!((gradient, product), ([1.0, 2.0], [3.0, 4.0]));
    assert!(CurvatureSample::new(Quadratic::diagonal(&[1.0]), Quadratic::diagonal(&[1.0, 2.0])).is_err());
}

#[test]
fn gradient_noise_has_its_standard_deviation_and_is_a_function_of_the_step() {
    let mut noisy = Noisy::new(Quadratic::diagonal(&[2.0, 3.0]), 0.5, Streams::new(1));
    let mut gradient = [0.0; 2];
    let mut force = |noisy: &mut Noisy<Quadratic>, step: u64| {
        noisy.begin_step(step);
        noisy.value_and_gradient(&[1.0, 1.0], &mut gradient).unwrap();
        [gradient[0] - 2.0, gradient[1] - 3.0]
    };
    let first = force(&mut noisy, 7);
    assert_ne!(force(&mut noisy, 8), first);
    assert_eq!(force(&mut noisy, 7), first);
    let squares: f64 = (1..=2000).map(|step| force(&mut noisy, step).map(|f| f * f).iter().sum::<f64>()).sum();
    // 4000 squares of standard deviation σ²√2: the mean lies within four of its standard errors.
    let mean = squares / 4000.0;
    assert!((mean - 0.25).abs() < 4.0 * 0.25 * (2.0f64 / 4000.0).sqrt(), "{mean}");
    // Value and gradient belong together.
    assert!(check::check_gradient(&mut noisy, &[0.3, -0.4], &[0.6, 0.8]).unwrap().passes());
}

#[test]
fn flows_solve_their_differential_equation() {
    let quartic = Quartic::new(1);
    let mut rng = Streams::new(3).data();
    let quadratic = Quadratic::rotated(&[2.0, 0.3, -0.4], &mut rng);
    let (t, d) = (0.7, 1e-5);
    let verify = |mut objective: Box<dyn Objective>, flow: &dyn Fn(f64) -> Vec<f64>| {
        let mut gradient = vec![0.0; objective.dim()];
        objective.value_and_gradient(&flow(t), &mut gradient).unwrap();
        for (i, g) in gradient.iter().enumerate() {
            let slope = (flow(t + d)[i] - flow(t - d)[i]) / (2.0 * d);
            // Central difference: O(d²) + rounding/d.
            assert!((slope + g).abs() < 1e-8, "component {i}: {slope} against {}", -g);
        }
    };
    verify(Box::new(quartic), &|t| quartic.flow(&[1.3], t));
    verify(Box::new(DoubleWell { tilt: 0.0 }), &|t| DoubleWell::default().flow(&[0.2], t));
    let copy = quadratic.clone();
    verify(Box::new(quadratic), &|t| copy.flow(&[1.0, -2.0, 0.5], t));
}

#[test]
fn quadratic_has_the_prescribed_spectrum() {
    let eigenvalues = [5.0, 1.0, -2.0, 0.1];
    let mut quadratic = Quadratic::rotated(&eigenvalues, &mut Streams::new(0).data());
    for (k, lambda) in eigenvalues.iter().enumerate() {
        let mut v = vec![0.0; 4];
        v[k] = 1.0;
        quadratic.from_eigenbasis(&mut v);
        let mut av = vec![0.0; 4];
        quadratic.hessian_at(&[0.0; 4]).unwrap().apply(&v, &mut av);
        for i in 0..4 {
            assert!((av[i] - lambda * v[i]).abs() < 1e-14);
        }
    }
}

#[test]
fn finite_differences_approach_the_exact_hessian() {
    let theta = [0.4, -1.3, 0.2];
    let mut exact = vec![0.0; 9];
    Rosenbrock::new(3).dense_hessian(&theta, Triangle::Both, &mut exact).unwrap();
    let mut adapter = FiniteDifference::new(Rosenbrock::new(3), 1e-5);
    let mut near = vec![0.0; 9];
    adapter.dense_hessian(&theta, Triangle::Both, &mut near).unwrap();
    let scale = exact.iter().fold(0.0f64, |a, x| a.max(x.abs()));
    for (a, b) in exact.iter().zip(&near) {
        assert!((a - b).abs() < 1e-7 * scale, "{a} against {b}");
    }
    // A product is one difference along its direction: 2 gradients, not p.
    let mut counted = Counted::new(&mut adapter);
    counted.hessian_at(&theta).unwrap().apply(&[1.0, 0.0, 0.0], &mut [0.0; 3]);
    assert_eq!(counted.work().products, 1);
    assert_eq!(counted.work().flops, 2.0 * counted.cost().value_and_gradient);
}

#[test]
fn the_counting_adapter_counts_each_call_once() {
    let mut quadratic = Quadratic::diagonal(&[1.0, 2.0]);
    let mut counted = Counted::new(&mut quadratic);
    let (theta, mut out) = ([1.0, 1.0], [0.0; 2]);
    counted.value(&theta).unwrap();
    counted.value_and_gradient(&theta, &mut out).unwrap();
    counted.hessian_at(&theta).unwrap().apply_block(2, &[1.0, 0.0, 0.0, 1.0], &mut [0.0; 4]);
    counted.dense_hessian(&theta, Triangle::Lower, &mut [0.0; 4]).unwrap();
    counted.count_factorization(8.0);
    let work = counted.work();
    assert_eq!((work.values, work.gradients, work.products), (1, 1, 2));
    assert_eq!((work.matrices, work.factorizations, work.linearizations), (1, 1, 0));
}

#[test]
fn lengths_are_checked_with_both_numbers() {
    let error = Himmelblau.value(&[1.0]).unwrap_err();
    assert_eq!(error.to_string(), "theta: expected 2 numbers, found 1");
}

#[test]
fn streams_are_independent_and_frozen() {
    use rand::Rng;
    let streams = Streams::new(42);
    assert_ne!(streams.init().next_u64(), streams.split().next_u64());
    assert_ne!(streams.batches(0).next_u64(), streams.batches(1).next_u64());
    // The moments of the normal sampler; four standard errors of 1e5 draws.
    let mut rng = streams.probes();
    let draws: Vec<f64> = (0..100_000).map(|_| standard_normal(&mut rng)).collect();
    let mean = draws.iter().sum::<f64>() / 1e5;
    let variance = draws.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 1e5;
    let fourth = draws.iter().map(|x| (x - mean).powi(4)).sum::<f64>() / 1e5;
    assert!(mean.abs() < 4.0 / 1e5f64.sqrt(), "{mean}");
    assert!((variance - 1.0).abs() < 4.0 * (2.0 / 1e5f64).sqrt(), "{variance}");
    assert!((fourth - 3.0).abs() < 4.0 * (96.0 / 1e5f64).sqrt(), "{fourth}");
}

#[test]
fn samples_name_the_fault() {
    let classes = |labels: Vec<u32>| Targets::Classes { classes: 2, labels };
    let message = |result: Result<Samples, SampleError>| result.unwrap_err().to_string();
    assert_eq!(
        message(Samples::new(2, vec![1.0, 2.0, f64::NAN, 4.0], classes(vec![0, 1]))),
        "inputs: row 1, column 0 is NaN; expected finite numbers"
    );
    assert_eq!(message(Samples::new(2, vec![1.0; 3], classes(vec![0]))), "inputs: 3 numbers do not fill rows of 2");
    assert_eq!(message(Samples::new(1, vec![1.0; 2], classes(vec![0]))), "2 input rows but 1 targets");
    assert_eq!(message(Samples::new(1, vec![1.0], classes(vec![2]))), "targets: row 0 has class 2; expected 0 to 1");
    assert_eq!(message(Samples::new(1, vec![], classes(vec![]))), "no data: inputs is empty");
}

#[test]
fn a_wrong_third_derivative_is_found() {
    struct Wrong(ThroughDense<Himmelblau>);
    impl Objective for Wrong {
        fn dim(&self) -> usize {
            2
        }
        fn value(&mut self, theta: &[f64]) -> Result<f64, EvalError> {
            self.0.value(theta)
        }
        fn value_and_gradient(&mut self, theta: &[f64], gradient: &mut [f64]) -> Result<f64, EvalError> {
            self.0.value_and_gradient(theta, gradient)
        }
    }
    impl HessianProduct for Wrong {
        fn hessian_at<'a>(&'a mut self, theta: &[f64]) -> Result<CurvatureAt<'a>, EvalError> {
            self.0.hessian_at(theta)
        }
    }
    impl ThirdDerivative for Wrong {
        fn curvature_gradient(
            &mut self,
            theta: &[f64],
            u: &[f64],
            v: &[f64],
            out: &mut [f64],
        ) -> Result<(), EvalError> {
            self.0.curvature_gradient(theta, u, v, out)?;
            out[0] += 1e-2;
            Ok(())
        }
    }
    let mut wrong = Wrong(ThroughDense::new(Himmelblau));
    let check = check::check_curvature_gradient(&mut wrong, &[0.4, -1.3], &[0.6, 0.8], &[1.0, 0.3]).unwrap();
    assert!(!check.passes(), "slope {:?}", check.slope());
    let short = wrong.curvature_gradient(&[0.0; 2], &[0.0], &[0.0; 2], &mut [0.0; 2]).unwrap_err();
    assert_eq!(short.to_string(), "u: expected 2 numbers, found 1");
}
