//! Helpers of the tests.

#![allow(dead_code, reason = "each test binary uses some of them")]

use gf_core::{
    CurvatureAt, DenseHessian, EvalError, GaussNewton, HessianProduct, Objective, Observer, StepRecord,
    SymmetricOperator, Triangle,
};
use gf_optim::registry::ControlSettings;

/// Gives a problem with a dense Hessian all other capabilities, through that matrix (as Gauss–Newton matrix too).
pub(crate) struct Full<O> {
    pub(crate) objective: O,
    matrix: Vec<f64>,
}

impl<O: Objective> Full<O> {
    pub(crate) fn new(objective: O) -> Self {
        let p = objective.dim();
        Self { objective, matrix: vec![0.0; p * p] }
    }
}

impl<O: Objective> Objective for Full<O> {
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

impl<O: Objective> SymmetricOperator for Full<O> {
    fn order(&self) -> usize {
        self.objective.dim()
    }
    fn apply(&mut self, v: &[f64], out: &mut [f64]) {
        let p = v.len();
        (0..p).for_each(|i| out[i] = (0..p).map(|j| self.matrix[i + j * p] * v[j]).sum());
    }
}

impl<O: DenseHessian> HessianProduct for Full<O> {
    fn hessian_at<'a>(&'a mut self, theta: &[f64]) -> Result<CurvatureAt<'a>, EvalError> {
        self.objective.dense_hessian(theta, Triangle::Both, &mut self.matrix)?;
        Ok(CurvatureAt::new(self, true))
    }
}

impl<O: DenseHessian> DenseHessian for Full<O> {
    fn dense_hessian(&mut self, theta: &[f64], triangle: Triangle, out: &mut [f64]) -> Result<(), EvalError> {
        self.objective.dense_hessian(theta, triangle, out)
    }
}

impl<O: DenseHessian> GaussNewton for Full<O> {
    fn gauss_newton_at<'a>(&'a mut self, theta: &[f64]) -> Result<CurvatureAt<'a>, EvalError> {
        self.hessian_at(theta)
    }
    fn dense_gauss_newton(&mut self, theta: &[f64], triangle: Triangle, out: &mut [f64]) -> Result<(), EvalError> {
        self.objective.dense_hessian(theta, triangle, out)
    }
}

/// Every step control with its defaults, and none: the method's own.
pub(crate) fn all_controls() -> Vec<Option<ControlSettings>> {
    let names = ["armijo", "wolfe", "embedded-error", "switched-evolution", "trust-radius", "gain-ratio"];
    let control = |name: &str| {
        let table = toml::from_str::<toml::Table>(&format!("{name} = {{}}")).expect("a table");
        Some(table.try_into().expect("a control has defaults"))
    };
    std::iter::once(None).chain(names.into_iter().map(control)).collect()
}

/// Keeps every record.
#[derive(Default)]
pub(crate) struct Trace {
    first: Option<u64>,
    pub(crate) theta: Vec<Vec<f64>>,
    pub(crate) loss: Vec<f64>,
    pub(crate) time: Vec<Option<f64>>,
    pub(crate) step_size: Vec<Option<f64>>,
    pub(crate) learning_rate: Vec<Option<f64>>,
    pub(crate) rejected: Vec<u32>,
    pub(crate) events: Vec<Vec<&'static str>>,
    pub(crate) gradient_equivalents: Vec<f64>,
}

impl Observer for Trace {
    fn accepted(&mut self, record: &StepRecord<'_>) {
        // A resumed run reports from its first own step on.
        let first = *self.first.get_or_insert(record.step);
        assert_eq!(record.step, first + self.theta.len() as u64);
        self.theta.push(record.theta.to_vec());
        self.loss.push(record.loss);
        self.time.push(record.time);
        self.step_size.push(record.step_size);
        self.learning_rate.push(record.learning_rate);
        self.rejected.push(record.rejected);
        self.events.push(record.events.iter().map(|event| event.name()).collect());
        self.gradient_equivalents.push(record.gradient_equivalents);
    }
}

/// max|a − b| / max|b|.
pub(crate) fn distance(a: &[f64], b: &[f64]) -> f64 {
    let size = b.iter().fold(0.0f64, |m, x| m.max(x.abs()));
    a.iter().zip(b).fold(0.0f64, |m, (a, b)| m.max((a - b).abs())) / size
}

/// An objective whose curvature becomes NaN at the `from`-th point where it is asked for.
pub(crate) struct Broken<O> {
    objective: O,
    from: usize,
    points: Vec<Vec<f64>>,
}

impl<O> Broken<O> {
    pub(crate) fn new(objective: O, from: usize) -> Self {
        Self { objective, from, points: Vec::new() }
    }

    fn is_broken_at(&mut self, theta: &[f64]) -> bool {
        if self.points.last().is_none_or(|last| last != theta) {
            self.points.push(theta.to_vec());
        }
        self.points.len() >= self.from
    }
}

struct NotANumber(usize);

impl SymmetricOperator for NotANumber {
    fn order(&self) -> usize {
        self.0
    }
    fn apply(&mut self, _v: &[f64], out: &mut [f64]) {
        out.fill(f64::NAN);
    }
}

impl<O: Objective> Objective for Broken<O> {
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

impl<O: HessianProduct> HessianProduct for Broken<O> {
    fn hessian_at<'a>(&'a mut self, theta: &[f64]) -> Result<CurvatureAt<'a>, EvalError> {
        if self.is_broken_at(theta) {
            return Ok(CurvatureAt::new(Box::leak(Box::new(NotANumber(theta.len()))), true));
        }
        self.objective.hessian_at(theta)
    }
}

impl<O: DenseHessian> DenseHessian for Broken<O> {
    fn dense_hessian(&mut self, theta: &[f64], triangle: Triangle, out: &mut [f64]) -> Result<(), EvalError> {
        if self.is_broken_at(theta) {
            out.fill(f64::NAN);
            return Ok(());
        }
        self.objective.dense_hessian(theta, triangle, out)
    }
}

impl<O: GaussNewton> GaussNewton for Broken<O> {
    fn gauss_newton_at<'a>(&'a mut self, theta: &[f64]) -> Result<CurvatureAt<'a>, EvalError> {
        if self.is_broken_at(theta) {
            return Ok(CurvatureAt::new(Box::leak(Box::new(NotANumber(theta.len()))), true));
        }
        self.objective.gauss_newton_at(theta)
    }
    fn dense_gauss_newton(&mut self, theta: &[f64], triangle: Triangle, out: &mut [f64]) -> Result<(), EvalError> {
        if self.is_broken_at(theta) {
            out.fill(f64::NAN);
            return Ok(());
        }
        self.objective.dense_gauss_newton(theta, triangle, out)
    }
}
