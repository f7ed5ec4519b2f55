//! An objective whose samples are spread over ranks.

use std::fmt;

use crate::{
    Communicator, Cost, CurvatureAt, DenseHessian, EvalError, GaussNewton, HessianProduct, Objective, Sample,
    ThirdDerivative, Triangle, check_curvature_gradient_lens, check_len,
};

/// L(θ) = Σ_r L_r(θ), summed over the ranks of a [`Communicator`]; each rank has its own summand L_r. It has exactly the capabilities of the summand: derivatives of a sum are sums.
///
/// All ranks evaluate the same things in the same order at the same θ; since all receive the same sums, whatever runs on this objective decides alike
/// on all ranks. With one rank it is the summand itself, bit for bit.
///
/// **Messages**: one a value (2 numbers), gradient (p + 2) or product (p a column), one of 1 number where curvature is prepared at a point; a dense matrix sends
/// its lower triangle, p(p + 1)/2 numbers in messages of at most 2²⁰ (or one column).
///
/// **Failure**: each message says whether its sender failed. When one did, all ranks return [`EvalError::OnRank`] with its words; none waits for another.
///
/// **Work** ([`Objective::cost`]) is the summand's own account: a summand that knows the whole should give the cost of the whole.
pub struct Distributed<O, C> {
    local: O,
    communicator: C,
    message: Vec<f64>,
}

/// Numbers a message of a dense matrix: 8 MiB.
const LONGEST_MESSAGE: usize = 1 << 20;

impl<O: Objective, C: Communicator> Distributed<O, C> {
    /// The sum of all ranks' `local`.
    pub fn new(local: O, communicator: C) -> Self {
        Self { local, communicator, message: Vec::new() }
    }

    /// This rank's summand.
    pub fn local(&self) -> &O {
        &self.local
    }

    /// This rank's summand, to evaluate it on its own.
    pub fn local_mut(&mut self) -> &mut O {
        &mut self.local
    }

    /// The group of ranks.
    pub fn communicator(&self) -> &C {
        &self.communicator
    }

    /// Sums `parts` over ranks, with the failure of `result` among them.
    fn sum<T>(&mut self, result: Result<T, EvalError>, parts: &mut [&mut [f64]]) -> Result<T, EvalError> {
        if self.communicator.is_alone() {
            return result;
        }
        let Self { communicator, message, .. } = self;
        message.clear();
        message.push(f64::from(u8::from(result.is_err())));
        parts.iter().for_each(|part| message.extend_from_slice(part));
        communicator.sum(message);
        if message[0] != 0.0 {
            return Err(failure(communicator, result.err()));
        }
        let mut rest = &message[1..];
        for part in parts {
            let (sums, others) = rest.split_at(part.len());
            part.copy_from_slice(sums);
            rest = others;
        }
        result
    }

    /// Sums the lower triangle of a p × p matrix.
    fn sum_matrix(
        &mut self,
        result: Result<(), EvalError>,
        triangle: Triangle,
        out: &mut [f64],
    ) -> Result<(), EvalError> {
        if self.communicator.is_alone() {
            return result;
        }
        let p = self.dim();
        if let Some(failure) = agree(&self.communicator, &result) {
            return Err(failure);
        }
        let Self { communicator, message, .. } = self;
        let mut first = 0;
        while first < p {
            message.clear();
            let mut last = first;
            while last < p && (last == first || message.len() + (p - last) <= LONGEST_MESSAGE) {
                message.extend_from_slice(&out[last * p + last..(last + 1) * p]);
                last += 1;
            }
            communicator.sum(message);
            let mut rest = &message[..];
            for j in first..last {
                let (sums, others) = rest.split_at(p - j);
                out[j * p + j..(j + 1) * p].copy_from_slice(sums);
                rest = others;
            }
            first = last;
        }
        if triangle == Triangle::Both {
            crate::mirror(p, out);
        }
        Ok(())
    }
}

/// The failure of any rank, on all of them.
fn agree<T>(communicator: &impl Communicator, result: &Result<T, EvalError>) -> Option<EvalError> {
    let words = result.as_ref().err().map(ToString::to_string);
    let (rank, words) = communicator.first_failure(words.as_deref())?;
    Some(EvalError::OnRank { rank, words })
}

