//! The operations timed on a case.

use std::time::Instant;

use anyhow::{Result, bail, ensure};
use gf_core::{Cost, DenseHessian, HessianProduct, Objective, Streams, SymmetricOperator, Triangle, Work, vector};
use gf_layers::NetworkObjective;
use gf_optim::control::Constant;
use gf_optim::methods::{Accept, LinearlyImplicitEuler};
use gf_optim::solver::{Direct, Minres};
use gf_optim::{Budget, Discretization, integrate};
use gf_spectrum::{EigenpairSettings, EigenpairSolver, Eigenpairs};
use rayon::prelude::*;

use crate::cases::{Case, STEP_SIZE};

/// What is timed. The names are those of the Python peers and of the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// The p × p Hessian, both triangles, into reused memory.
    FullHessian,
    /// Loss and gradient.
    Gradient,
    /// A Hessian product at a point that is known already.
    HessianProduct,
    /// A Hessian product from θ and v, nothing kept.
    FreshHessianProduct,
    /// A linearly implicit Euler step by MINRES to the relative residual 1e-10.
    ImplicitStep,
    /// The same step by one dense factorization: LBLᵀ where the matrix is indefinite, else Cholesky.
    DenseImplicitStep,
    /// The ten highest eigenpairs of the Hessian from products, from a start near the gradient, with residuals up to 1e-6 of the largest |λ|; they are
    /// measured outside the timed calls, as those of the peers are.
    TopEigenpairs,
    /// p² doubles written into reused memory, by as many threads as there are.
    FillMatrix,
    /// The same by one thread.
    FillMatrixSequentially,
}

impl Operation {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::FullHessian,
        Self::Gradient,
        Self::HessianProduct,
        Self::FreshHessianProduct,
        Self::ImplicitStep,
        Self::DenseImplicitStep,
        Self::TopEigenpairs,
        Self::FillMatrix,
        Self::FillMatrixSequentially,
    ];

    /// The name.
    pub fn name(self) -> &'static str {
        match self {
            Self::FullHessian => "full-hessian",
            Self::Gradient => "gradient",
            Self::HessianProduct => "hessian-product",
            Self::FreshHessianProduct => "fresh-hessian-product",
            Self::ImplicitStep => "implicit-step",
            Self::DenseImplicitStep => "dense-implicit-step",
            Self::TopEigenpairs => "top-eigenpairs",
            Self::FillMatrix => "fill-matrix",
            Self::FillMatrixSequentially => "fill-matrix-sequentially",
        }
    }

    /// The operation of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|operation| operation.name() == name)
    }

    /// Whether it writes p² numbers.
    pub fn is_dense(self) -> bool {
        matches!(self, Self::FullHessian | Self::DenseImplicitStep | Self::FillMatrix | Self::FillMatrixSequentially)
    }

    fn is_step(self) -> bool {
        matches!(self, Self::ImplicitStep | Self::DenseImplicitStep)
    }
}

/// What [`Operation::TopEigenpairs`] asks for.
const TOP_EIGENPAIRS: EigenpairSettings =
    EigenpairSettings { top: 10, bottom: 0, tolerance: 1e-6, max_products: 2000, block: 1, basis: 0 };

/// Flops counted for one run of `operation`: n p² for a full Hessian (whatever is really done), the model flops of
/// [`gf_core::Cost`] for gradients and products; none for steps, whose work depends on the point.
pub fn counted_flops(case: &Case, operation: Operation) -> Result<Option<f64>> {
    let (n, p, cost) = (case.samples.len() as f64, case.dim() as f64, case.objective()?.cost());
    Ok(match operation {
        Operation::FullHessian => Some(n * p * p),
        Operation::Gradient => Some(cost.value_and_gradient),
        Operation::HessianProduct => Some(cost.hessian_product),
        Operation::FreshHessianProduct => Some(fresh_product(&cost)),
        _ => None,
    })
}

/// Flops of a product at a new point: a forward and a backward pass go before it, but not the sums over samples that make them a gradient, which are
/// as many flops as a value.
fn fresh_product(cost: &Cost) -> f64 {
    cost.value_and_gradient - cost.value + cost.linearize + cost.hessian_product
}

/// A case, ready to be timed: everything that is reused between calls is allocated once.
///
/// A [`NetworkObjective`] remembers what it computed at the last θ. So that no call profits from the one before, all operations but
/// [`Operation::HessianProduct`] alternate between two points, θ and θ + 1e-6·v.
pub struct Bench {
    case: Case,
    objective: NetworkObjective,
    points: [Vec<f64>; 2],
    turn: usize,
    vector: Vec<f64>,
    matrix: Vec<f64>,
    loss: f64,
    work: Work,
    matrix_free: LinearlyImplicitEuler<Minres, Accept>,
    dense: Dense,
    eigenpairs: Option<EigenpairSolver>,
}

