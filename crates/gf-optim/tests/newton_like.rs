//! The Newton-like family: minima of the literature, work, optimality of the subproblems' solutions, saddles, retries.

#![allow(clippy::unwrap_used, reason = "a test that unwraps an error fails, as it should")]

mod support;

use gf_core::problems::{Himmelblau, Quadratic, Rosenbrock};
use gf_core::{
    Counted, CurvatureAt, DenseHessian, EvalError, FromClosure, GaussNewton, HessianProduct, Objective, Sample,
    Streams, SymmetricOperator, Triangle, standard_normal, vector,
};
use gf_optim::control::{Constant, Judgement, Needs, StepController, StepStart, StrongWolfe, Trial};
use gf_optim::methods::{CubicRegularization, Lbfgs, Steihaug, SteihaugSettings, TrustRegion};
use gf_optim::registry::{AnyObjective, Family, MethodSettings};
use gf_optim::{Budget, Discretization, EventLog, Outcome, Point, StepFailure, Stop, integrate};
use support::{Full, Trace, distance};

/// The family with factorizations in place of iterations where there is a choice, and its damping as given.
fn family(damping: &str) -> Vec<MethodSettings> {
    let text = [
        "modified-newton = {}".into(),
        format!("saddle-free = {{ damping = {damping}, floor = 1e-8 }}"),
        format!("gauss-newton = {{ damping = {damping}, solver = \"lblt\" }}"),
        "levenberg-marquardt = { solver = \"lblt\" }".into(),
        "trust-region = {}".into(),
        "steihaug = {}".into(),
        "cubic = {}".into(),
        "lbfgs = {}".into(),
        "newton-cg = {}".into(),
    ];
    text.iter().map(|text| toml::from_str(text).unwrap()).collect()
}

fn name(settings: &MethodSettings) -> &'static str {
    settings.info().name
}

fn run(objective: &mut AnyObjective, settings: &MethodSettings, theta: &[f64], budget: &Budget) -> (Outcome, Trace) {
    let mut trace = Trace::default();
    let mut method = settings.build().unwrap();
    let mut control = settings.build_control(None).unwrap();
    let outcome = integrate(objective, &mut *method, &mut *control, &mut [&mut trace], theta.to_vec(), budget).unwrap();
    (outcome, trace)
}

#[test]
fn the_list_here_is_the_whole_family() {
    let registered = MethodSettings::all_defaults().into_iter().filter(|x| x.info().family == Family::NewtonLike);
    let names: Vec<_> = registered.map(|settings| name(&settings)).filter(|name| *name != "newton").collect();
    assert_eq!(names, family("0.0").iter().map(name).collect::<Vec<_>>());
}

/// Values, gradients, products, matrices, factorizations.
type Counts = [u64; 5];

#[test]
fn all_find_the_known_minima_from_the_standard_starts_with_the_counted_work() {
    // On Rosenbrock's valley from (−1.2, 1) and on Himmelblau's function from the origin, near its maximum, to a gradient of 1e-8.
    let expected: [(&str, Counts, Counts); 9] = [
        ("modified-newton", [32, 25, 0, 24, 24], [10, 10, 0, 9, 9]),
        ("saddle-free", [32, 25, 0, 24, 24], [10, 10, 0, 9, 9]),
        ("gauss-newton", [48, 20, 0, 19, 19], [7, 7, 0, 6, 6]),
        ("levenberg-marquardt", [20, 15, 0, 14, 20], [12, 8, 0, 7, 12]),
        ("trust-region", [26, 24, 0, 23, 23], [9, 9, 0, 8, 8]),
        ("steihaug", [30, 28, 46, 0, 0], [10, 10, 13, 0, 0]),
        ("cubic", [29, 22, 0, 21, 21], [10, 8, 0, 7, 7]),
        ("lbfgs", [0, 46, 0, 0, 0], [0, 16, 0, 0, 0]),
        ("newton-cg", [106, 85, 143, 0, 0], [13, 9, 12, 0, 0]),
    ];
    let budget = Budget { gradient_norm: 1e-8, ..Budget::steps(500) };
    for (settings, (method, in_valley, on_hill)) in family("0.0").into_iter().zip(expected) {
        assert_eq!(name(&settings), method);
        let (in_the_valley, _) = run(&mut valley(), &settings, &[-1.2, 1.0], &budget);
        let (on_the_hill, _) = run(&mut hill(), &settings, &[0.0, 0.0], &budget);
        for (outcome, minimum, expected) in [(in_the_valley, [1.0, 1.0], in_valley), (on_the_hill, [3.0, 2.0], on_hill)]
        {
            assert_eq!(outcome.stop, Stop::GradientNorm, "{method}");
            // The Hessians' lowest eigenvalues, 0.4 and 26, over the gradient's limit.
            assert!(distance(&outcome.theta, &minimum) < 3e-8, "{method}: {:?}", outcome.theta);
            let work = outcome.work;
            let counts = [work.values, work.gradients, work.products, work.matrices, work.factorizations];
            let iterative = ["steihaug", "lbfgs", "newton-cg"].contains(&method);
            for (found, expected) in counts.into_iter().zip(expected) {
                let allowed = if iterative { expected.div_ceil(10) } else { 0 };
                assert!(found.abs_diff(expected) <= allowed, "{method}: {counts:?}, expected {expected}");
            }
        }
    }
}

