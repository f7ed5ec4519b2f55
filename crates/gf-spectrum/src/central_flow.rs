//! The central flow of gradient descent: its path without the oscillation at the edge of stability, and the oscillation's size.

mod complementarity;
mod record;

use gf_core::{HessianProduct, StreamRng, Streams, ThirdDerivative, vector};

use serde::{Deserialize, Serialize};

use crate::{EigenpairSettings, EigenpairSolver, Eigenpairs, SpectrumError};
pub use complementarity::ComplementarityResiduals;
use complementarity::{ComplementarityProblem, entries, packed_len, unpack, weight};
pub use record::{CentralFlowSettings, CentralFlowStep};

/// The flow θ' = −∇L − ½∇⟨∇²L, Σ⟩ with Σ ⪰ 0, ∇²L ⪯ (2/h) I and ⟨Σ, (2/h) I − ∇²L⟩ = 0: gradient flow under a constraint on the sharpness,
/// with Σ as its multiplier, which is the covariance of gradient descent's oscillation about it.
///
/// **Recurrence** of a substep of τ gradient descent steps: $θ^+ = θ − τh (g + ½ \sum_{ij} X_{ij} D_{ij})$, where X solves
/// $X ⪰ 0$, $S = A + B\[X\] − E ⪰ 0$, $⟨X, S⟩ = 0$ with $A_{ij} = (2/h − λ_i)δ_{ij} + τh⟨D_{ij}, g⟩$ and
/// $B_{ij,kl} = ½τh⟨D_{ij}, D_{kl}⟩$.
///
/// **Symbols**: $g = ∇L(θ)$; $λ_i$, $u_i$: the eigenpairs of ∇²L(θ) near 2/h, see [`CentralFlowSettings::margin`]; $D_{ij} = ∇(u_iᵀ∇²L u_j)$, p numbers;
/// $Σ = U X Uᵀ$. S is the room that is left to 2/h at the end of the substep; that it starts from the measured λᵢ makes the sequence correct
/// itself. E is how much more of it the last substep predicted than was then measured: the second order, so that λ₁ is held at 2/h and not beside it.
///
/// **Start**: while λ₁ > 2/h at the beginning of a step and was in all steps before, the step is one of gradient descent, h long: it is not
/// near its central flow yet. From the first step that begins with λ₁ ≤ 2/h on, all steps are substeps.
///
/// **Cost** of a substep: a gradient, the products of warm-started eigenpairs, and k(k+1)/2 third derivatives for k candidates. Memory: those
/// vectors and the eigensolver's basis. A substep allocates a few k × k matrices.
///
/// **Fails when**: a number is not finite. Eigenpairs or complementarity that did not converge show in the record.
///
/// **Reference**: Cohen, Damian, Talwalkar, Kolter, Lee, *Understanding Optimization in Deep Learning with Central Flows*, 2024.
pub struct CentralFlow {
    h: f64,
    settings: CentralFlowSettings,
    rng: StreamRng,
    solver: Option<EigenpairSolver>,
    tracked: usize,
    is_settled: bool,
    problem: Option<ComplementarityProblem>,
    gradient: Vec<f64>,
    /// The candidates of the last substep, their eigenvectors, X, the D_ij (both packed), and what λ was predicted to become.
    candidates: usize,
    vectors: Vec<f64>,
    x: Vec<f64>,
    slopes: Vec<f64>,
    predicted: Vec<f64>,
    /// A and B, packed.
    a: Vec<f64>,
    b: Vec<f64>,
}

/// What a [`CentralFlow`] continues from, beside θ.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CentralFlowState {
    rng: StreamRng,
    pairs: Option<Eigenpairs>,
    tracked: usize,
    is_settled: bool,
    candidates: usize,
    vectors: Vec<f64>,
    x: Vec<f64>,
    predicted: Vec<f64>,
}

impl CentralFlow {
    /// Of gradient descent with step h > 0.
    ///
    /// # Errors
    /// [`SpectrumError::Setting`].
    pub fn new(h: f64, settings: CentralFlowSettings) -> Result<Self, SpectrumError> {
        let check = |name, expected, found: f64, holds: bool| {
            if holds && found.is_finite() { Ok(()) } else { Err(SpectrumError::Setting { name, expected, found }) }
        };
        check("h", "a finite number above 0", h, h > 0.0)?;
        check("substeps", "at least 1", settings.substeps as f64, settings.substeps > 0)?;
        check("pairs", "at least 1", settings.pairs as f64, settings.pairs > 0)?;
        check("margin", "a number from 0 to 1", settings.margin, (0.0..=1.0).contains(&settings.margin))?;
        Ok(Self {
            h,
            settings,
            rng: Streams::new(settings.seed).probes(),
            solver: None,
            tracked: settings.pairs,
            is_settled: false,
            problem: None,
            gradient: Vec::new(),
            candidates: 0,
            vectors: Vec::new(),
            x: Vec::new(),
            slopes: Vec::new(),
            predicted: Vec::new(),
            a: Vec::new(),
            b: Vec::new(),
        })
    }