/// Where all ranks know that one has failed.
fn failure(communicator: &impl Communicator, own: Option<EvalError>) -> EvalError {
    let words = own.map(|error| error.to_string());
    let (rank, words) = communicator.failure_known_to_exist(words.as_deref());
    EvalError::OnRank { rank, words }
}

/// The sum of the ranks' operators.
fn summed<'a, C: Communicator>(
    at: Result<CurvatureAt<'a>, EvalError>,
    communicator: &'a C,
) -> Result<CurvatureAt<'a>, EvalError> {
    if communicator.is_alone() {
        return at;
    }
    match agree(communicator, &at) {
        Some(failure) => Err(failure),
        None => at.map(|at| at.summed_over(communicator)),
    }
}

impl<O: Objective, C: Communicator> Objective for Distributed<O, C> {
    fn dim(&self) -> usize {
        self.local.dim()
    }

    fn value(&mut self, theta: &[f64]) -> Result<f64, EvalError> {
        let result = self.local.value(theta);
        let mut value = [*result.as_ref().unwrap_or(&0.0)];
        self.sum(result, &mut [&mut value])?;
        Ok(value[0])
    }

    fn value_and_gradient(&mut self, theta: &[f64], gradient: &mut [f64]) -> Result<f64, EvalError> {
        check_len("gradient", self.dim(), gradient.len())?;
        let result = self.local.value_and_gradient(theta, gradient);
        let mut value = [*result.as_ref().unwrap_or(&0.0)];
        self.sum(result, &mut [&mut value, gradient])?;
        Ok(value[0])
    }

    fn begin_step(&mut self, step: u64) -> Sample {
        self.local.begin_step(step)
    }

    fn cost(&self) -> Cost {
        self.local.cost()
    }
}

impl<O: HessianProduct, C: Communicator> HessianProduct for Distributed<O, C> {
    fn hessian_at<'a>(&'a mut self, theta: &[f64]) -> Result<CurvatureAt<'a>, EvalError> {
        summed(self.local.hessian_at(theta), &self.communicator)
    }
}

impl<O: DenseHessian, C: Communicator> DenseHessian for Distributed<O, C> {
    fn dense_hessian(&mut self, theta: &[f64], triangle: Triangle, out: &mut [f64]) -> Result<(), EvalError> {
        check_len("matrix", self.dim() * self.dim(), out.len())?;
        let result = self.local.dense_hessian(theta, self.wanted(triangle), out);
        self.sum_matrix(result, triangle, out)
    }
}

impl<O: GaussNewton, C: Communicator> GaussNewton for Distributed<O, C> {
    fn gauss_newton_at<'a>(&'a mut self, theta: &[f64]) -> Result<CurvatureAt<'a>, EvalError> {
        summed(self.local.gauss_newton_at(theta), &self.communicator)
    }

    fn dense_gauss_newton(&mut self, theta: &[f64], triangle: Triangle, out: &mut [f64]) -> Result<(), EvalError> {
        check_len("matrix", self.dim() * self.dim(), out.len())?;
        let result = self.local.dense_gauss_newton(theta, self.wanted(triangle), out);
        self.sum_matrix(result, triangle, out)
    }
}

impl<O: ThirdDerivative, C: Communicator> ThirdDerivative for Distributed<O, C> {
    fn curvature_gradient(&mut self, theta: &[f64], u: &[f64], v: &[f64], out: &mut [f64]) -> Result<(), EvalError> {
        check_curvature_gradient_lens(self.dim(), theta, u, v, out)?;
        let result = self.local.curvature_gradient(theta, u, v, out);
        self.sum(result, &mut [out])
    }
}

impl<O: Objective, C: Communicator> Distributed<O, C> {
    /// The other triangle is written after the sum.
    fn wanted(&self, triangle: Triangle) -> Triangle {
        if self.communicator.is_alone() { triangle } else { Triangle::Lower }
    }
}

impl<O: fmt::Debug, C: Communicator> fmt::Debug for Distributed<O, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { local, communicator, .. } = self;
        let (rank, size) = (communicator.rank(), communicator.size());
        f.debug_struct("Distributed").field("local", local).field("rank", &rank).field("size", &size).finish()
    }
}
