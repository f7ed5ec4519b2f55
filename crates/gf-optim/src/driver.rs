//! The driver: it alone moves θ.

use gf_core::{Counted, EvalError, Event, Objective, Observer, Sample, StepRecord, Work, check_len, vector};
use thiserror::Error;

use crate::control::{Judgement, Trial};
use crate::{Discretization, EventLog, Point, SetupError, StepController, StepFailure};

/// When a run ends by itself. Conditions that are not wanted keep their neutral values of [`Budget::steps`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Budget {
    /// Accepted steps at most.
    pub steps: u64,
    /// Flow time; infinite means no limit. The last step may go beyond.
    pub flow_time: f64,
    /// Ends when ‖∇L‖ on the step's sample is at most this.
    pub gradient_norm: f64,
    /// Ends when the loss on the step's sample is at most this; −∞ means never.
    pub loss: f64,
    /// A loss above this counts as divergence, as infinity and NaN always do.
    pub loss_limit: f64,
}

impl Budget {
    /// Ends after `steps` accepted steps, or by divergence or failure.
    pub fn steps(steps: u64) -> Self {
        Self { steps, flow_time: f64::INFINITY, gradient_norm: 0.0, loss: f64::NEG_INFINITY, loss_limit: f64::INFINITY }
    }
}

/// Why a run ended. A numerical failure is an outcome: everything up to it is kept.
#[derive(Debug, Clone, PartialEq)]
pub enum Stop {
    /// All steps were taken.
    Steps,
    /// The flow time was reached.
    FlowTime,
    /// The gradient is small enough.
    GradientNorm,
    /// The loss is small enough.
    Loss,
    /// The loss, the gradient or θ became infinite or NaN, or the loss exceeded the limit.
    Diverged {
        /// What did.
        what: &'static str,
    },
    /// No step could be taken.
    Failed(StepFailure),
}

impl Stop {
    /// Whether the run failed, by divergence or for want of a step.
    pub fn is_failure(&self) -> bool {
        matches!(self, Self::Diverged { .. } | Self::Failed(_))
    }

    /// A short name: `steps`, `flow-time`, `gradient-norm`, `loss`, `diverged`, `failed`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Steps => "steps",
            Self::FlowTime => "flow-time",
            Self::GradientNorm => "gradient-norm",
            Self::Loss => "loss",
            Self::Diverged { .. } => "diverged",
            Self::Failed(_) => "failed",
        }
    }
}

impl std::fmt::Display for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Diverged { what } => write!(f, "diverged: {what}"),
            Self::Failed(failure) => write!(f, "failed: {failure}"),
            other => f.write_str(other.name()),
        }
    }
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Why it ended.
    pub stop: Stop,
    /// θ after the last accepted step.
    pub theta: Vec<f64>,
    /// Accepted steps.
    pub steps: u64,
    /// Flow time, for methods that follow the flow's clock.
    pub time: Option<f64>,
    /// The last loss computed by the driver, on a step's sample before its update.
    pub loss: f64,
    /// All work, that of the failed last step included.
    pub work: Work,
    /// Model flops over those of one value and gradient.
    pub gradient_equivalents: f64,
    /// Rejected proposals.
    pub rejected: u64,
}

/// Misuse: the run could not start, or the objective broke its contract.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum RunError {
    /// Wrong lengths.
    #[error(transparent)]
    Evaluation(#[from] EvalError),
    /// Memory.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The start is not finite.
    #[error("the initial parameters are not finite: entry {index} is {value}")]
    Start {
        /// Which entry.
        index: usize,
        /// Its value.
        value: f64,
    },
}

