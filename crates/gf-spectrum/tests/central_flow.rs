//! The central flow: closed forms, and gradient descent at the edge of stability.

#![allow(clippy::unwrap_used, reason = "tests")]

use gf_core::{
    CurvatureAt, EvalError, HessianProduct, Objective, Observer, Samples, StepRecord, SymmetricOperator, Targets,
    ThirdDerivative, ThroughDense, problems::Sharpening,
};
use gf_layers::{Activation, Batches, Loss, Network, NetworkObjective};
use gf_optim::{Budget, control::Constant, integrate, methods::ExplicitEuler};
use gf_spectrum::{CentralFlow, CentralFlowSettings, CentralFlowStep};

/// L(x, M) = ½ xᵀMx − ⟨C, M⟩ with x in the plane and M symmetric 2 × 2; θ = (x₁, x₂, M₁₁, M₂₂, √2 M₁₂).
///
/// At x = 0 the Hessian is M on x and 0 elsewhere, and gradient flow lets M grow at the rate C. Under the constraint M ⪯ (2/h) I with
/// multiplier Σ (on x), M' = C − ½Σ: from M = (2/h) I on, Σ = 2C₊ and M' = −C₋, the positive and negative part of C.
struct Valley {
    c: [f64; 3],
    theta: [f64; 5],
}

type Packed = [f64; 3];

fn times(m: &[f64], x: &[f64]) -> [f64; 2] {
    let off = m[2] / 2f64.sqrt();
    [m[0] * x[0] + off * x[1], off * x[0] + m[1] * x[1]]
}

/// ½(xyᵀ + yxᵀ).
fn outer(x: &[f64], y: &[f64]) -> Packed {
    [x[0] * y[0], x[1] * y[1], (x[0] * y[1] + x[1] * y[0]) / 2f64.sqrt()]
}

fn join([a, b]: [f64; 2], m: Packed, out: &mut [f64]) {
    out.copy_from_slice(&[a, b, m[0], m[1], m[2]]);
}

impl Objective for Valley {
    fn dim(&self) -> usize {
        5
    }

    fn value(&mut self, theta: &[f64]) -> Result<f64, EvalError> {
        self.value_and_gradient(theta, &mut [0.0; 5])
    }

    fn value_and_gradient(&mut self, theta: &[f64], gradient: &mut [f64]) -> Result<f64, EvalError> {
        let (x, m) = theta.split_at(2);
        let (mx, xx) = (times(m, x), outer(x, x));
        join(mx, [0, 1, 2].map(|k| 0.5 * xx[k] - self.c[k]), gradient);
        Ok(0.5 * (x[0] * mx[0] + x[1] * mx[1]) - (0..3).map(|k| self.c[k] * m[k]).sum::<f64>())
    }
}

impl SymmetricOperator for Valley {
    fn order(&self) -> usize {
        5
    }

    fn apply(&mut self, v: &[f64], out: &mut [f64]) {
        let (x, m) = self.theta.split_at(2);
        let (mv, vx) = (times(m, &v[..2]), times(&v[2..], x));
        join([mv[0] + vx[0], mv[1] + vx[1]], outer(x, &v[..2]), out);
    }
}

impl HessianProduct for Valley {
    fn hessian_at<'a>(&'a mut self, theta: &[f64]) -> Result<CurvatureAt<'a>, EvalError> {
        self.theta.copy_from_slice(theta);
        Ok(CurvatureAt::new(self, true))
    }
}

impl ThirdDerivative for Valley {
    fn curvature_gradient(&mut self, _theta: &[f64], u: &[f64], v: &[f64], out: &mut [f64]) -> Result<(), EvalError> {
        let (a, b) = (times(&u[2..], &v[..2]), times(&v[2..], &u[..2]));
        join([a[0] + b[0], a[1] + b[1]], outer(&u[..2], &v[..2]), out);
        Ok(())
    }
}

#[test]
fn the_valley_has_its_derivatives() {
    let mut valley = Valley { c: [0.3, -0.2, 0.1], theta: [0.0; 5] };
    let (theta, u, v) = ([0.4, -0.7, 1.2, 0.8, 0.5], [0.3, 1.0, -0.5, 0.2, 0.7], [1.0, 0.2, 0.4, -0.6, 0.9]);
    assert!(gf_core::check::check_gradient(&mut valley, &theta, &v).unwrap().passes());
    assert!(gf_core::check::check_hessian_product(&mut valley, &theta, &v).unwrap().passes());
    assert!(gf_core::check::check_curvature_gradient(&mut valley, &theta, &u, &v).unwrap().passes());
}

