//! The flow itself, to a tight tolerance: what runs are compared with.

use gf_core::{Counted, EvalError, Objective, Work, check_len, vector};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::control::{EmbeddedError, Judgement, StepController, StepStart, Trial};
use crate::methods::RungeKutta;
use crate::{Discretization, StepFailure};

/// The solution θ(t) of θ' = −∇L(θ) from θ(0), at any ascending sequence of times.
///
/// **Method**: Dormand–Prince 5(4) ([`Flow::new`]) or Tsitouras 5(4) ([`Flow::by_tsitouras`]) under PI control of its local error, with dense output of order 4 between its steps; it does not step back.
/// **Cost**: 7 gradients a step, two vectors at a time within one; stiff flows need steps of about 3.3/λmax.
///
/// ```
/// use gf_core::problems::Quadratic;
/// use gf_optim::Flow;
/// let mut parabola = Quadratic::diagonal(&[1.0]);
/// let mut flow = Flow::new(&mut parabola, vec![1.0], 1e-10)?;
/// let mut theta = [0.0];
/// flow.at(&mut parabola, 2.0, &mut theta)?;
/// assert!((theta[0] - (-2.0f64).exp()).abs() < 1e-9);
/// # Ok::<(), gf_optim::FlowError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Flow {
    solver: RungeKutta,
    control: EmbeddedError,
    /// The step under way: from `time` by `h`.
    time: f64,
    h: f64,
    theta: Vec<f64>,
    gradient: Vec<f64>,
    delta: Vec<f64>,
    steps: u64,
    work: Work,
    /// What was known before the step under way was found.
    before: FlowState,
}

/// Where a [`Flow`] stands: what it knew before it found the step under way, which it finds again.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct FlowState {
    time: f64,
    theta: Vec<f64>,
    control: Vec<f64>,
    steps: u64,
    work: Work,
}

/// Why the flow is not known at a time.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum FlowError {
    /// The objective could not be evaluated.
    #[error(transparent)]
    Evaluation(#[from] EvalError),
    /// The integrator could not go on.
    #[error("the reference flow ends at time {time:.4e}: {failure}")]
    Step {
        /// Where it ends.
        time: f64,
        /// Why.
        failure: StepFailure,
    },
    /// Times have to ascend.
    #[error("the reference flow has passed time {asked:e}: it stands at {time:e}")]
    Passed {
        /// The time asked for.
        asked: f64,
        /// The earliest one that is still known.
        time: f64,
    },
}

impl Flow {
    /// From `theta` at time 0, with this absolute and relative tolerance of the local error.
    ///
    /// # Errors
    /// [`FlowError::Evaluation`]; [`FlowError::Step`] where the gradient is not finite.
    pub fn new<O: Objective + ?Sized>(objective: &mut O, theta: Vec<f64>, tolerance: f64) -> Result<Self, FlowError> {
        Self::by(RungeKutta::dormand_prince(), objective, theta, tolerance)
    }

    /// As [`Flow::new`], by the pair of Tsitouras: another integrator to check the first with.
    ///
    /// # Errors
    /// As [`Flow::new`].
    pub fn by_tsitouras<O: Objective + ?Sized>(
        objective: &mut O,
        theta: Vec<f64>,
        tolerance: f64,
    ) -> Result<Self, FlowError> {
        Self::by(RungeKutta::tsitouras(), objective, theta, tolerance)
    }

    fn by<O: Objective + ?Sized>(
        solver: RungeKutta,
        objective: &mut O,
        theta: Vec<f64>,
        tolerance: f64,
    ) -> Result<Self, FlowError> {
        let p = theta.len();
        let mut flow = Self {
            solver,
            control: EmbeddedError::with_tolerance(tolerance),
            time: 0.0,
            h: 0.0,
            theta,
            gradient: vec![0.0; p],
            delta: vec![0.0; p],
            steps: 0,
            work: Work::default(),
            before: FlowState::default(),
        };
        flow.solver.resize(p);
        flow.advance(objective)?;
        Ok(flow)
    }

    /// What [`Flow::resume`] continues from.
    pub fn state(&self) -> &FlowState {
        &self.before
    }