/// Least squares L = ‖r‖² of two residuals, with its true Gauss–Newton matrix 2JᵀJ.
struct Residuals<O> {
    objective: Full<O>,
    /// The Jacobian, row by row.
    jacobian: fn(&[f64]) -> [f64; 4],
    matrix: [f64; 4],
}

fn valley() -> Residuals<Rosenbrock> {
    let jacobian = |t: &[f64]| [-20.0 * t[0], 10.0, -1.0, 0.0];
    Residuals { objective: Full::new(Rosenbrock::new(2)), jacobian, matrix: [0.0; 4] }
}

fn hill() -> Residuals<Himmelblau> {
    let jacobian = |t: &[f64]| [2.0 * t[0], 1.0, 1.0, 2.0 * t[1]];
    Residuals { objective: Full::new(Himmelblau), jacobian, matrix: [0.0; 4] }
}

impl<O: Objective> Objective for Residuals<O> {
    fn dim(&self) -> usize {
        2
    }
    fn value(&mut self, theta: &[f64]) -> Result<f64, EvalError> {
        self.objective.value(theta)
    }
    fn value_and_gradient(&mut self, theta: &[f64], gradient: &mut [f64]) -> Result<f64, EvalError> {
        self.objective.value_and_gradient(theta, gradient)
    }
}

impl<O: DenseHessian> HessianProduct for Residuals<O> {
    fn hessian_at<'a>(&'a mut self, theta: &[f64]) -> Result<CurvatureAt<'a>, EvalError> {
        self.objective.hessian_at(theta)
    }
}

impl<O: DenseHessian> DenseHessian for Residuals<O> {
    fn dense_hessian(&mut self, theta: &[f64], triangle: Triangle, out: &mut [f64]) -> Result<(), EvalError> {
        self.objective.dense_hessian(theta, triangle, out)
    }
}

impl<O: Objective> SymmetricOperator for Residuals<O> {
    fn order(&self) -> usize {
        2
    }
    fn apply(&mut self, v: &[f64], out: &mut [f64]) {
        (0..2).for_each(|i| out[i] = self.matrix[i] * v[0] + self.matrix[i + 2] * v[1]);
    }
}

impl<O: DenseHessian> GaussNewton for Residuals<O> {
    fn gauss_newton_at<'a>(&'a mut self, theta: &[f64]) -> Result<CurvatureAt<'a>, EvalError> {
        let mut matrix = [0.0; 4];
        self.dense_gauss_newton(theta, Triangle::Both, &mut matrix)?;
        self.matrix = matrix;
        Ok(CurvatureAt::new(self, true))
    }
    fn dense_gauss_newton(&mut self, theta: &[f64], _: Triangle, out: &mut [f64]) -> Result<(), EvalError> {
        let [a, b, c, d] = (self.jacobian)(theta);
        out.copy_from_slice(&[a * a + c * c, a * b + c * d, a * b + c * d, b * b + d * d].map(|x| 2.0 * x));
        Ok(())
    }
}

#[test]
fn full_gauss_newton_steps_solve_rosenbrock_in_two() {
    // The residuals are linear in y and 1 − x: the first step ends on x = 1, the second on the minimum.
    let settings: MethodSettings = toml::from_str("gauss-newton = { damping = 0.0, solver = \"lblt\" }").unwrap();
    let mut method = settings.build().unwrap();
    let objective: &mut AnyObjective = &mut valley();
    let start = vec![-1.2, 1.0];
    let outcome =
        integrate(objective, &mut *method, &mut Constant::new(1.0), &mut [], start, &Budget::steps(2)).unwrap();
    assert!(distance(&outcome.theta, &[1.0, 1.0]) < 1e-12);
}

