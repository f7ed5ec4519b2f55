//! MINRES where it is cheaper, LBLᵀ where it is not.

use gf_core::{Cost, Counted, Objective};

use super::{Direct, Hessian, MatrixCurvature, Minres, ProductCurvature, ShiftedSolver, SolveInfo};
use crate::{SetupError, StepFailure};

/// The rule, a function of counts and model flops alone, never of a clock:
///
/// 1. A direct solve is *worth* as many products as cost the same by the model below.
/// 2. MINRES is tried, and gives up ([`gf_linalg::krylov::Stop::worth`]) when it will hardly reach its residual within that many:
///    after an eighth of them at the earliest, and for good at all of them, or at `max_products`.
/// 3. Where it gave up, the dense matrix is written down and LBLᵀ solves: for this shift and smaller ones, at this point and at the
///    next points: 1 after the first time, then 2, 4, … up to 64. Then MINRES is tried again; where it succeeds at a
///    point's first shift, the count begins anew.
///
/// Each step that LBLᵀ solved is named in the record (`used-direct-solver`). A new run forgets all of it.
///
/// **Cost**: the lesser of [`Minres`] and [`Direct`] after a few points; a try in vain costs from an eighth of a direct solve to a whole one. Memory: p² + O(p) numbers, allocated at the start.
///
/// **Model**, in flops at the rate of matrix products, from measurements on the original network (p = 2161): an evaluated flop counts 1.4; a product
/// adds 120p for its vectors; a direct solve is the matrix and 1.4·q³/3 (q rows that are not zero off the diagonal, as the last factorization found), and 100p² for passes over the matrix.
pub struct Automatic {
    iterative: Minres,
    direct: Direct,
    /// Whether each was told of the current point.
    is_linearized: bool,
    is_written: bool,
    /// Whether no shift was solved at this point yet.
    first: bool,
    memory: Memory,
}

/// What the rule carries from point to point: numbers, so that a run can be saved.
struct Memory {
    /// The largest shift at which MINRES gave up since it was last tried at all.
    given_up: f64,
    /// Points still to be solved directly, and how many there were after the last try in vain.
    skip: f64,
    interval: f64,
    /// Model flops of the last factorization of this run; 0 before the first.
    factorization: f64,
}

impl Memory {
    const NONE: Self = Self { given_up: f64::NEG_INFINITY, skip: 0.0, interval: 0.0, factorization: 0.0 };
}

/// The longest interval between two tries.
const LONGEST_INTERVAL: f64 = 64.0;
/// MINRES gets so many products in any case.
const LEAST_WORTH: f64 = 16.0;

impl Automatic {
    /// MINRES to the relative residual `tolerance` in at most `max_products` products.
    pub fn new(tolerance: f64, max_products: usize) -> Self {
        let iterative = Minres::of(Hessian, tolerance, max_products);
        let direct = Direct::lblt();
        Self { iterative, direct, is_linearized: false, is_written: false, first: true, memory: Memory::NONE }
    }

    /// As [`super::Krylov::with_warm_start`].
    pub fn with_warm_start(self, warm_start: bool) -> Self {
        Self { iterative: self.iterative.with_warm_start(warm_start), ..self }
    }

    fn linearize_iterative<O>(&mut self, objective: &mut Counted<'_, O>, theta: &[f64]) -> Result<(), StepFailure>
    where
        O: Objective + ?Sized,
        Hessian: ProductCurvature<O>,
    {
        if !self.is_linearized {
            let worth = self.worth(objective.dim(), objective.cost());
            self.iterative.set_worth(worth);
            self.iterative.linearize(objective, theta)?;
            self.is_linearized = true;
        }
        Ok(())
    }

    /// Products that cost as much as a direct solve.
    fn worth(&self, dim: usize, cost: Cost) -> usize {
        const EVALUATED: f64 = 1.4;
        let p = dim as f64;
        let factorization = Some(self.memory.factorization).filter(|flops| *flops > 0.0).unwrap_or(p.powi(3) / 3.0);
        let direct = EVALUATED * (cost.dense_hessian + factorization) + 100.0 * p * p;
        let product = EVALUATED * cost.hessian_product + 120.0 * p;
        (direct / product).clamp(LEAST_WORTH, 1e9) as usize
    }
}

impl<O: Objective + ?Sized> ShiftedSolver<O> for Automatic
where
    Hessian: ProductCurvature<O> + MatrixCurvature<O>,
{
    fn init(&mut self, dim: usize) -> Result<(), SetupError> {
        self.memory = Memory::NONE;
        ShiftedSolver::<O>::init(&mut self.iterative, dim)?;
        ShiftedSolver::<O>::init(&mut self.direct, dim)
    }

    fn linearize(&mut self, _objective: &mut Counted<'_, O>, _theta: &[f64]) -> Result<(), StepFailure> {
        // Each solver is told when it is first needed.
        (self.is_linearized, self.is_written, self.first) = (false, false, true);
        if self.memory.skip == 0.0 {
            self.memory.given_up = f64::NEG_INFINITY;
        } else {
            self.memory.skip -= 1.0;
        }
        Ok(())
    }

    fn solve(
        &mut self,
        objective: &mut Counted<'_, O>,
        theta: &[f64],
        shift: f64,
        b: &[f64],
        x: &mut [f64],
    ) -> Result<SolveInfo, StepFailure> {
        let first = std::mem::take(&mut self.first);
        if shift > self.memory.given_up {
            self.linearize_iterative(objective, theta)?;
            match self.iterative.solve(objective, theta, shift, b, x) {
                Err(StepFailure::ResidualMissed { .. }) => {
                    self.memory.given_up = shift;
                    if first {
                        self.memory.interval = (2.0 * self.memory.interval).clamp(1.0, LONGEST_INTERVAL);
                        self.memory.skip = self.memory.interval;
                    }
                }
                other => {
                    if first {
                        self.memory.interval = 0.0;
                    }
                    return other;
                }
            }
        }
        if !self.is_written {
            self.direct.linearize(objective, theta)?;
            self.is_written = true;
        }
        let solved = self.direct.solve(objective, theta, shift, b, x);
        self.memory.factorization = self.direct.last_factorization_flops().unwrap_or(0.0);
        Ok(SolveInfo { took_over: true, ..solved? })
    }

    fn state(&mut self) -> Vec<&mut [f64]> {
        let Memory { given_up, skip, interval, factorization } = &mut self.memory;
        let mut state = ShiftedSolver::<O>::state(&mut self.iterative);
        state.extend([given_up, skip, interval, factorization].map(std::slice::from_mut));
        state
    }

    fn lowest_at_most(
        &mut self,
        objective: &mut Counted<'_, O>,
        theta: &[f64],
        b: &[f64],
    ) -> Result<Option<f64>, StepFailure> {
        self.linearize_iterative(objective, theta)?;
        self.iterative.lowest_at_most(objective, theta, b)
    }
}