fn follow(h: f64, c: Packed, start: Packed, steps: usize) -> (Vec<CentralFlowStep>, [f64; 5]) {
    let mut flow = CentralFlow::new(h, CentralFlowSettings::default()).unwrap();
    let mut theta = [0.0, 0.0, start[0], start[1], start[2]];
    let mut valley = Valley { c, theta };
    let records = (0..steps).map(|_| flow.advance(&mut valley, &mut theta).unwrap()).collect();
    (records, theta)
}

#[test]
fn one_direction_stops_at_the_edge_with_the_variance_of_its_closed_form() {
    let (h, c) = (0.5, 0.3);
    // In the plane, L = ½yx² − cy at x = 0: λ = y = 3 + 0.3 t reaches 2/h = 4 at t = 10/3, between steps 6 and 7, and stays with Σ = 2c.
    let mut flow = CentralFlow::new(h, CentralFlowSettings::default()).unwrap();
    let mut valley = ThroughDense::new(Sharpening { rate: c });
    let mut theta = [0.0, 3.0];
    let steps: Vec<_> = (0..20).map(|_| flow.advance(&mut valley, &mut theta).unwrap()).collect();
    for (number, step) in steps.iter().enumerate() {
        let t = h * number as f64;
        let lambda = (3.0 + c * t).min(2.0 / h);
        assert!((step.eigenvalues[0] - lambda).abs() < 1e-12, "step {number}: {}", step.eigenvalues[0]);
        let is_active = 3.0 + c * t > 2.0 / h;
        assert_eq!(step.active, usize::from(is_active), "step {number}");
        if is_active {
            assert!((step.trace - 2.0 * c).abs() < 1e-11, "{}", step.trace);
            assert!((step.mean_loss - (step.loss + 2.0 * c / h)).abs() < 1e-11);
            assert!((step.mean_squared_gradient_norm - (c * c + 8.0 * c / (h * h))).abs() < 1e-10);
        }
    }
    assert!((theta[1] - 2.0 / h).abs() < 1e-12);
    // The oscillation itself: gradient descent x ← (1 − hλ)x, λ ← λ + h(c − ½x²) from just there has x² = 2c as its fixed amplitude.
    let (mut x, mut lambda) = ((2.0 * c).sqrt(), 2.0 / h);
    for _ in 0..10 {
        (x, lambda) = (x - h * lambda * x, lambda + h * (c - 0.5 * x * x));
    }
    assert!((x.abs() - (2.0 * c).sqrt()).abs() < 1e-9 && (lambda - 2.0 / h).abs() < 1e-9);
}

#[test]
fn of_two_directions_at_the_edge_the_positive_part_oscillates_and_the_negative_part_leaves() {
    let h = 0.5;
    // C with eigenvalues 0.3 along (0.8, 0.6) and −0.1 along (−0.6, 0.8).
    let (plus, minus) = (outer(&[0.8, 0.6], &[0.8, 0.6]), outer(&[-0.6, 0.8], &[-0.6, 0.8]));
    let c = [0, 1, 2].map(|k| 0.3 * plus[k] - 0.1 * minus[k]);
    let edge = 2.0 / h;
    let (steps, theta) = follow(h, c, [edge, edge, 0.0], 8);
    let t = 8.0 * h;
    for k in 0..3 {
        let expected = edge * (plus[k] + minus[k]) - 0.1 * t * minus[k];
        assert!((theta[2 + k] - expected).abs() < 1e-9, "{k}: {} against {expected}", theta[2 + k]);
    }
    for step in &steps {
        assert_eq!(step.active, 1);
        assert!((step.trace - 0.6).abs() < 1e-9, "{}", step.trace);
        let residuals = step.complementarity;
        assert!(residuals.slack > -1e-9 && residuals.variance > -1e-9 && residuals.product < 1e-9, "{residuals:?}");
    }
    // Both positive: M stays and Σ = 2C.
    let both = [0, 1, 2].map(|k| 0.3 * plus[k] + 0.1 * minus[k]);
    let (steps, theta) = follow(h, both, [edge, edge, 0.0], 8);
    assert!((theta[2] - edge).abs() < 1e-9 && (theta[3] - edge).abs() < 1e-9 && theta[4].abs() < 1e-9);
    assert!(steps.iter().all(|step| step.active == 2 && (step.trace - 0.8).abs() < 1e-9));
}