/// One proposal of size h: δ, the prediction, the events.
fn propose(
    objective: &mut AnyObjective,
    method: &mut (dyn Discretization<AnyObjective> + Send),
    theta: &[f64],
    h: f64,
) -> (Vec<f64>, Vec<f64>, Option<f64>, Vec<&'static str>) {
    let (mut gradient, mut delta) = (vec![0.0; theta.len()], vec![0.0; theta.len()]);
    let loss = objective.value_and_gradient(theta, &mut gradient).unwrap();
    let mut counted = Counted::new(objective);
    let mut events = EventLog::default();
    let at = Point { theta, loss, gradient: &gradient, step: 1 };
    method.init(theta.len()).unwrap();
    method.linearize(&mut counted, at).unwrap();
    method.propose(&mut counted, at, h, &mut delta, &mut events).unwrap();
    (delta, gradient, method.predicted_decrease(), events.events().iter().map(|event| event.name()).collect())
}

fn product(objective: &mut AnyObjective, theta: &[f64], v: &[f64]) -> Vec<f64> {
    let mut out = vec![0.0; v.len()];
    objective.hessian_at(theta).unwrap().apply(v, &mut out);
    out
}

/// The largest eigenvalue in modulus.
fn largest(quadratic: &Quadratic) -> f64 {
    quadratic.eigenvalues().iter().fold(0.0, |m, x| x.abs().max(m))
}

#[test]
fn where_the_hessian_is_positive_definite_all_limits_are_newtons_step() {
    let theta = [2.5, 1.5];
    let mut objective = Full::new(Himmelblau);
    let mut h = [0.0; 4];
    objective.dense_hessian(&theta, Triangle::Both, &mut h).unwrap();
    let mut g = [0.0; 2];
    objective.value_and_gradient(&theta, &mut g).unwrap();
    let determinant = h[0] * h[3] - h[1] * h[1];
    let newton = [(h[1] * g[1] - h[3] * g[0]) / determinant, (h[1] * g[0] - h[0] * g[1]) / determinant];
    for (settings, size) in family("0.0").iter().zip([1.0, 1.0, 1.0, 1e15, 100.0, 100.0, 1e15, 0.0, 1.0]) {
        // Steihaug's and Newton-CG's are Newton's only up to their forcing term.
        if ["steihaug", "lbfgs", "newton-cg"].contains(&name(settings)) {
            continue;
        }
        let (delta, _, _, events) = propose(&mut objective, &mut *settings.build().unwrap(), &theta, size);
        assert!(distance(&delta, &newton) < 1e-12, "{}: {delta:?} {newton:?}", name(settings));
        assert!(events.is_empty());
    }
    // Levenberg–Marquardt is damped Gauss–Newton with λ = 1/h.
    let [gauss_newton, marquardt] = [
        ("gauss-newton = { damping = 8.0, solver = \"lblt\" }", 1.0),
        ("levenberg-marquardt = { solver = \"lblt\" }", 0.125),
    ]
    .map(|(text, h)| {
        let settings: MethodSettings = toml::from_str(text).unwrap();
        propose(&mut hill(), &mut *settings.build().unwrap(), &theta, h).0
    });
    assert_eq!(gauss_newton, marquardt);
}

#[test]
fn convergence_is_superlinear_near_a_nondegenerate_minimum() {
    for settings in family("0.0") {
        // A damping that falls threefold a step and secant pairs make no such claim.
        if ["levenberg-marquardt", "lbfgs"].contains(&name(&settings)) {
            continue;
        }
        let budget = Budget { loss: 1e-20, ..Budget::steps(50) };
        let (outcome, trace) = run(&mut hill(), &settings, &[2.8, 2.1], &budget);
        assert_eq!(outcome.stop, Stop::Loss, "{}", name(&settings));
        let logs: Vec<f64> = trace.loss[1..].iter().map(|loss| loss.ln()).collect();
        let [.., before, last] = logs[..] else { panic!("{logs:?}") };
        // The order is 2; the forcing term alone promises 3/2, but two iterations solve a system of two exactly.
        let order = (outcome.loss.ln() - last) / (last - before);
        assert!((order - 2.0).abs() < 0.2, "{}: order {order}", name(&settings));
    }
}