enum Dense {
    Definite(Box<LinearlyImplicitEuler<Direct>>),
    Indefinite(Box<LinearlyImplicitEuler<Direct, Accept>>),
}

impl Bench {
    /// For `case`.
    ///
    /// # Errors
    /// Never for a case as read or drawn.
    pub fn new(case: Case) -> Result<Self> {
        let objective = case.objective()?;
        let beside = case.theta.iter().zip(&case.direction).map(|(theta, v)| theta + 1e-6 * v).collect();
        let dense = match case.name.is_indefinite() {
            true => Dense::Indefinite(Box::new(LinearlyImplicitEuler::with_policy(Direct::lblt(), Accept))),
            false => Dense::Definite(Box::new(LinearlyImplicitEuler::new(Direct::cholesky()))),
        };
        Ok(Self {
            objective,
            points: [case.theta.clone(), beside],
            turn: 0,
            vector: vec![0.0; case.dim()],
            matrix: Vec::new(),
            loss: f64::NAN,
            work: Work::default(),
            matrix_free: LinearlyImplicitEuler::with_policy(Minres::default(), Accept),
            dense,
            eigenpairs: None,
            case,
        })
    }

    /// The case.
    pub fn case(&self) -> &Case {
        &self.case
    }

    /// The operations of this case: all, but no p × p matrices where p is large.
    pub fn operations(&self) -> impl Iterator<Item = Operation> {
        let dense = self.case.name.is_dense();
        Operation::ALL.into_iter().filter(move |operation| dense || !operation.is_dense())
    }

    /// Allocates what the next runs of `operation` reuse.
    ///
    /// # Errors
    /// A matrix asked of a case that is too large for it.
    pub fn set_up(&mut self, operation: Operation) -> Result<()> {
        ensure!(self.operations().any(|known| known == operation), "case {:?} has no {operation:?}", self.case.name);
        let needs_matrix = operation.is_dense() && operation != Operation::DenseImplicitStep;
        if needs_matrix && self.matrix.is_empty() {
            self.matrix = vec![0.0; self.case.dim() * self.case.dim()];
        }
        if operation == Operation::TopEigenpairs && self.eigenpairs.is_none() {
            self.eigenpairs = Some(EigenpairSolver::new(self.case.dim(), TOP_EIGENPAIRS)?);
        }
        Ok(())
    }

    /// Runs it once.
    ///
    /// # Errors
    /// Those of the objective, and of a step that failed.
    pub fn run(&mut self, operation: Operation) -> Result<()> {
        self.set_up(operation)?;
        let point = match operation {
            Operation::HessianProduct => 0,
            _ => {
                self.turn = 1 - self.turn;
                self.turn
            }
        };
        let theta = &self.points[point];
        match operation {
            Operation::FullHessian => self.objective.dense_hessian(theta, Triangle::Both, &mut self.matrix)?,
            Operation::Gradient => self.loss = self.objective.value_and_gradient(theta, &mut self.vector)?,
            Operation::HessianProduct | Operation::FreshHessianProduct => {
                self.objective.hessian_at(theta)?.apply(&self.case.direction, &mut self.vector);
            }
            Operation::ImplicitStep => {
                (self.vector, self.work) = step(&mut self.objective, &mut self.matrix_free, theta)?;
            }
            Operation::DenseImplicitStep => {
                (self.vector, self.work) = match &mut self.dense {
                    Dense::Definite(method) => step(&mut self.objective, &mut **method, theta)?,
                    Dense::Indefinite(method) => step(&mut self.objective, &mut **method, theta)?,
                };
            }
            Operation::TopEigenpairs => {
                let solver = self.eigenpairs.as_mut().expect("made above");
                solver.forget();
                self.objective.value_and_gradient(theta, &mut self.vector)?;
                solver.lean_towards(&self.vector);
                solver.find(&mut self.objective.hessian_at(theta)?, &mut Streams::new(0).probes())?;
            }
            Operation::FillMatrix => {
                let share = self.matrix.len().div_ceil(rayon::current_num_threads());
                self.matrix.par_chunks_mut(share).for_each(|part| part.fill(1.0));
            }
            Operation::FillMatrixSequentially => self.matrix.fill(1.0),
        }
        Ok(())
    }