#[test]
fn above_the_edge_it_begins_with_plain_steps() {
    // x ≠ 0 and λ > 2/h: gradient descent grows x until x² > 2c pulls λ down.
    let (h, c) = (0.5, 0.3);
    let mut flow = CentralFlow::new(h, CentralFlowSettings::default()).unwrap();
    let mut theta = [0.3, 0.0, 4.4, 1.0, 0.0];
    let mut valley = Valley { c: [c, 0.0, 0.0], theta };
    let mut descent = theta;
    let mut gradient = [0.0; 5];
    let mut plain = 0;
    loop {
        let step = flow.advance(&mut valley, &mut theta).unwrap();
        if !step.is_plain {
            break;
        }
        plain += 1;
        valley.value_and_gradient(&descent, &mut gradient).unwrap();
        gf_core::vector::add_scaled(&mut descent, -h, &gradient);
        assert_eq!(theta, descent);
    }
    assert!((1..50).contains(&plain), "{plain}");
    // From there on never again.
    assert!((0..20).all(|_| !flow.advance(&mut valley, &mut theta).unwrap().is_plain));
}

#[test]
fn settings_name_the_fault() {
    let error = CentralFlow::new(-1.0, CentralFlowSettings::default()).err().unwrap();
    assert_eq!(error.to_string(), "h is -1; expected a finite number above 0");
}

/// The network of `gf-optim/tests/edge_of_stability.rs`: 20 samples of T₆, 1-30-20-1, tanh, half the mean squared error, and its start.
fn oracle() -> (NetworkObjective, Vec<f64>) {
    let x: Vec<f64> = (0..20).map(|i| -1.0 + 2.0 * f64::from(i) / 19.0).collect();
    let y = x.iter().map(|x| (6.0 * x.acos()).cos()).collect();
    let samples = Samples::new(1, x, Targets::Values { width: 1, values: y }).unwrap();
    let network =
        Network::new(1).dense(30, Activation::Tanh).dense(20, Activation::Tanh).dense(1, Activation::Identity);
    let objective = network.objective(Loss::half_mse(), &samples, Batches::full()).unwrap();
    let mut state = 0u32;
    let mut uniform = || {
        state = state.wrapping_add(0x6D2B_79F5);
        let mut t = (state ^ (state >> 15)).wrapping_mul(state | 1);
        t ^= t.wrapping_add((t ^ (t >> 7)).wrapping_mul(t | 61));
        f64::from(t ^ (t >> 14)) / 4_294_967_296.0
    };
    let mut normal = || {
        let radius = (-2.0 * uniform().ln()).sqrt();
        radius * (std::f64::consts::TAU * uniform()).cos()
    };
    let mut theta = Vec::with_capacity(network.dim());
    for [inputs, outputs] in [[1, 30], [30, 20], [20, 1]] {
        let scale = (1.0 / inputs as f64).sqrt();
        let theirs: Vec<f64> = (0..inputs * outputs).map(|_| scale * normal()).collect();
        theta.extend((0..inputs * outputs).map(|k| theirs[(k % outputs) * inputs + k / outputs]));
        theta.extend(std::iter::repeat_n(0.0, outputs));
    }
    (objective, theta)
}

/// The losses before each update.
#[derive(Default)]
struct Losses(Vec<f64>);

impl Observer for Losses {
    fn accepted(&mut self, record: &StepRecord<'_>) {
        if record.step > 0 {
            self.0.push(record.loss);
        }
    }
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len() as f64;
    values.sum::<f64>() / count
}