#[test]
fn an_indefinite_gauss_newton_matrix_is_refused_or_damped() {
    // The Hessian in its place (see `Full`), near Himmelblau's maximum.
    let (outcome, _) = run(&mut Full::new(Himmelblau), &family("1e-4")[2], &[0.0, 0.0], &Budget::steps(3));
    assert!(matches!(outcome.stop, Stop::Failed(StepFailure::Indefinite { .. })), "{}", outcome.stop);
    let budget = Budget { gradient_norm: 1e-6, ..Budget::steps(100) };
    let (outcome, trace) = run(&mut Full::new(Himmelblau), &family("1e-4")[3], &[0.0, 0.0], &budget);
    assert_eq!(outcome.stop, Stop::GradientNorm);
    assert!(trace.rejected[1] > 0);
}

#[test]
fn truncated_iterations_that_spend_their_products_keep_the_best_step() {
    // One product: the minimizer along −∇L.
    let theta = [1.0, 1.0];
    for text in ["steihaug = { forcing = 1e-9, max_products = 1 }", "newton-cg = { forcing = 1e-9, max_products = 1 }"]
    {
        let settings: MethodSettings = toml::from_str(text).unwrap();
        let mut quadratic = Quadratic::diagonal(&[1.0, 3.0]);
        let (delta, ..) = propose(&mut quadratic, &mut *settings.build().unwrap(), &theta, 1.0);
        assert!(distance(&delta, &[-10.0 / 28.0, -30.0 / 28.0]) < 1e-15 || text.contains("steihaug"), "{delta:?}");
        assert!((delta[1] - 3.0 * delta[0]).abs() < 1e-15, "{delta:?}");
    }
}

/// Quadratics with a start each: spectra of every kind, gradients with and without a part along the lowest eigenvector, and none at all.
fn subproblems() -> Vec<(Quadratic, Vec<f64>)> {
    let mut rng = Streams::new(11).data();
    let mut random = |n: usize| -> Vec<f64> { (0..n).map(|_| standard_normal(&mut rng)).collect() };
    let spectra = [
        random(12),
        random(12).iter().map(|x| x * x + 1e-3).collect(),
        random(12).iter().map(|x| -x * x).collect(),
        vec![-2.0, -2.0, -2.0, 1.0, 5.0],
        vec![-1e-6, 1.0, 1e6],
        vec![-3.0],
    ];
    let starts: Vec<Vec<f64>> = spectra.iter().map(|spectrum| random(spectrum.len())).collect();
    let mut problems = Vec::new();
    for (spectrum, start) in spectra.iter().zip(&starts) {
        let lowest = spectrum.iter().copied().fold(f64::INFINITY, f64::min);
        for along_lowest in [1.0, 1e-9, 0.0] {
            for quadratic in [Quadratic::diagonal(spectrum), Quadratic::rotated(spectrum, &mut Streams::new(3).data())]
            {
                for size in [1.0, 0.0] {
                    let mut theta: Vec<f64> = start.iter().map(|x| size * x).collect();
                    let along = spectrum.iter().enumerate().filter(|(_, value)| **value == lowest);
                    along.for_each(|(i, _)| theta[i] *= along_lowest);
                    quadratic.from_eigenbasis(&mut theta);
                    theta.iter_mut().zip(quadratic.center()).for_each(|(x, c)| *x += c);
                    problems.push((quadratic.clone(), theta));
                }
            }
        }
    }
    problems
}

/// The conditions that make δ a global minimizer: (H + μI)δ = −g, H + μI ⪰ 0, and `allowed`(μ) the length where μ > 0.
fn check_optimal(
    quadratic: &mut Quadratic,
    theta: &[f64],
    (delta, gradient): (&[f64], &[f64]),
    allowed: impl Fn(f64) -> f64,
    case: &str,
) {
    let largest = largest(quadratic);
    let lowest = quadratic.eigenvalues().iter().copied().fold(f64::INFINITY, f64::min);
    let (length, slope) = (vector::norm(delta), vector::norm(gradient));
    if length == 0.0 {
        assert!(slope == 0.0 && lowest >= 0.0, "{case}: no step");
        return;
    }
    let mut residual = product(quadratic, theta, delta);
    residual.iter_mut().zip(gradient).for_each(|(r, g)| *r += g);
    let shift = -vector::dot(delta, &residual) / (length * length);
    vector::add_scaled(&mut residual, shift, delta);
    // Rounding of the products and of the eigenvectors.
    let scale = (largest + shift.abs()) * length + slope;
    assert!(vector::norm(&residual) <= 1e-13 * scale, "{case}: residual {:e}", vector::norm(&residual) / scale);
    let rounding = 1e-13 * scale / length;
    assert!(shift >= -lowest - rounding && shift >= -rounding, "{case}: shift {shift:e}, lowest {lowest:e}");
    let allowed = allowed(shift);
    // The cubic's length is as well known as the shift.
    let slack = allowed * (1e-12 + if shift > rounding { rounding / shift } else { f64::INFINITY });
    assert!(length <= allowed + slack, "{case}: {length:e} > {allowed:e}");
    if shift > 1e3 * rounding {
        assert!(length >= allowed - slack, "{case}: {length:e} < {allowed:e}, shift {shift:e}");
    }
}