/// Runs `method` from `theta` until `budget` ends it.
///
/// The sample of step k is fixed by [`Objective::begin_step`] before anything is evaluated. Observers see step 0, before any update,
/// and then accepted steps only, each after its timed region.
///
/// # Errors
/// [`RunError`] for misuse. Divergence and failures of steps are outcomes.
pub fn integrate<O, M>(
    objective: &mut O,
    method: &mut M,
    controller: &mut dyn StepController,
    observers: &mut [&mut dyn Observer],
    theta: Vec<f64>,
    budget: &Budget,
) -> Result<Outcome, RunError>
where
    O: Objective + ?Sized,
    M: Discretization<O> + ?Sized,
{
    check_len("theta", objective.dim(), theta.len())?;
    if let Some(index) = theta.iter().position(|x| !x.is_finite()) {
        return Err(RunError::Start { index, value: theta[index] });
    }
    method.init(theta.len())?;
    let clock = (method.follows_flow() && controller.follows_flow()).then_some(0.0);
    let mut run = Run::new(Counted::new(objective), theta, clock);

    observers.iter_mut().for_each(|observer| observer.step_started());
    run.evaluate(1)?;
    observers.iter_mut().for_each(|observer| observer.step_finished());
    run.report(observers, 0.0, 0.0, None);

    let stop = loop {
        if run.step == budget.steps {
            break Stop::Steps;
        }
        if run.time.is_some_and(|time| time >= budget.flow_time) {
            break Stop::FlowTime;
        }
        run.events.clear();
        run.rejected_now = 0;
        observers.iter_mut().for_each(|observer| observer.step_started());
        run.evaluate(run.step + 1)?;
        if let Some(stop) = run.reason_to_stop(budget) {
            observers.iter_mut().for_each(|observer| observer.step_finished());
            break stop;
        }
        let taken = run.find_step(method, controller);
        let taken = match taken {
            Ok(h) => {
                let norms = run.advance(h);
                method.accepted(&run.theta, h);
                Ok((h, norms))
            }
            Err(failure) => Err(failure),
        };
        observers.iter_mut().for_each(|observer| observer.step_finished());
        match taken {
            Ok((h, (step_norm, update_ratio))) => {
                let step_size = run.time.is_some().then_some(h);
                run.report(observers, step_norm, update_ratio, step_size);
            }
            Err(StepFailure::Evaluation(error)) => return Err(error.into()),
            Err(failure) => break Stop::Failed(failure),
        }
    };
    run.charge();
    Ok(Outcome {
        stop,
        theta: run.theta,
        steps: run.step,
        time: run.time,
        loss: run.loss,
        work: run.objective.work(),
        gradient_equivalents: run.gradient_equivalents,
        rejected: run.rejected,
    })
}

/// The state of a run.
struct Run<'a, O: ?Sized> {
    objective: Counted<'a, O>,
    theta: Vec<f64>,
    trial: Vec<f64>,
    delta: Vec<f64>,
    gradient: Vec<f64>,
    loss: f64,
    /// Accepted steps.
    step: u64,
    /// Whether `loss` and `gradient` belong to θ on the sample of the next step.
    evaluated: bool,
    time: Option<f64>,
    events: EventLog,
    rejected_now: u32,
    rejected: u64,
    charged_flops: f64,
    gradient_equivalents: f64,
}

impl<'a, O: Objective + ?Sized> Run<'a, O> {
    fn new(objective: Counted<'a, O>, theta: Vec<f64>, time: Option<f64>) -> Self {
        let p = theta.len();
        Self {
            objective,
            theta,
            trial: vec![0.0; p],
            delta: vec![0.0; p],
            gradient: vec![0.0; p],
            loss: f64::NAN,
            step: 0,
            evaluated: false,
            time,
            events: EventLog::new(),
            rejected_now: 0,
            rejected: 0,
            charged_flops: 0.0,
            gradient_equivalents: 0.0,
        }
    }

    /// Fixes the sample of `step`; computes loss and gradient at θ unless they are known on it.
    fn evaluate(&mut self, step: u64) -> Result<(), EvalError> {
        let changed = self.objective.begin_step(step) == Sample::Changed;
        if changed || !self.evaluated {
            self.loss = self.objective.value_and_gradient(&self.theta, &mut self.gradient)?;
            self.evaluated = true;
        }
        Ok(())
    }