/// Gradient descent oscillates in bursts of a hundred steps and more; what the flow predicts are averages over many of them. The window here is
/// one: steps 600 to 3000. (A flow with four times the substeps gives the same average to 0.1 %: what remains is the theory's second order in the
/// oscillation.)
#[test]
fn it_predicts_the_smoothed_loss_of_gradient_descent_at_the_edge_of_stability() {
    let (h, steps) = (0.2, 3000);
    let (mut objective, mut theta) = oracle();
    let mut losses = Losses::default();
    let mut observers: [&mut dyn Observer; 1] = [&mut losses];
    let (mut method, mut control) = (ExplicitEuler, Constant::new(h));
    let budget = Budget::steps(steps as u64);
    integrate(&mut objective, &mut method, &mut control, &mut observers, theta.clone(), &budget).unwrap();

    let mut flow = CentralFlow::new(h, CentralFlowSettings::default()).unwrap();
    let records: Vec<_> = (0..steps).map(|_| flow.advance(&mut objective, &mut theta).unwrap()).collect();

    // Before the edge the central flow is gradient flow, and gradient descent, which lags by O(h), is close by.
    assert!(records[..350].iter().all(|r| !r.is_plain && r.active == 0));
    let smooth = mean(records[..350].iter().map(|r| r.mean_loss)) / mean(losses.0[..350].iter().copied());
    assert!((smooth - 1.0).abs() < 2e-3, "{smooth}");
    // While it is active, the sharpness stands at 2/h to four decimals, and so does the second one where two are.
    for (step, record) in records.iter().enumerate() {
        for lambda in &record.eigenvalues[..record.active] {
            assert!((lambda - 2.0 / h).abs() < 5e-5, "step {step}: {lambda}");
        }
        assert!(record.eigenvalues[0] < 2.0 / h + 5e-5, "step {step}: {}", record.eigenvalues[0]);
        let residuals = record.complementarity;
        assert!(residuals.slack > -1e-9 && residuals.variance > -1e-9 && residuals.product < 1e-9, "{residuals:?}");
        assert!(record.eigen_residual < 1e-9);
    }
    assert!(records.iter().filter(|r| r.active > 0).count() > 1500);
    // A third pair is tracked because two are at the edge.
    assert_eq!((records[2900].active, records[2900].eigenvalues.len()), (2, 3));
    let window = 600..steps;
    let descent = mean(losses.0[window.clone()].iter().copied());
    let predicted = mean(records[window.clone()].iter().map(|r| r.mean_loss));
    let without = mean(records[window].iter().map(|r| r.loss));
    assert!((predicted / descent - 1.0).abs() < 0.03, "{predicted} against {descent}");
    // Without the oscillation's part of the loss it would not do.
    assert!(without / descent < 0.9, "{without} against {descent}");
}

/// JAX with Runge–Kutta steps of h/40 (`peers/golden_central_flow.py`): gradient flow for 15.5 steps, then 44.5 at the edge.
#[test]
fn it_converges_with_order_one_to_a_reference_by_another_system() {
    let text =
        std::fs::read_to_string(format!("{}/tests/golden/central-flow.json", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let golden: serde_json::Value = serde_json::from_str(&text).unwrap();
    let number = |key: &str| golden[key].as_f64().unwrap();
    let numbers =
        |key: &str| -> Vec<f64> { golden[key].as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect() };
    let (h, steps) = (number("h"), number("steps") as usize);
    let samples = Samples::new(1, numbers("x"), Targets::Values { width: 1, values: numbers("y") }).unwrap();
    let network = Network::new(1).dense(number("units") as usize, Activation::Tanh).dense(1, Activation::Identity);
    let mut objective = network.objective(Loss::half_mse(), &samples, Batches::full()).unwrap();
    let expected = numbers("theta");
    let mut error = |substeps: usize| {
        let mut flow = CentralFlow::new(h, CentralFlowSettings { substeps, ..CentralFlowSettings::default() }).unwrap();
        let mut theta = numbers("start");
        for _ in 0..steps {
            flow.advance(&mut objective, &mut theta).unwrap();
        }
        let distance = theta.iter().zip(&expected).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
        (distance, flow.advance(&mut objective, &mut theta).unwrap())
    };
    let runs: Vec<_> = [8, 16, 32].map(&mut error).into();
    for pair in runs.windows(2) {
        let order = (pair[0].0 / pair[1].0).log2();
        assert!((order - 1.0).abs() < 0.1, "order {order}: {} then {}", pair[0].0, pair[1].0);
    }
    let (distance, last) = &runs[2];
    assert!(*distance < 1e-2, "{distance}");
    assert!((last.eigenvalues[0] - 2.0 / h).abs() < 1e-6);
    // Richardson's extrapolation of the two finest, whose first order cancels.
    let extrapolated = |of: fn(&CentralFlowStep) -> f64| 2.0 * of(&runs[2].1) - of(&runs[1].1);
    for (what, found) in [
        ("loss", extrapolated(|step| step.loss)),
        ("variance", extrapolated(|step| step.trace)),
        ("gradient_norm", extrapolated(|step| step.gradient_norm)),
    ] {
        assert!((found / number(what) - 1.0).abs() < 1e-5, "{what}: {found} against {}", number(what));
    }
}