#[test]
fn trust_region_steps_are_optimal_in_easy_and_hard_cases() {
    for (k, (mut quadratic, theta)) in subproblems().into_iter().enumerate() {
        let size = largest(&quadratic);
        for radius in [1e-4, 0.1, 1.0, 7.0, 1e4] {
            let (delta, gradient, predicted, _) = propose(&mut quadratic, &mut TrustRegion::default(), &theta, radius);
            let case = format!("problem {k}, radius {radius}");
            let length = vector::norm(&delta);
            assert!(length <= radius * (1.0 + 1e-12), "{case}: {length}");
            check_optimal(&mut quadratic, &theta, (&delta, &gradient), |_| radius, &case);
            let lowest = quadratic.eigenvalues().iter().copied().fold(f64::INFINITY, f64::min);
            assert!(lowest >= 0.0 || length >= radius * (1.0 - 1e-12), "{case}: indefinite, but inside: {length}");
            check_prediction(&mut quadratic, &theta, (&delta, &gradient), predicted.unwrap(), (0.0, size), &case);
        }
    }
}

#[test]
fn cubic_steps_are_optimal_in_easy_and_hard_cases() {
    for (k, (mut quadratic, theta)) in subproblems().into_iter().enumerate() {
        let size = largest(&quadratic);
        for weight in [1e-4, 0.1, 1.0, 7.0, 1e4] {
            let mut method = CubicRegularization::default();
            let (delta, gradient, predicted, _) = propose(&mut quadratic, &mut method, &theta, 1.0 / weight);
            let case = format!("problem {k}, σ {weight}");
            check_optimal(&mut quadratic, &theta, (&delta, &gradient), |shift| shift / weight, &case);
            check_prediction(&mut quadratic, &theta, (&delta, &gradient), predicted.unwrap(), (weight, size), &case);
        }
    }
}

/// The prediction is −gᵀδ − ½δᵀHδ − (σ/3)‖δ‖³, by a product.
fn check_prediction(
    objective: &mut AnyObjective,
    theta: &[f64],
    (delta, gradient): (&[f64], &[f64]),
    predicted: f64,
    (weight, largest): (f64, f64),
    case: &str,
) {
    let terms = [
        -vector::dot(gradient, delta),
        -0.5 * vector::dot(delta, &product(objective, theta, delta)),
        -weight / 3.0 * vector::norm(delta).powi(3),
    ];
    let expected: f64 = terms.iter().sum();
    let size: f64 = terms.iter().map(|x| x.abs()).sum();
    // A product with H is exact to H's largest eigenvalue.
    let rounding = 1e-12 * size + 1e-15 * largest * vector::dot(delta, delta);
    assert!((predicted - expected).abs() <= rounding, "{case}: predicted {predicted:e}, is {expected:e}");
    assert!(predicted >= 0.0, "{case}");
}

#[test]
fn methods_predict_a_decrease_exactly_where_they_say_so() {
    for settings in family("1e-4") {
        let theta = [2.5, 1.5];
        let mut objective = Full::new(Himmelblau);
        let h = 0.02;
        let (delta, gradient, predicted, _) = propose(&mut objective, &mut *settings.build().unwrap(), &theta, h);
        assert_eq!(predicted.is_some(), settings.settings().predicts_decrease(), "{}", name(&settings));
        if let Some(predicted) = predicted {
            let weight = if name(&settings) == "cubic" { 1.0 / h } else { 0.0 };
            check_prediction(&mut objective, &theta, (&delta, &gradient), predicted, (weight, 0.0), name(&settings));
        }
    }
}

