//! The highest and lowest eigenpairs of a symmetric operator, from products alone.

mod pairs;
mod settings;

use gf_core::{StreamRng, SymmetricOperator, standard_normal, vector};
use gf_linalg::{BlockLanczos, eigen::Eigen};

use crate::SpectrumError;

pub use pairs::{Eigenpair, Eigenpairs};
pub use settings::EigenpairSettings;

/// The random part of a warm start, beside eigenvectors of length 1: so that no direction is missing that was unimportant before.
const FRESH: f64 = 1e-3;
/// The random part of a cold start, beside a direction of length 1 that it leans towards.
const LEAN: f64 = 0.1;
/// Steps after which a space that was invariant once is trusted again, beyond the number of pairs.
const SETTLING: usize = 8;

/// Share of the tolerance that the process has to reach by its own account: it cannot see all of its own rounding.
const MARGIN: f64 = 0.9;

/// Convergence a vector that is always thought possible.
const RATE: f64 = 1.5;

/// The solver: a thick-restart block Lanczos process, in memory that is kept between calls.
///
/// **Method**: a cold start grows the Krylov space of one random vector (or of a block of them). A warm start takes the sum of the eigenvectors
/// of the last call with a random part of 1e-3: measured along gradient descent it takes a sixth to a third fewer products than a cold start,
/// where a block of those eigenvectors takes more, because a product of each of them serves one pair only. When the
/// basis is full it is restarted with the wanted Ritz vectors and the third of the others nearest to them.
///
/// **Cost**: the products, 2pk flops a step to read the basis where it is read (see [`BlockLanczos`]), and one product a pair at the end, in a
/// block, to measure the residuals. Memory: (basis + 2·block)·p numbers.
///
/// **Fails when**: a product is not finite. Unconverged pairs are returned and marked.
/// A single starting vector finds one copy of a multiple eigenvalue until rounding brings the others; spaces that become invariant are extended
/// by random vectors until nothing changes.
#[derive(Debug)]
pub struct EigenpairSolver {
    settings: EigenpairSettings,
    process: BlockLanczos,
    found: Eigenpairs,
    is_warm: bool,
    /// What a cold start leans towards; empty for nothing.
    hint: Vec<f64>,
    products: Vec<f64>,
}

impl EigenpairSolver {
    /// For matrices of order `order`.
    ///
    /// # Errors
    /// [`SpectrumError::Count`] and [`SpectrumError::Setting`].
    pub fn new(order: usize, settings: EigenpairSettings) -> Result<Self, SpectrumError> {
        let room = settings.room(order)?;
        // Residuals as the process knows them are off by the loss of orthogonality times a part of ‖A‖: less than MARGIN leaves.
        let loss = (0.05 * settings.tolerance).min(3e-8);
        let process = BlockLanczos::new(order, room, settings.block).with_loss(loss);
        Ok(Self {
            settings,
            process,
            found: Eigenpairs::default(),
            is_warm: false,
            hint: Vec::new(),
            products: Vec::new(),
        })
    }

    /// The next call starts from a random vector.
    pub fn forget(&mut self) {
        self.is_warm = false;
    }

    /// What the next call starts from; none where it starts cold.
    pub fn warm_start(&self) -> Option<&Eigenpairs> {
        self.is_warm.then_some(&self.found)
    }

    /// The next call starts from these, as another solver left them.
    ///
    /// # Errors
    /// [`SpectrumError::Count`] when they are of another order.
    pub fn start_from(&mut self, found: Eigenpairs) -> Result<(), SpectrumError> {
        let order = self.process.order();
        if found.order != order || found.vectors.len() != order * found.pairs.len() || found.top > found.pairs.len() {
            return Err(SpectrumError::Count { asked: found.order, order });
        }
        (self.found, self.is_warm) = (found, true);
        Ok(())
    }

    /// Cold starts lean towards `direction` (p numbers): the gradient lies mostly in the space of the highest eigenvectors, and saves some
    /// products. A random part of 0.1 stays, so that no direction is missing.
    pub fn lean_towards(&mut self, direction: &[f64]) {
        debug_assert_eq!(direction.len(), self.process.order());
        self.hint.clear();
        let size = vector::norm(direction);
        if size > 0.0 && size.is_finite() {
            self.hint.extend(direction.iter().map(|x| x / size));
        }
    }

    /// The eigenpairs of the last call.
    pub fn found(&self) -> &Eigenpairs {
        &self.found
    }