    fn reason_to_stop(&self, budget: &Budget) -> Option<Stop> {
        if !self.loss.is_finite() {
            return Some(Stop::Diverged { what: "the loss is not finite" });
        }
        if self.loss > budget.loss_limit {
            return Some(Stop::Diverged { what: "the loss exceeds the limit" });
        }
        if !vector::all_finite(&self.gradient) {
            return Some(Stop::Diverged { what: "the gradient is not finite" });
        }
        if self.loss <= budget.loss {
            return Some(Stop::Loss);
        }
        (budget.gradient_norm > 0.0 && vector::norm(&self.gradient) <= budget.gradient_norm)
            .then_some(Stop::GradientNorm)
    }

    /// Proposes and judges until a step is accepted; leaves it in `delta` and `trial`.
    fn find_step<M: Discretization<O> + ?Sized>(
        &mut self,
        method: &mut M,
        controller: &mut dyn StepController,
    ) -> Result<f64, StepFailure> {
        let at = Point { theta: &self.theta, loss: self.loss, gradient: &self.gradient, step: self.step + 1 };
        method.linearize(&mut self.objective, at)?;
        let mut h = controller.first();
        loop {
            let proposed = method.propose(&mut self.objective, at, h, &mut self.delta, &mut self.events);
            let proposed = proposed.and_then(|()| {
                vector::sum_into(&self.theta, &self.delta, &mut self.trial);
                if vector::all_finite(&self.trial) { Ok(()) } else { Err(StepFailure::NotFinite { what: "θ + δ" }) }
            });
            let judgement = match proposed {
                Ok(()) if method.unconditional(at) => Judgement::Accept,
                Ok(()) => {
                    let trial_loss = match controller.needs_trial_loss() {
                        true => Some(self.objective.value(&self.trial)?),
                        false => None,
                    };
                    let slope = vector::dot(&self.gradient, &self.delta);
                    controller.judge(Trial { loss: self.loss, trial_loss, slope, h })
                }
                Err(failure) => controller.failed(failure, h),
            };
            match judgement {
                Judgement::Accept => return Ok(h),
                Judgement::AcceptExhausted => {
                    self.events.record(Event::LineSearchExhausted);
                    return Ok(h);
                }
                Judgement::Retry(next) => {
                    self.rejected_now += 1;
                    self.rejected += 1;
                    h = next;
                }
                Judgement::Abort(failure) => return Err(failure),
            }
        }
    }

    /// Moves θ; returns ‖δ‖ and mean|δ|/mean|θ|.
    fn advance(&mut self, h: f64) -> (f64, f64) {
        let norms = (vector::norm(&self.delta), vector::mean_abs(&self.delta) / vector::mean_abs(&self.theta));
        std::mem::swap(&mut self.theta, &mut self.trial);
        self.step += 1;
        self.evaluated = false;
        self.time = self.time.map(|time| time + h);
        norms
    }

    /// Converts the flops since the last charge at the price of the current sample.
    fn charge(&mut self) {
        let flops = self.objective.work().flops;
        self.gradient_equivalents += (flops - self.charged_flops) / self.objective.cost().value_and_gradient;
        self.charged_flops = flops;
    }

    fn report(
        &mut self,
        observers: &mut [&mut dyn Observer],
        step_norm: f64,
        update_ratio: f64,
        step_size: Option<f64>,
    ) {
        self.charge();
        let record = StepRecord {
            step: self.step,
            time: self.time,
            step_size,
            theta: &self.theta,
            loss: self.loss,
            gradient_norm: vector::norm(&self.gradient),
            step_norm,
            update_ratio,
            work: self.objective.work(),
            gradient_equivalents: self.gradient_equivalents,
            rejected: self.rejected_now,
            events: self.events.events(),
        };
        observers.iter_mut().for_each(|observer| observer.accepted(&record));
    }
}
