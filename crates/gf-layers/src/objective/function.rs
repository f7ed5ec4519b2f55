//! L as a function of θ: what is known at a point, of the network itself or of the one it becomes when layers are merged.

use std::sync::Mutex;

use gf_core::{Cost, SymmetricOperator, Triangle, vector};
use gf_linalg::mirror;

use super::point::{Point, same_bits};
use crate::{
    cost,
    merge::{self, Merge},
    problem::Problem,
    products::Curvature,
};

/// L(θ) on the current batch, with the l2 term.
#[derive(Debug)]
pub(super) struct Function {
    dim: usize,
    pub(super) l2: f64,
    /// Of the merged network, where there is one.
    point: Point,
    merged: Option<Merged>,
    /// Whose products [`SymmetricOperator::apply`] gives.
    of: Curvature,
}

/// The map to a merged network, and what is known at one θ.
#[derive(Debug)]
struct Merged {
    map: Merge,
    theta: Vec<f64>,
    phi: Vec<f64>,
    /// ∂g/∂φ.
    gradient: Vec<f64>,
    /// Whether `phi` and `gradient` are those of `theta` on this batch.
    is_known: bool,
    trial: Vec<f64>,
    /// J v and ∇²g J v, for as many directions as were asked for.
    tangents: Vec<f64>,
    products: Vec<f64>,
    /// ∇²g, once a matrix was asked for.
    matrix: Vec<f64>,
    /// What its expansion needs.
    expansion: Vec<Mutex<merge::Scratch>>,
}

impl Merged {
    fn new(map: Merge, dim: usize) -> Self {
        let size = map.shape.dim();
        let numbers = || vec![0.0; size];
        let (theta, phi, gradient, trial) = (vec![0.0; dim], numbers(), numbers(), numbers());
        let (tangents, products, matrix, expansion) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { map, theta, phi, gradient, is_known: false, trial, tangents, products, matrix, expansion }
    }

    /// Value, φ and ∇g at θ, anew.
    fn evaluate(&mut self, point: &mut Point, theta: &[f64]) -> f64 {
        self.theta.copy_from_slice(theta);
        self.map.apply(theta, &mut self.phi);
        self.is_known = true;
        point.evaluate(&self.phi, &mut self.gradient)
    }

    fn ensure(&mut self, point: &mut Point, theta: &[f64]) {
        if !(self.is_known && same_bits(&self.theta, theta)) {
            self.evaluate(point, theta);
        }
    }
}

impl Function {
    /// Room for batches of `capacity` samples, of a network with `dim` parameters. The problem's shape is the merged one.
    pub(super) fn new(problem: Problem, map: Option<Merge>, dim: usize, capacity: usize) -> Self {
        let merged = map.map(|map| Merged::new(map, dim));
        Self { dim, l2: 0.0, point: Point::new(problem, capacity), merged, of: Curvature::Hessian }
    }

    pub(super) fn dim(&self) -> usize {
        self.dim
    }

    pub(super) fn problem(&self) -> &Problem {
        self.point.problem()
    }