#[test]
fn steihaug_is_the_exact_step_inside_and_ends_on_the_boundary_elsewhere() {
    let settings = SteihaugSettings { forcing: 1e-12, ..Default::default() };
    for (k, (mut quadratic, theta)) in subproblems().into_iter().enumerate() {
        let size = largest(&quadratic);
        for radius in [1e-4, 1.0, 1e4] {
            let mut method = Steihaug::new(settings);
            let (delta, gradient, predicted, events) = propose(&mut quadratic, &mut method, &theta, radius);
            let case = format!("problem {k}, radius {radius}");
            let length = vector::norm(&delta);
            assert!(length <= radius * (1.0 + 1e-14), "{case}: {length}");
            check_prediction(&mut quadratic, &theta, (&delta, &gradient), predicted.unwrap(), (0.0, size), &case);
            // At least the model's decrease along −∇L within the ball (Cauchy).
            let slope = vector::norm(&gradient);
            let curvature = vector::dot(&gradient, &product(&mut quadratic, &theta, &gradient)) / (slope * slope);
            let to = if curvature * radius > slope { slope / curvature } else { radius };
            let cauchy = if slope > 0.0 { slope * to - 0.5 * curvature * to * to } else { 0.0 };
            assert!(predicted.unwrap() >= (1.0 - 1e-12) * cauchy, "{case}: {predicted:?} {cauchy}");
            if events == ["negative-curvature"] {
                assert!(length >= radius * (1.0 - 1e-12), "{case}");
            }
        }
    }
    // Positive definite, inside: Newton's step.
    let mut quadratic = Quadratic::rotated(&[0.5, 1.0, 4.0, 9.0], &mut Streams::new(1).data());
    let (delta, ..) = propose(&mut quadratic, &mut Steihaug::new(settings), &[1.0; 4], 100.0);
    let end: Vec<f64> = delta.iter().map(|x| x + 1.0).collect();
    assert!(distance(&end, quadratic.center()) < 1e-11);
}

#[test]
fn no_exact_step_moves_along_parameters_that_the_loss_does_not_depend_on() {
    let eigenvalues = [0.0, 0.0, 0.0, 1.0, -2.0, 30.0];
    let mut quadratic = Quadratic::rotated(&eigenvalues, &mut Streams::new(9).data());
    for text in ["trust-region = {}", "cubic = {}", "saddle-free = {}"] {
        let settings: MethodSettings = toml::from_str(text).unwrap();
        let (mut delta, ..) = propose(&mut quadratic, &mut *settings.build().unwrap(), &[0.7; 6], 3.0);
        quadratic.to_eigenbasis(&mut delta);
        assert!(delta[..3].iter().all(|x| x.abs() < 1e-13), "{text}: {delta:?}");
        assert!(delta[4].abs() > 0.1, "{text}: {delta:?}");
    }
}

/// ½(x² − y²) + ¼y⁴: a saddle at the origin, minima of value −¼ at (0, ±1).
fn saddle() -> Full<Saddle> {
    Full::new(Saddle)
}

struct Saddle;

impl Objective for Saddle {
    fn dim(&self) -> usize {
        2
    }
    fn value(&mut self, t: &[f64]) -> Result<f64, EvalError> {
        Ok(0.5 * (t[0] * t[0] - t[1] * t[1]) + 0.25 * t[1].powi(4))
    }
    fn value_and_gradient(&mut self, t: &[f64], gradient: &mut [f64]) -> Result<f64, EvalError> {
        gradient.copy_from_slice(&[t[0], t[1].powi(3) - t[1]]);
        self.value(t)
    }
}

impl DenseHessian for Saddle {
    fn dense_hessian(&mut self, t: &[f64], _: Triangle, out: &mut [f64]) -> Result<(), EvalError> {
        out.copy_from_slice(&[1.0, 0.0, 0.0, 3.0 * t[1] * t[1] - 1.0]);
        Ok(())
    }
}

#[test]
fn methods_that_say_so_leave_a_saddle() {
    let budget = Budget { gradient_norm: 1e-9, ..Budget::steps(200) };
    for settings in family("1e-4") {
        // Those of the Gauss–Newton matrix do not say so.
        if name(&settings).contains("gauss") || name(&settings).contains("marquardt") {
            continue;
        }
        let (outcome, trace) = run(&mut saddle(), &settings, &[1.0, 1e-4], &budget);
        assert_eq!(outcome.stop, Stop::GradientNorm, "{}", name(&settings));
        assert!(distance(&outcome.theta, &[0.0, 1.0]) < 1e-8, "{}: {:?}", name(&settings), outcome.theta);
        let named = trace
            .events
            .iter()
            .flatten()
            .any(|event| ["modified-matrix", "used-absolute-hessian", "negative-curvature"].contains(event));
        assert_eq!(named, name(&settings) != "lbfgs", "{}", name(&settings));
    }
}

