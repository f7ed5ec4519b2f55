//! A network with a loss on samples, as a function of its parameters.

mod function;
mod point;
mod third_derivative;

use std::sync::Arc;

use function::Function;
use gf_core::{
    Cost, CurvatureAt, DenseHessian, EvalError, GaussNewton, HessianProduct, Objective, Sample, Samples,
    ThirdDerivative, Triangle, check_curvature_gradient_lens, check_len,
};
use third_derivative::ThirdDerivatives;

use crate::{
    Batches, Loss, Network, NetworkError, Part, Reduction, batches::BatchNumber, chunk::Chunk, merge::Merge,
    part::Places, problem::Problem, products::Curvature, shape::Shape, tape::Tape, targets::Prepared,
};

/// L(θ) of a network on the current batch, with gradient, products and matrices, all exact.
///
/// **What is kept**: the last value with gradient leaves its forward and backward pass behind, and products at the same
/// θ (the same bits) and batch start from there. A value alone, as in a line search, disturbs nothing of it. Where the passes over the
/// batch take more than 32 MiB they are repeated instead, so that memory does not grow with the batch.
///
/// **Threads**: large batches are shared among the threads of the current rayon pool, and so are dense matrices.
///
/// **Allocation**: construction, and the first gradient, product, matrix and third derivative; nothing after that, but for the lists of tasks of a dense
/// matrix (about 16 bytes a column) and what rayon's queues take where other threads help.
///
/// **Bits** depend neither on the number of threads nor on what was evaluated before.
///
/// The batch is that of step 1 until [`Objective::begin_step`] says otherwise.
#[derive(Debug)]
pub struct NetworkObjective {
    network: Network,
    batches: Batches,
    /// The batch that is taken.
    current: BatchNumber,
    /// The samples in the order of the current epoch.
    order: Vec<usize>,
    /// Where the samples of the current epoch are, unless all are here.
    places: Option<Places>,
    /// The most samples of a batch that are here.
    capacity: usize,
    function: Function,
    /// Once one was asked for.
    third: Option<ThirdDerivatives>,
    /// Of [`NetworkObjective::predict`].
    visitors: (Chunk, Tape),
}

impl NetworkObjective {
    pub(crate) fn new(
        network: Network,
        loss: Loss,
        samples: Arc<Samples>,
        part: Option<&Part>,
        batches: Batches,
    ) -> Result<Self, NetworkError> {
        network.validate()?;
        batches.validate()?;
        if samples.width() != network.input {
            return Err(NetworkError::Inputs { expected: network.input, found: samples.width() });
        }
        if samples.outputs() != network.outputs() {
            return Err(NetworkError::Outputs { expected: network.outputs(), found: samples.outputs() });
        }
        loss.validate(&network)?;
        let targets = Prepared::new(&loss, &samples, part.is_some())?;
        let (mut count, here) = (samples.len(), samples.len());
        if let Some(part) = part {
            if part.rows().len() != here {
                let expected = part.rows().len();
                return Err(NetworkError::Length { what: "samples of the part", expected, found: here });
            }
            if loss.reduction == Reduction::Mean && targets.is_weighted() && part.labels().is_none() {
                return Err(NetworkError::PartWithoutLabels);
            }
            count = part.total();
        }
        let dim = Shape::new(&network).dim();
        let map = Merge::new(&network);
        let shape = map.as_ref().map_or_else(|| Shape::new(&network), |map| map.shape.clone());
        let capacity = batches.largest(count).min(here).max(1);
        let room = shape.chunk.min(capacity);
        let visitors = (Chunk::new(&shape, room), Tape::new(&shape, room));
        let mut objective = Self {
            current: batches.number(count, 1),
            order: vec![0; count],
            places: part.cloned().map(Places::new),
            capacity,
            third: None,
            visitors,
            function: Function::new(Problem::new(shape, loss, samples, targets, capacity), map, dim, capacity),
            network,
            batches,
        };
        objective.batches.order(objective.current.epoch, &mut objective.order);
        objective.take_batch();
        Ok(objective)
    }

    /// Adds (λ/2)‖θ‖², biases included.
    ///
    /// # Errors
    /// [`NetworkError::Parameter`] unless λ is finite and not negative.
    pub fn with_l2(mut self, lambda: f64) -> Result<Self, NetworkError> {
        if !(lambda.is_finite() && lambda >= 0.0) {
            let expected = "a finite number of at least 0";
            return Err(NetworkError::Parameter { name: "l2", expected, found: lambda });
        }
        self.function.l2 = lambda;
        self.function.forget();
        Ok(self)
    }

    /// The network.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The loss, without the l2 term.
    pub fn loss(&self) -> &Loss {
        &self.function.problem().loss
    }

    /// λ of the l2 term.
    pub fn l2(&self) -> f64 {
        self.function.l2
    }

    /// All samples, of this part.
    pub fn samples(&self) -> &Arc<Samples> {
        &self.function.problem().samples
    }

