//! What is known at one θ: the passes over the current batch, kept between evaluations.

use gf_core::{SymmetricOperator, Triangle, mirror, vector};
use gf_linalg::Update;

use crate::{
    Loss,
    chunk::Batch,
    dense::Dense,
    products::{Curvature, Operands, Products},
    shape::Shape,
    tape::Tape,
};

/// The function, without the point.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) shape: Shape,
    pub(super) loss: Loss,
    pub(super) l2: f64,
    pub(super) batch: Batch,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Known {
    Nothing,
    /// Forward and backward pass.
    Passes,
    /// And what curvature needs of them.
    Curvature,
}

/// The function at θ.
#[derive(Debug)]
pub(super) struct Point {
    pub(super) problem: Problem,
    theta: Vec<f64>,
    theta_columns: Vec<f64>,
    tapes: Vec<Tape>,
    known: Known,
    /// Whose products [`SymmetricOperator::apply`] gives.
    of: Curvature,
    products: Option<Products>,
    dense: Option<Dense>,
}

impl Point {
    /// Room for batches of `capacity` samples.
    pub(super) fn new(problem: Problem, capacity: usize) -> Self {
        let shape = &problem.shape;
        let sizes = (0..capacity).step_by(shape.chunk).map(|start| shape.chunk.min(capacity - start));
        let tapes = sizes.map(|size| Tape::with_backward(shape, size)).collect();
        let p = shape.dim();
        Self {
            theta: vec![0.0; p],
            theta_columns: vec![0.0; p],
            tapes,
            known: Known::Nothing,
            of: Curvature::Hessian,
            products: None,
            dense: None,
            problem,
        }
    }

    /// The function has changed.
    pub(super) fn forget(&mut self) {
        self.known = Known::Nothing;
    }

    /// The loss at θ and its gradient, both without the l2 term; leaves the passes behind.
    pub(super) fn evaluate(&mut self, theta: &[f64], gradient: &mut [f64]) -> f64 {
        self.known = Known::Nothing;
        self.move_to(theta);
        let Problem { shape, loss, batch, .. } = &self.problem;
        let (mut value, mut update) = (0.0, Update::Replace);
        for (tape, chunk) in self.tapes.iter_mut().zip(batch.chunks()) {
            tape.forward(shape, &self.theta_columns, chunk);
            value += tape.loss(shape, loss, chunk, batch.scale);
            tape.backward(shape, &self.theta, loss, chunk, batch.scale);
            tape.gradient(shape, chunk, update, gradient);
            update = Update::Add;
        }
        self.known = Known::Passes;
        value
    }

    /// Makes everything known at θ. False when it was.
    pub(super) fn linearize(&mut self, theta: &[f64]) -> bool {
        let here = self.known > Known::Nothing && same_bits(&self.theta, theta);
        if here && self.known == Known::Curvature {
            return false;
        }
        if !here {
            self.known = Known::Nothing;
            self.move_to(theta);
        }
        let Problem { shape, loss, batch, .. } = &self.problem;
        for (tape, chunk) in self.tapes.iter_mut().zip(batch.chunks()) {
            if !here {
                tape.forward(shape, &self.theta_columns, chunk);
                tape.backward(shape, &self.theta, loss, chunk, batch.scale);
            }
            tape.linearize(shape, loss, chunk, batch.scale);
        }
        self.known = Known::Curvature;
        true
    }

    /// Products with this matrix from here on.
    pub(super) fn operator(&mut self, of: Curvature) -> &mut Self {
        self.of = of;
        if self.products.is_none() {
            let capacity = self.tapes.first().map_or(0, Tape::capacity);
            self.products = Some(Products::new(&self.problem.shape, capacity));
        }
        self
    }

    /// The dense matrix, l2 included, after [`Point::linearize`].
    pub(super) fn matrix(&mut self, of: Curvature, triangle: Triangle, out: &mut [f64]) {
        let Problem { shape, loss, l2, batch } = &self.problem;
        let capacity = self.tapes.first().map_or(0, Tape::capacity);
        let dense = self.dense.get_or_insert_with(|| Dense::new(shape, capacity));
        let (theta, theta_columns, scale) = (&self.theta[..], &self.theta_columns[..], batch.scale);
        let chunks = self.tapes.iter().zip(batch.chunks());
        let operands = chunks.map(|(tape, chunk)| Operands { shape, loss, scale, theta, theta_columns, chunk, tape });
        dense.assemble(of, shape, operands, out);
        let p = self.theta.len();
        if *l2 != 0.0 {
            out.iter_mut().step_by(p + 1).for_each(|diagonal| *diagonal += l2);
        }
        if triangle == Triangle::Both {
            mirror(p, out);
        }
    }

    fn move_to(&mut self, theta: &[f64]) {
        self.theta.copy_from_slice(theta);
        self.problem.shape.transpose(theta, &mut self.theta_columns);
    }
}

impl SymmetricOperator for Point {
    fn order(&self) -> usize {
        self.theta.len()
    }

    fn apply(&mut self, v: &[f64], out: &mut [f64]) {
        debug_assert!(v.len() == self.theta.len() && out.len() == self.theta.len());
        let Problem { shape, loss, l2, batch } = &self.problem;
        let products = self.products.as_mut().expect("operator() made it before anyone could ask for products");
        products.set_direction(shape, v);
        let (theta, theta_columns, scale) = (&self.theta[..], &self.theta_columns[..], batch.scale);
        let mut update = Update::Replace;
        for (tape, chunk) in self.tapes.iter().zip(batch.chunks()) {
            let at = Operands { shape, loss, scale, theta, theta_columns, chunk, tape };
            products.apply(self.of, at, v, update, out);
            update = Update::Add;
        }
        if *l2 != 0.0 {
            vector::add_scaled(out, *l2, v);
        }
    }
}

/// Equal as bits: −0 and 0 are different points, a NaN is the same point as itself.
fn same_bits(x: &[f64], y: &[f64]) -> bool {
    x.iter().zip(y).all(|(x, y)| x.to_bits() == y.to_bits())
}