#[test]
fn exact_models_leave_even_the_saddle_itself() {
    for text in ["trust-region = {}", "cubic = {}"] {
        let budget = Budget::steps(30);
        let (outcome, _) = run(&mut saddle(), &toml::from_str(text).unwrap(), &[0.0, 0.0], &budget);
        assert!((outcome.theta[1].abs() - 1.0).abs() < 1e-12, "{text}: {:?}", outcome.theta);
    }
}

/// Rejects the first trials of each step.
struct Rejecting {
    rejections: u32,
    trials: u32,
    h: f64,
}

impl StepController for Rejecting {
    fn needs(&self) -> Needs {
        Needs::Loss
    }
    fn follows_flow(&self) -> bool {
        false
    }
    fn first(&mut self, _start: StepStart) -> f64 {
        self.trials = 0;
        self.h
    }
    fn judge(&mut self, _trial: Trial<'_>) -> Judgement {
        self.trials += 1;
        if self.trials > self.rejections {
            Judgement::Accept
        } else {
            Judgement::Retry(0.5f64.powi(self.trials as i32) * self.h)
        }
    }
    fn failed(&mut self, failure: StepFailure, _h: f64) -> Judgement {
        Judgement::Abort(failure)
    }
}

#[test]
fn a_second_trial_step_writes_down_no_matrix_and_repeats_no_decomposition() {
    for settings in family("1e-4") {
        let go = |rejections: u32| {
            let mut control = Rejecting { rejections, trials: 0, h: 0.01 };
            let mut method = settings.build().unwrap();
            let objective: &mut AnyObjective = &mut Full::new(Himmelblau);
            integrate(objective, &mut *method, &mut control, &mut [], vec![2.5, 1.5], &Budget::steps(4)).unwrap().work
        };
        let (plain, retried) = (go(0), go(3));
        assert_eq!((plain.values, retried.values), (4, 16));
        let matrices = match name(&settings) {
            "steihaug" | "lbfgs" | "newton-cg" => 0,
            _ => 4,
        };
        assert_eq!((plain.matrices, retried.matrices), (matrices, matrices), "{}", name(&settings));
        // Levenberg–Marquardt's damping is in the matrix, and Steihaug's iteration ends on the boundary of each radius.
        let again = |method: &str| if name(&settings) == method { 4 } else { 1 };
        assert_eq!(retried.factorizations, again("levenberg-marquardt") * matrices, "{}", name(&settings));
        assert_eq!(retried.gradients, plain.gradients);
        if name(&settings) == "newton-cg" {
            assert!(retried.products <= 2 * 4 && plain.products > 0);
        } else if name(&settings) == "steihaug" {
            assert_eq!((plain.products, retried.products), (4, 16));
        } else {
            assert_eq!(retried.products, 0, "{}", name(&settings));
        }
    }
}

/// The exact minimum along the direction, for quadratics.
struct ExactSearch {
    found: bool,
}

impl StepController for ExactSearch {
    fn needs(&self) -> Needs {
        Needs::LossAndGradient
    }
    fn follows_flow(&self) -> bool {
        false
    }
    fn first(&mut self, _start: StepStart) -> f64 {
        self.found = false;
        1.0
    }
    fn judge(&mut self, trial: Trial<'_>) -> Judgement {
        if std::mem::replace(&mut self.found, true) {
            return Judgement::Accept;
        }
        Judgement::Retry(trial.h * trial.slope / (trial.slope - trial.trial_slope.unwrap()))
    }
    fn failed(&mut self, failure: StepFailure, _h: f64) -> Judgement {
        Judgement::Abort(failure)
    }
}