    /// What [`CentralFlow::resume`] continues from, beside θ.
    pub fn state(&self) -> CentralFlowState {
        CentralFlowState {
            rng: self.rng.clone(),
            pairs: self.solver.as_ref().and_then(EigenpairSolver::warm_start).cloned(),
            tracked: self.tracked,
            is_settled: self.is_settled,
            candidates: self.candidates,
            vectors: self.vectors.clone(),
            x: self.x.clone(),
            predicted: self.predicted.clone(),
        }
    }

    /// Goes on in p = `order` parameters as the flow that left `state`, made with the same h and settings, would have, bit for bit.
    ///
    /// # Errors
    /// [`SpectrumError::Count`] where the state is that of another objective.
    pub fn resume(mut self, order: usize, state: CentralFlowState) -> Result<Self, SpectrumError> {
        let (k, m) = (state.candidates, packed_len(state.candidates.min(order)));
        let fits = k <= order && state.vectors.len() == k * order && state.x.len() == m && state.predicted.len() == m;
        if !fits || state.tracked > order {
            return Err(SpectrumError::Count { asked: state.vectors.len() / k.max(1), order });
        }
        (self.rng, self.tracked, self.is_settled) = (state.rng, state.tracked, state.is_settled);
        (self.candidates, self.vectors, self.x, self.predicted) = (k, state.vectors, state.x, state.predicted);
        if let Some(pairs) = state.pairs {
            let mut solver = self.new_solver(order)?;
            solver.start_from(pairs)?;
            self.solver = Some(solver);
        }
        Ok(self)
    }

    /// Moves `theta` by one step of length h.
    ///
    /// # Errors
    /// [`SpectrumError`]: a misuse, or a number that is not finite; `theta` then stands where the failing substep began.
    pub fn advance<O: HessianProduct + ThirdDerivative + ?Sized>(
        &mut self,
        objective: &mut O,
        theta: &mut [f64],
    ) -> Result<CentralFlowStep, SpectrumError> {
        let mut step = CentralFlowStep::default();
        let tau_h = self.h / self.settings.substeps as f64;
        self.gradient.resize(theta.len(), 0.0);
        for substep in 0..self.settings.substeps {
            let loss = objective.value_and_gradient(theta, &mut self.gradient)?;
            step.gradients += 1;
            if !loss.is_finite() {
                return Err(SpectrumError::NotFinite { what: "the loss".to_owned() });
            }
            let candidates = self.track(objective, theta, &mut step)?;
            if substep == 0 {
                let found = self.found();
                step.eigenvalues = found.top().iter().map(|pair| pair.value).collect();
                (step.loss, step.gradient_norm) = (loss, vector::norm(&self.gradient));
                self.is_settled |= step.eigenvalues[0] <= 2.0 / self.h;
                if !self.is_settled {
                    step.is_plain = true;
                    vector::add_scaled(theta, -self.h, &self.gradient);
                    break;
                }
            }
            self.contract(objective, theta, candidates, &mut step)?;
            self.balance(candidates, tau_h, &mut step)?;
            if substep == 0 {
                self.describe(&mut step)?;
            }
            vector::add_scaled(theta, -tau_h, &self.gradient);
            for (x, slope) in self.x.iter().zip(self.slopes.chunks_exact(theta.len())) {
                vector::add_scaled(theta, -0.5 * tau_h * x, slope);
            }
        }
        step.mean_loss = step.loss + step.trace / self.h;
        step.mean_squared_gradient_norm = step.gradient_norm.powi(2) + 4.0 * step.trace / self.h.powi(2);
        Ok(step)
    }

    fn found(&self) -> &Eigenpairs {
        self.solver.as_ref().expect("pairs are tracked first").found()
    }

    fn new_solver(&self, order: usize) -> Result<EigenpairSolver, SpectrumError> {
        let (top, tolerance) = (self.tracked, self.settings.tolerance);
        EigenpairSolver::new(order, EigenpairSettings { top, tolerance, ..EigenpairSettings::default() })
    }

    /// The eigenpairs at `theta`, from those of the last call; more of them while the lowest is a candidate. Returns the number of candidates.
    fn track<O: HessianProduct + ?Sized>(
        &mut self,
        objective: &mut O,
        theta: &[f64],
        step: &mut CentralFlowStep,
    ) -> Result<usize, SpectrumError> {
        let order = theta.len();
        self.tracked = self.tracked.min(order);
        loop {
            if self.solver.is_none() {
                self.solver = Some(self.new_solver(order)?);
            }
            let solver = self.solver.as_mut().expect("made above");
            let mut hessian = objective.hessian_at(theta)?;
            let found = solver.solve(&mut hessian, &mut self.rng)?;
            step.products += found.products + found.checks;
            let limit = self.settings.margin * 2.0 / self.h;
            let candidates = found.top().iter().take_while(|pair| pair.value >= limit).count();
            if candidates < self.tracked || self.tracked == order {
                let worst = found.top().iter().fold(0.0f64, |worst, pair| worst.max(pair.residual));
                step.eigen_residual = step.eigen_residual.max(worst / found.scale());
                return Ok(candidates);
            }
            self.tracked += 1;
            self.solver = None;
        }
    }