    /// Solves for `operator`, from the eigenvectors of the last call where there was one, else from a random vector, and measures the residuals.
    ///
    /// # Errors
    /// [`SpectrumError::Process`] when a product is not finite; the next call then starts cold.
    pub fn solve(
        &mut self,
        operator: &mut dyn SymmetricOperator,
        rng: &mut StreamRng,
    ) -> Result<&Eigenpairs, SpectrumError> {
        self.find(operator, rng)?;
        self.measure(operator)
    }

    /// As [`EigenpairSolver::solve`] without the products that measure the residuals: they are those that the process knows, right to
    /// a twentieth of the tolerance.
    ///
    /// # Errors
    /// As [`EigenpairSolver::solve`].
    pub fn find(
        &mut self,
        operator: &mut dyn SymmetricOperator,
        rng: &mut StreamRng,
    ) -> Result<&Eigenpairs, SpectrumError> {
        let p = self.process.order();
        if operator.order() != p {
            return Err(SpectrumError::Count { asked: p, order: operator.order() });
        }
        self.start(rng);
        let mut restarts = 0;
        let wanted = self.settings.top + self.settings.bottom;
        let mut trusted_from = wanted;
        let mut next_check = wanted + 2;
        // Length and distance of the last check, since the last restart.
        let mut before: Option<(usize, f64)> = None;
        loop {
            self.process.grow(operator)?;
            let len = self.process.len();
            let is_full = !self.process.has_room();
            let is_spent = self.process.products() >= self.settings.max_products;
            let is_invariant = self.process.is_invariant();
            if !(is_full || is_spent || is_invariant || len >= next_check) {
                continue;
            }
            let ritz = self.process.project()?;
            let distance = self.distance(&ritz);
            let is_trusted = len == p || len >= trusted_from && !is_invariant;
            if distance <= 1.0 && is_trusted || is_spent {
                self.take(&ritz, restarts);
                return Ok(&self.found);
            }
            next_check = len + steps_to_check(len, distance, before);
            before = Some((len, distance));
            if is_invariant {
                if len >= self.process.capacity() {
                    self.restart(&ritz);
                    restarts += 1;
                }
                trusted_from = self.process.len() + wanted + SETTLING;
                self.process.extend(&random(p, rng));
            } else if is_full {
                self.restart(&ritz);
                restarts += 1;
            }
            if self.process.len() < len {
                (next_check, before) = (self.process.len() + 1, None);
            }
        }
    }

    /// Starts the process: from random vectors, or near the eigenvectors of the last call, dealt out over the block.
    fn start(&mut self, rng: &mut StreamRng) {
        let (p, block) = (self.process.order(), self.settings.block);
        let mut start: Vec<f64> = (0..block).flat_map(|_| random(p, rng)).collect();
        let is_warm = std::mem::take(&mut self.is_warm);
        if !is_warm && !self.hint.is_empty() {
            let column = &mut start[..p];
            let size = vector::norm(column);
            for (x, hint) in column.iter_mut().zip(&self.hint) {
                *x = LEAN / size * *x + hint;
            }
        }
        if is_warm {
            for column in start.chunks_exact_mut(p) {
                let size = vector::norm(column);
                column.iter_mut().for_each(|x| *x *= FRESH / size);
            }
            for (k, known) in self.found.vectors.chunks_exact(p).enumerate() {
                vector::add_scaled(&mut start[k % block * p..][..p], 1.0, known);
            }
        }
        self.process.start(&start);
    }

    /// The wanted eigenvalues of T, as their numbers: top descending, then bottom ascending.
    fn wanted(&self, len: usize) -> impl Iterator<Item = usize> + use<> {
        let EigenpairSettings { top, bottom, .. } = self.settings;
        (0..top.min(len)).map(move |k| len - 1 - k).chain(0..bottom.min(len - top.min(len)))
    }

    /// The largest residual of the wanted pairs, as the process knows it, over what is allowed; infinite while there are too few.
    fn distance(&self, ritz: &Eigen) -> f64 {
        let k = ritz.values.len();
        if k < self.settings.top + self.settings.bottom {
            return f64::INFINITY;
        }
        let limit = MARGIN * self.settings.tolerance * scale(ritz);
        let largest =
            self.wanted(k).map(|i| self.process.residual(&ritz.vectors[i * k..(i + 1) * k])).fold(0.0, f64::max);
        // The zero matrix has no scale.
        largest / limit.max(f64::MIN_POSITIVE)
    }