    /// Batches an epoch.
    pub fn batches_per_epoch(&self) -> usize {
        self.batches.per_epoch(self.order.len())
    }

    /// Samples in the current batch, of this part.
    pub fn batch_len(&self) -> usize {
        self.function.problem().batch_len()
    }

    /// The samples of the current batch, as their numbers in [`NetworkObjective::samples`], in order.
    pub fn batch_rows(&self) -> &[usize] {
        self.function.problem().batch_rows()
    }

    /// Overwrites `outputs` (n × outputs, row-major) with the network's outputs a^L for `inputs` (n × input, row-major).
    ///
    /// # Errors
    /// [`NetworkError::Length`] and [`NetworkError::Ragged`] when a slice has the wrong length.
    pub fn predict(&mut self, theta: &[f64], inputs: &[f64], outputs: &mut [f64]) -> Result<(), NetworkError> {
        let width = self.network.input;
        let length = |what, expected: usize, found: usize| {
            if expected == found { Ok(()) } else { Err(NetworkError::Length { what, expected, found }) }
        };
        length("theta", self.dim(), theta.len())?;
        if !inputs.len().is_multiple_of(width) {
            return Err(NetworkError::Ragged { width, found: inputs.len() });
        }
        length("outputs", inputs.len() / width * self.network.outputs(), outputs.len())?;
        let (chunk, tape) = &mut self.visitors;
        let (problem, parameters) = self.function.parameters(theta);
        tape.predict(&problem.shape, parameters, chunk, inputs, outputs);
        Ok(())
    }

    fn dense(&mut self, of: Curvature, theta: &[f64], triangle: Triangle, out: &mut [f64]) -> Result<(), EvalError> {
        check_len("theta", self.dim(), theta.len())?;
        check_len("matrix", self.dim() * self.dim(), out.len())?;
        self.function.matrix(of, theta, triangle, out);
        Ok(())
    }

    fn take_batch(&mut self) {
        let batch = &self.order[self.batches.range(self.order.len(), self.current.slot)];
        match &mut self.places {
            None => self.function.set_batch(batch),
            Some(places) => {
                places.take(batch);
                self.function.set_part_of_batch(&places.batch, batch, places.part.labels());
            }
        }
    }
}

impl Objective for NetworkObjective {
    fn dim(&self) -> usize {
        self.function.dim()
    }

    fn value(&mut self, theta: &[f64]) -> Result<f64, EvalError> {
        check_len("theta", self.dim(), theta.len())?;
        Ok(self.function.value(theta))
    }

    fn value_and_gradient(&mut self, theta: &[f64], gradient: &mut [f64]) -> Result<f64, EvalError> {
        check_len("theta", self.dim(), theta.len())?;
        check_len("gradient", self.dim(), gradient.len())?;
        Ok(self.function.evaluate(theta, gradient))
    }

    fn begin_step(&mut self, step: u64) -> Sample {
        let number = self.batches.number(self.order.len(), step);
        if number == self.current {
            return Sample::Unchanged;
        }
        if number.epoch != self.current.epoch {
            self.batches.order(number.epoch, &mut self.order);
        }
        self.current = number;
        self.take_batch();
        Sample::Changed
    }

    fn cost(&self) -> Cost {
        self.function.cost()
    }
}

impl HessianProduct for NetworkObjective {
    fn hessian_at<'a>(&'a mut self, theta: &[f64]) -> Result<CurvatureAt<'a>, EvalError> {
        check_len("theta", self.dim(), theta.len())?;
        let fresh = self.function.linearize(theta);
        Ok(CurvatureAt::new(self.function.operator(Curvature::Hessian), fresh))
    }
}

impl DenseHessian for NetworkObjective {
    fn dense_hessian(&mut self, theta: &[f64], triangle: Triangle, out: &mut [f64]) -> Result<(), EvalError> {
        self.dense(Curvature::Hessian, theta, triangle, out)
    }
}

impl GaussNewton for NetworkObjective {
    fn gauss_newton_at<'a>(&'a mut self, theta: &[f64]) -> Result<CurvatureAt<'a>, EvalError> {
        check_len("theta", self.dim(), theta.len())?;
        let fresh = self.function.linearize(theta);
        Ok(CurvatureAt::new(self.function.operator(Curvature::GaussNewton), fresh))
    }

    fn dense_gauss_newton(&mut self, theta: &[f64], triangle: Triangle, out: &mut [f64]) -> Result<(), EvalError> {
        self.dense(Curvature::GaussNewton, theta, triangle, out)
    }
}

impl ThirdDerivative for NetworkObjective {
    fn curvature_gradient(&mut self, theta: &[f64], u: &[f64], v: &[f64], out: &mut [f64]) -> Result<(), EvalError> {
        check_curvature_gradient_lens(self.dim(), theta, u, v, out)?;
        let (network, capacity) = (&self.network, self.capacity);
        let passes = self.third.get_or_insert_with(|| ThirdDerivatives::new(Shape::new(network), capacity));
        passes.contract(self.function.problem(), theta, u, v, out);
        Ok(())
    }
}