#[test]
fn lbfgs_with_exact_searches_ends_after_as_many_steps_as_a_quadratic_has_eigenvalues() {
    // It is the conjugate gradient method then, whatever its memory.
    for memory in [1, 3, 20] {
        let eigenvalues = [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 4.0, 1.0, 0.5];
        let mut quadratic = Quadratic::rotated(&eigenvalues, &mut Streams::new(6).data());
        let mut trace = Trace::default();
        let start = vec![1.0; eigenvalues.len()];
        let control = &mut ExactSearch { found: false };
        let budget = Budget { gradient_norm: 1e-9, ..Budget::steps(20) };
        let outcome =
            integrate(&mut quadratic, &mut Lbfgs::new(memory), control, &mut [&mut trace], start, &budget).unwrap();
        assert_eq!((outcome.stop, outcome.steps), (Stop::GradientNorm, 6), "memory {memory}");
        assert!(trace.events.iter().flatten().next().is_none());
    }
}

#[test]
fn lbfgs_skips_pairs_of_negative_curvature_by_name() {
    let mut concave = Quadratic::diagonal(&[-1.0, -0.5]);
    let mut trace = Trace::default();
    let outcome = integrate(
        &mut concave,
        &mut Lbfgs::new(5),
        &mut Constant::new(0.1),
        &mut [&mut trace],
        vec![0.1, 0.2],
        &Budget::steps(3),
    )
    .unwrap();
    assert_eq!(outcome.stop, Stop::Steps);
    assert_eq!(trace.events, [vec![], vec![], vec!["skipped-pair"], vec!["skipped-pair"]]);
    // Without pairs it is gradient descent, as the gradient is short.
    assert!(distance(&outcome.theta, &[0.1 * 1.1f64.powi(3), 0.2 * 1.05f64.powi(3)]) < 1e-15);
}

#[test]
fn lbfgs_runs_on_changing_samples_and_on_gradients_alone() {
    struct Alternating(Quadratic, u64);
    impl Objective for Alternating {
        fn dim(&self) -> usize {
            self.0.dim()
        }
        fn value(&mut self, theta: &[f64]) -> Result<f64, EvalError> {
            Ok((1.0 + 0.1 * (self.1 % 2) as f64) * self.0.value(theta)?)
        }
        fn value_and_gradient(&mut self, theta: &[f64], gradient: &mut [f64]) -> Result<f64, EvalError> {
            let scale = 1.0 + 0.1 * (self.1 % 2) as f64;
            let loss = self.0.value_and_gradient(theta, gradient)?;
            gradient.iter_mut().for_each(|g| *g *= scale);
            Ok(scale * loss)
        }
        fn begin_step(&mut self, step: u64) -> Sample {
            self.1 = step;
            Sample::Changed
        }
    }
    let mut objective = Alternating(Quadratic::diagonal(&[1.0, 5.0, 20.0]), 0);
    let control = &mut StrongWolfe::default();
    let budget = Budget { gradient_norm: 1e-6, ..Budget::steps(60) };
    let outcome = integrate(&mut objective, &mut Lbfgs::new(10), control, &mut [], vec![1.0; 3], &budget).unwrap();
    assert_eq!(outcome.stop, Stop::GradientNorm);
    let mut closure = FromClosure::new(1, |t: &[f64], g: &mut [f64]| {
        g[0] = t[0].sinh();
        t[0].cosh()
    });
    let control = &mut StrongWolfe::default();
    let outcome = integrate(&mut closure, &mut Lbfgs::new(10), control, &mut [], vec![4.0], &budget).unwrap();
    assert_eq!(outcome.stop, Stop::GradientNorm);
}

#[test]
fn settings_of_the_family_are_checked() {
    for (text, key) in [
        ("modified-newton = { floor = 0.0 }", "modified-newton.floor"),
        ("saddle-free = { damping = 0.0 }", "saddle-free.floor"),
        ("saddle-free = { damping = -1.0 }", "saddle-free.damping"),
        ("gauss-newton = { solver = \"auto\" }", "gauss-newton.solver"),
        ("gauss-newton = { damping = -1.0 }", "gauss-newton.damping"),
        ("levenberg-marquardt = { damping = 0.0 }", "levenberg-marquardt.damping"),
        ("trust-region = { radius = 0.0 }", "trust-region.radius"),
        ("steihaug = { forcing = 1.0 }", "steihaug.forcing"),
        ("cubic = { regularization = 0.0 }", "cubic.regularization"),
        ("lbfgs = { memory = 0 }", "lbfgs.memory"),
        ("newton-cg = { max_products = 0 }", "newton-cg.max_products"),
    ] {
        assert_eq!(toml::from_str::<MethodSettings>(text).unwrap().validate().unwrap_err().key, key);
    }
}