    /// Keeps the wanted pairs with a third of the others, those that are nearest to them.
    fn restart(&mut self, ritz: &Eigen) {
        let k = ritz.values.len();
        let EigenpairSettings { top, bottom, .. } = self.settings;
        let spare = (k - top - bottom) / 3;
        let more_top = spare * top / (top + bottom);
        let (high, low) = (top + more_top, bottom + if bottom > 0 { spare - more_top } else { 0 });
        let kept: Vec<usize> = (0..low).chain(k - high..k).collect();
        let values: Vec<f64> = kept.iter().map(|i| ritz.values[*i]).collect();
        let y: Vec<f64> = kept.iter().flat_map(|i| ritz.vectors[i * k..(i + 1) * k].iter().copied()).collect();
        self.process.restart(&values, &y);
    }

    /// The wanted Ritz pairs, with the residuals that the process knows.
    fn take(&mut self, ritz: &Eigen, restarts: u64) {
        let (p, k) = (self.process.order(), ritz.values.len());
        let numbers: Vec<usize> = self.wanted(k).collect();
        let vector = |i: usize| &ritz.vectors[i * k..(i + 1) * k];
        let y: Vec<f64> = numbers.iter().flat_map(|i| vector(*i).iter().copied()).collect();
        self.found.vectors.resize(numbers.len() * p, 0.0);
        self.process.ritz_vectors(&y, &mut self.found.vectors);
        for vector in self.found.vectors.chunks_exact_mut(p) {
            let size = vector::norm(vector);
            vector.iter_mut().for_each(|x| *x /= size);
        }
        self.found.scale = scale(ritz);
        let limit = self.settings.tolerance * self.found.scale;
        let pair = |i: &usize| {
            let residual = self.process.residual(vector(*i));
            Eigenpair { value: ritz.values[*i], residual, is_converged: residual <= limit }
        };
        self.found.pairs = numbers.iter().map(pair).collect();
        self.found.order = p;
        self.found.top = self.settings.top.min(numbers.len());
        self.found.products = self.process.products();
        self.found.checks = 0;
        self.found.restarts = restarts;
        self.is_warm = true;
    }

    /// Measures the residuals of the last call's pairs, by a product each.
    ///
    /// # Errors
    /// [`SpectrumError::NotFinite`] when one is not finite.
    pub fn measure(&mut self, operator: &mut dyn SymmetricOperator) -> Result<&Eigenpairs, SpectrumError> {
        let (p, count) = (self.process.order(), self.found.pairs.len());
        self.products.resize(count * p, 0.0);
        operator.apply_block(count, &self.found.vectors, &mut self.products);
        let limit = self.settings.tolerance * self.found.scale;
        for (k, pair) in self.found.pairs.iter_mut().enumerate() {
            let product = &mut self.products[k * p..(k + 1) * p];
            vector::add_scaled(product, -pair.value, &self.found.vectors[k * p..(k + 1) * p]);
            pair.residual = vector::norm(product);
            pair.is_converged = pair.residual <= limit;
            if !pair.residual.is_finite() {
                self.is_warm = false;
                return Err(SpectrumError::NotFinite { what: format!("the product with eigenvector {}", k + 1) });
            }
        }
        self.found.checks = count as u64;
        Ok(&self.found)
    }
}

/// Vectors by which a basis of `len` grows before the next check, `distance` from convergence now and the other distance `before`, at
/// a shorter length. A product too many costs more than a check while the projected problem is small, so the last checks are made
/// after every vector or two, the others at half of the way that the last rate of convergence promises, and no later than a factor of
/// [`RATE`] a vector would converge: rates grow in the end.
fn steps_to_check(len: usize, distance: f64, before: Option<(usize, f64)>) -> usize {
    let rate = match before {
        Some((earlier, larger)) if larger.is_finite() => (larger / distance).ln() / (len - earlier) as f64,
        _ => 0.0,
    };
    let steps = 0.5 * distance.ln() / rate.max(RATE.ln());
    (steps as usize).clamp(1 + len / 64, 2 + len / 4)
}

/// The largest |ϑ|.
fn scale(ritz: &Eigen) -> f64 {
    ritz.values.iter().fold(0.0, |largest, value| largest.max(value.abs()))
}

/// A vector of independent N(0, 1).
pub(crate) fn random(p: usize, rng: &mut StreamRng) -> Vec<f64> {
    (0..p).map(|_| standard_normal(rng)).collect()
}