    /// θ as the parameters of the problem's shape.
    pub(super) fn parameters<'a>(&'a mut self, theta: &'a [f64]) -> (&'a Problem, &'a [f64]) {
        match &mut self.merged {
            None => (self.point.problem(), theta),
            Some(Merged { map, trial, .. }) => {
                map.apply(theta, trial);
                (self.point.problem(), trial)
            }
        }
    }

    /// Takes these samples as the batch.
    pub(super) fn set_batch(&mut self, rows: &[usize]) {
        self.point.set_batch(rows);
        self.forget();
    }

    /// Takes these samples of a part as its share of the batch `whole`.
    pub(super) fn set_part_of_batch(&mut self, rows: &[usize], whole: &[usize], labels: Option<&[u32]>) {
        self.point.set_part_of_batch(rows, whole, labels);
        self.forget();
    }

    /// The function has changed.
    pub(super) fn forget(&mut self) {
        self.point.forget();
        if let Some(merged) = &mut self.merged {
            merged.is_known = false;
        }
    }

    /// Model flops, the map (which does not grow with the batch) left out.
    pub(super) fn cost(&self) -> Cost {
        let problem = self.problem();
        cost::of(&problem.shape, problem.whole_len())
    }

    pub(super) fn value(&mut self, theta: &[f64]) -> f64 {
        let value = match &mut self.merged {
            None => self.point.value(theta),
            Some(Merged { map, trial, .. }) => {
                map.apply(theta, trial);
                self.point.value(trial)
            }
        };
        value + self.penalty(theta)
    }

    /// The value; overwrites `gradient`. Leaves the passes behind.
    pub(super) fn evaluate(&mut self, theta: &[f64], gradient: &mut [f64]) -> f64 {
        let value = match &mut self.merged {
            None => self.point.evaluate(theta, gradient),
            Some(merged) => {
                let value = merged.evaluate(&mut self.point, theta);
                merged.map.pull_back(theta, &merged.gradient, gradient);
                value
            }
        };
        if self.l2 != 0.0 {
            vector::add_scaled(gradient, self.l2, theta);
        }
        value + self.penalty(theta)
    }

    /// Takes θ for the products that follow: see [`Point::linearize`].
    pub(super) fn linearize(&mut self, theta: &[f64]) -> bool {
        match &mut self.merged {
            None => self.point.linearize(theta),
            Some(merged) => {
                merged.ensure(&mut self.point, theta);
                self.point.linearize(&merged.phi)
            }
        }
    }

    /// Products with this matrix from here on.
    pub(super) fn operator(&mut self, of: Curvature) -> &mut Self {
        self.of = of;
        self
    }

    /// Overwrites the asked triangle of the matrix at θ.
    pub(super) fn matrix(&mut self, of: Curvature, theta: &[f64], triangle: Triangle, out: &mut [f64]) {
        match &mut self.merged {
            None => self.point.matrix(of, theta, out),
            Some(merged) => {
                merged.ensure(&mut self.point, theta);
                let size = merged.phi.len();
                merged.matrix.resize(size * size, 0.0);
                self.point.matrix(of, &merged.phi, &mut merged.matrix);
                mirror(size, &mut merged.matrix);
                let gradient = (of == Curvature::Hessian).then_some(&merged.gradient[..]);
                merged.map.expand(theta, &merged.matrix, gradient, &mut merged.expansion, out);
            }
        }
        let p = theta.len();
        if self.l2 != 0.0 {
            out.iter_mut().step_by(p + 1).for_each(|diagonal| *diagonal += self.l2);
        }
        if triangle == Triangle::Both {
            mirror(p, out);
        }
    }

    /// (λ/2)‖θ‖².
    fn penalty(&self, theta: &[f64]) -> f64 {
        if self.l2 == 0.0 { 0.0 } else { 0.5 * self.l2 * vector::dot(theta, theta) }
    }
}

impl SymmetricOperator for Function {
    fn order(&self) -> usize {
        self.dim
    }

    fn apply(&mut self, v: &[f64], out: &mut [f64]) {
        self.apply_block(1, v, out);
    }

    fn apply_block(&mut self, columns: usize, v: &[f64], out: &mut [f64]) {
        let p = self.dim;
        debug_assert!(v.len() == p * columns && out.len() == p * columns);
        match &mut self.merged {
            None => self.point.apply_block(self.of, columns, v, out),
            Some(Merged { map, theta, gradient, tangents, products, .. }) => {
                let size = map.shape.dim();
                if tangents.len() < size * columns {
                    tangents.resize(size * columns, 0.0);
                    products.resize(size * columns, 0.0);
                }
                let (tangents, products) = (&mut tangents[..size * columns], &mut products[..size * columns]);
                for (v, tangent) in v.chunks_exact(p).zip(tangents.chunks_exact_mut(size)) {
                    map.tangent(theta, v, tangent);
                }
                self.point.apply_block(self.of, columns, tangents, products);
                let vectors = v.chunks_exact(p).zip(products.chunks_exact(size));
                for ((v, product), out) in vectors.zip(out.chunks_exact_mut(p)) {
                    map.pull_back(theta, product, out);
                    if self.of == Curvature::Hessian {
                        map.add_second_order(gradient, v, out);
                    }
                }
            }
        }
        if self.l2 != 0.0 {
            vector::add_scaled(out, self.l2, v);
        }
    }
}