    /// The D_ij of the candidates.
    fn contract<O: ThirdDerivative + ?Sized>(
        &mut self,
        objective: &mut O,
        theta: &[f64],
        candidates: usize,
        step: &mut CentralFlowStep,
    ) -> Result<(), SpectrumError> {
        let p = theta.len();
        self.slopes.resize(packed_len(candidates) * p, 0.0);
        let found = self.solver.as_ref().expect("pairs are tracked first").found();
        for (slope, (i, j)) in self.slopes.chunks_exact_mut(p).zip(entries(candidates)) {
            objective.curvature_gradient(theta, found.vector(i), found.vector(j), slope)?;
            slope.iter_mut().for_each(|slope| *slope *= weight(i, j));
            step.contractions += 1;
        }
        Ok(())
    }

    /// X, from the D_ij.
    fn balance(&mut self, k: usize, tau_h: f64, step: &mut CentralFlowStep) -> Result<(), SpectrumError> {
        let (p, m) = (self.gradient.len(), packed_len(k));
        let edge = 2.0 / self.h;
        let found = self.solver.as_ref().expect("pairs are tracked first").found();
        let (guess, error) = carried_over(self, found, k);
        self.a.resize(m, 0.0);
        self.b.resize(m * m, 0.0);
        for (row, (slope, (i, j))) in self.slopes.chunks_exact(p).zip(entries(k)).enumerate() {
            let room = if i == j { edge - found.top()[i].value } else { 0.0 };
            self.a[row] = room + tau_h * vector::dot(slope, &self.gradient);
            for (column, other) in self.slopes.chunks_exact(p).take(row + 1).enumerate() {
                let entry = 0.5 * tau_h * vector::dot(slope, other);
                (self.b[row + column * m], self.b[column + row * m]) = (entry, entry);
            }
        }
        vector::add_scaled(&mut self.a, -1.0, &error);
        self.x = guess;
        if k > 0 {
            let problem = match self.problem.take().filter(|problem| problem.order() == k) {
                Some(problem) => problem,
                None => ComplementarityProblem::new(k)?,
            };
            let problem = self.problem.insert(problem);
            step.complementarity.merge(problem.solve(&self.a, &self.b, &mut self.x)?);
        }
        // λ after the substep to first order: (2/h) I − (A + E + B[X]).
        let mut room = self.a.clone();
        vector::add_scaled(&mut room, 1.0, &error);
        for (x, column) in self.x.iter().zip(self.b.chunks_exact(m.max(1))) {
            vector::add_scaled(&mut room, *x, column);
        }
        self.predicted.clear();
        self.predicted
            .extend(room.iter().zip(entries(k)).map(|(room, (i, j))| if i == j { edge - room } else { -room }));
        self.candidates = k;
        self.vectors.clear();
        self.vectors.extend_from_slice(&found.vectors()[..k * p]);
        Ok(())
    }

    /// Writes down X.
    fn describe(&mut self, step: &mut CentralFlowStep) -> Result<(), SpectrumError> {
        let diagonal = self.x.iter().zip(entries(self.candidates)).filter(|(_, (i, j))| i == j);
        step.variances = diagonal.map(|(x, _)| *x).collect();
        step.trace = step.variances.iter().sum();
        if let Some(problem) = self.problem.as_mut().filter(|problem| problem.order() == self.candidates) {
            step.active = problem.rank(&self.x)?;
        }
        Ok(())
    }
}

/// What the last substep says about this one, in this one's eigenvectors and packed: its X as a guess, and the error E of its prediction of λ,
/// where the candidates are still the same.
fn carried_over(flow: &CentralFlow, found: &Eigenpairs, k: usize) -> (Vec<f64>, Vec<f64>) {
    let (p, before) = (flow.gradient.len(), flow.candidates);
    let m = packed_len(k);
    let mut rotation = vec![0.0; k * before];
    for (column, old) in flow.vectors.chunks_exact(p).enumerate() {
        for row in 0..k {
            rotation[row + column * k] = vector::dot(found.vector(row), old);
        }
    }
    let rotated = |packed: &[f64]| -> Vec<f64> {
        let mut matrix = vec![0.0; before * before];
        unpack(before, packed, &mut matrix);
        let entry = |i: usize, j: usize| -> f64 {
            let row = |r: usize| (0..before).map(|c| matrix[r + c * before] * rotation[j + c * k]).sum::<f64>();
            weight(i, j) * (0..before).map(|r| rotation[i + r * k] * row(r)).sum::<f64>()
        };
        entries(k).map(|(i, j)| entry(i, j)).collect()
    };
    let guess = rotated(&flow.x);
    // The two spaces agree where the squares of the rotation sum to k.
    if before != k || vector::dot(&rotation, &rotation) < 0.99 * k as f64 {
        return (guess, vec![0.0; m]);
    }
    let mut error = rotated(&flow.predicted);
    for (error, (i, j)) in error.iter_mut().zip(entries(k)) {
        *error = if i == j { found.top()[i].value - *error } else { -*error };
    }
    (guess, error)
}