    /// The result at θ itself: loss and gradient, H (p², symmetric), H·v, θ after the step, or eigenvalues, descending.
    ///
    /// # Errors
    /// As [`Bench::run`].
    pub fn result(&mut self, operation: Operation) -> Result<Vec<f64>> {
        self.turn = 1;
        self.run(operation)?;
        Ok(match operation {
            Operation::FullHessian => self.matrix.clone(),
            Operation::Gradient => std::iter::once(self.loss).chain(self.vector.iter().copied()).collect(),
            Operation::FillMatrix | Operation::FillMatrixSequentially => vec![self.matrix[0]],
            Operation::TopEigenpairs => {
                self.eigenpairs().into_iter().flat_map(Eigenpairs::top).map(|pair| pair.value).collect()
            }
            _ => self.vector.clone(),
        })
    }

    /// The work of the last step; none for operations that are not steps.
    pub fn work(&self, operation: Operation) -> Option<Work> {
        operation.is_step().then_some(self.work)
    }

    /// What the last run of [`Operation::TopEigenpairs`] found; none before.
    pub fn eigenpairs(&self) -> Option<&Eigenpairs> {
        self.eigenpairs.as_ref().map(EigenpairSolver::found)
    }

    /// Model flops of the last run of `operation` ([`gf_core::Cost`]): what gf really has to do; none for filling memory.
    pub fn model_flops(&self, operation: Operation) -> Option<f64> {
        let cost = self.objective.cost();
        Some(match operation {
            Operation::FullHessian => cost.value_and_gradient + cost.dense_hessian,
            Operation::Gradient => cost.value_and_gradient,
            Operation::HessianProduct => cost.hessian_product,
            Operation::FreshHessianProduct => fresh_product(&cost),
            Operation::ImplicitStep | Operation::DenseImplicitStep => self.work.flops,
            Operation::TopEigenpairs => {
                let products = self.eigenpairs().map_or(0, |found| found.products + found.checks);
                cost.value_and_gradient + cost.linearize + products as f64 * cost.hessian_product
            }
            Operation::FillMatrix | Operation::FillMatrixSequentially => return None,
        })
    }

    /// ‖(H + I/h)δ + g‖ / ‖g‖ of the step from θ to `after`; the largest ‖Hv − λv‖ of the last eigenpairs over the largest |λ|; none for
    /// other operations.
    ///
    /// # Errors
    /// Those of the objective.
    pub fn residual(&mut self, operation: Operation, after: &[f64]) -> Result<Option<f64>> {
        if operation == Operation::TopEigenpairs {
            let Some(solver) = &mut self.eigenpairs else { return Ok(None) };
            let measured = solver.measure(&mut self.objective.hessian_at(&self.points[0])?)?;
            return Ok(Some(measured.largest_residual()));
        }
        if !operation.is_step() {
            return Ok(None);
        }
        let theta = &self.points[0];
        let mut gradient = vec![0.0; theta.len()];
        let mut residual = vec![0.0; theta.len()];
        self.objective.value_and_gradient(theta, &mut gradient)?;
        let delta: Vec<f64> = after.iter().zip(theta).map(|(after, before)| after - before).collect();
        self.objective.hessian_at(theta)?.apply(&delta, &mut residual);
        vector::add_scaled(&mut residual, 1.0 / STEP_SIZE, &delta);
        vector::add_scaled(&mut residual, 1.0, &gradient);
        Ok(Some(vector::norm(&residual) / vector::norm(&gradient)))
    }

    /// Seconds of each of `calls` runs, after `warm_up` runs that are not timed.
    ///
    /// # Errors
    /// As [`Bench::run`].
    pub fn seconds(&mut self, operation: Operation, warm_up: usize, calls: usize) -> Result<Vec<f64>> {
        self.set_up(operation)?;
        if operation == Operation::HessianProduct {
            let mut hessian = self.objective.hessian_at(&self.points[0])?;
            return timed(warm_up, calls, || {
                hessian.apply(&self.case.direction, &mut self.vector);
                Ok(())
            });
        }
        timed(warm_up, calls, || self.run(operation))
    }
}

/// One step of `method` through the driver.
fn step(
    objective: &mut NetworkObjective,
    method: &mut impl Discretization<NetworkObjective>,
    theta: &[f64],
) -> Result<(Vec<f64>, Work)> {
    let mut control = Constant::new(STEP_SIZE);
    let outcome = integrate(objective, method, &mut control, &mut [], theta.to_vec(), &Budget::steps(1))?;
    if outcome.steps != 1 {
        bail!("the step {}", outcome.stop);
    }
    Ok((outcome.theta, outcome.work))
}

/// Seconds of each of `calls` calls, after `warm_up` calls that are not timed.
///
/// # Errors
/// Those of `run`.
pub fn timed(warm_up: usize, calls: usize, mut run: impl FnMut() -> Result<()>) -> Result<Vec<f64>> {
    (0..warm_up).try_for_each(|_| run())?;
    (0..calls)
        .map(|_| {
            let start = Instant::now();
            run()?;
            Ok(start.elapsed().as_secs_f64())
        })
        .collect()
}