    /// As [`Flow::new`] with the same tolerance, where another flow stood: it goes on as that one would have, bit for bit.
    ///
    /// # Errors
    /// As [`Flow::new`]; [`FlowError::Evaluation`] where the state is that of another objective.
    pub fn resume<O: Objective + ?Sized>(
        objective: &mut O,
        state: FlowState,
        tolerance: f64,
    ) -> Result<Self, FlowError> {
        let p = objective.dim();
        check_len("the state of the flow", p, state.theta.len())?;
        let mut control = EmbeddedError::with_tolerance(tolerance);
        let into = control.state();
        check_len("the state of the flow's step control", into.len(), state.control.len())?;
        into.into_iter().zip(&state.control).for_each(|(into, from)| *into = *from);
        let mut flow = Self {
            solver: RungeKutta::dormand_prince(),
            control,
            time: state.time,
            h: 0.0,
            theta: state.theta,
            gradient: vec![0.0; p],
            delta: vec![0.0; p],
            steps: state.steps,
            work: state.work,
            before: FlowState::default(),
        };
        flow.solver.resize(p);
        flow.advance(objective)?;
        Ok(flow)
    }

    /// Overwrites `theta` (p numbers) with θ(`time`), in flow time.
    ///
    /// # Errors
    /// [`FlowError`]; `theta` is then untouched.
    pub fn at<O: Objective + ?Sized>(
        &mut self,
        objective: &mut O,
        time: f64,
        theta: &mut [f64],
    ) -> Result<(), FlowError> {
        if time < self.time || time.is_nan() {
            return Err(FlowError::Passed { asked: time, time: self.time });
        }
        while time > self.time + self.h {
            self.advance(objective)?;
        }
        let share = if self.h > 0.0 { (time - self.time) / self.h } else { 0.0 };
        let inside = self.solver.interpolant(&self.gradient, self.h, &self.delta);
        inside.expect("the tableau has dense output").at(share, theta);
        vector::add_scaled(theta, 1.0, &self.theta);
        Ok(())
    }

    /// Steps taken.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Work done.
    pub fn work(&self) -> Work {
        self.work
    }

    /// Leaves the step under way and finds the next one.
    fn advance<O: Objective + ?Sized>(&mut self, objective: &mut O) -> Result<(), FlowError> {
        vector::add_scaled(&mut self.theta, 1.0, &self.delta);
        self.time += self.h;
        self.before.time = self.time;
        self.before.theta.clone_from(&self.theta);
        self.before.control.clear();
        self.before.control.extend(self.control.state().into_iter().map(|x| *x));
        (self.before.steps, self.before.work) = (self.steps, self.work);
        let mut objective = Counted::resuming(objective, self.work);
        (self.h, self.steps) = (0.0, self.steps + 1);
        self.delta.fill(0.0);
        let loss = objective.value_and_gradient(&self.theta, &mut self.gradient)?;
        let gradient_norm = vector::norm(&self.gradient);
        let found = if gradient_norm.is_finite() {
            self.find_step(&mut objective, loss, gradient_norm)
        } else {
            Err(StepFailure::NotFinite { what: "the gradient" })
        };
        self.work = objective.work();
        match found {
            Ok(h) => {
                self.h = h;
                Ok(())
            }
            Err(failure) => {
                self.delta.fill(0.0);
                Err(FlowError::Step { time: self.time, failure })
            }
        }
    }

    fn find_step<O: Objective + ?Sized>(
        &mut self,
        objective: &mut Counted<'_, O>,
        loss: f64,
        gradient_norm: f64,
    ) -> Result<f64, StepFailure> {
        let mut h = self.control.first(StepStart { step: self.steps, loss, gradient_norm });
        loop {
            let judgement = match self.solver.step(objective, &self.theta, &self.gradient, h, &mut self.delta) {
                Ok(()) => self.control.judge(Trial {
                    theta: &self.theta,
                    delta: &self.delta,
                    loss,
                    trial_loss: None,
                    slope: vector::dot(&self.gradient, &self.delta),
                    trial_slope: None,
                    h,
                    local_error: Discretization::<O>::local_error(&self.solver),
                    predicted_decrease: None,
                }),
                Err(failure) => self.control.failed(failure, h),
            };
            match judgement {
                Judgement::Accept | Judgement::AcceptExhausted => return Ok(h),
                Judgement::Retry(next) => h = next,
                Judgement::Abort(failure) => return Err(failure),
            }
        }
    }
}
