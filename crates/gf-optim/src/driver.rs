//! The driver: it alone moves θ.

use gf_core::{Counted, EvalError, Event, Objective, Observer, Sample, StepRecord, Work, check_len, vector};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::control::{Judgement, Needs, StepStart, Trial};
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
    /// Ends when a step changed the loss on its sample by at most this, relative to the larger of the loss and 1; 0 means never.
    pub loss_change: f64,
    /// A loss above this counts as divergence, as infinity and NaN always do.
    pub loss_limit: f64,
}

impl Budget {
    /// Ends after `steps` accepted steps, or by divergence or failure.
    pub fn steps(steps: u64) -> Self {
        Self {
            steps,
            flow_time: f64::INFINITY,
            gradient_norm: 0.0,
            loss: f64::NEG_INFINITY,
            loss_change: 0.0,
            loss_limit: f64::INFINITY,
        }
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
    /// The loss hardly changed. On mini-batches that is: between the losses that two steps started from.
    LossChange,
    /// An observer asked for the end, for this reason.
    Requested(&'static str),
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

    /// A short name: `steps`, `flow-time`, `gradient-norm`, `loss`, `loss-change`, `diverged`, `failed`, or an observer's reason.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Steps => "steps",
            Self::FlowTime => "flow-time",
            Self::GradientNorm => "gradient-norm",
            Self::Loss => "loss",
            Self::LossChange => "loss-change",
            Self::Requested(reason) => reason,
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
    /// What the next step would have been spared, and compared with.
    pub carried: Carried,
}

/// What the driver carries from one step to the next, beside θ and the counts.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Carried {
    /// The loss that the last step started from; none before the first.
    pub last_loss: Option<f64>,
    /// Loss and gradient at θ on the sample of the last step, where its controller had asked for both.
    pub known: Option<(f64, Vec<f64>)>,
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

/// Where a run starts: at parameters, or where another run ended.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Start {
    /// θ, p numbers.
    pub theta: Vec<f64>,
    /// Steps taken already.
    pub step: u64,
    /// Flow time passed already.
    pub time: f64,
    /// Work done already.
    pub work: Work,
    /// Gradient-equivalents of it.
    pub gradient_equivalents: f64,
    /// Proposals rejected already.
    pub rejected: u64,
    /// What the driver carried at its end.
    pub carried: Carried,
    /// What [`Discretization::state`] held; empty for a fresh method.
    pub method: Vec<Vec<f64>>,
    /// What [`StepController::state`] held; empty for a fresh controller.
    pub control: Vec<f64>,
}

impl From<Vec<f64>> for Start {
    fn from(theta: Vec<f64>) -> Self {
        Self { theta, ..Self::default() }
    }
}

impl Start {
    /// Where `outcome` ended, with the states of its method and its controller: a run from here takes the steps that the first one would have
    /// taken, bit for bit.
    pub fn resume<O: ?Sized, M: Discretization<O> + ?Sized>(
        outcome: &Outcome,
        method: &mut M,
        controller: &mut dyn StepController,
    ) -> Self {
        Self {
            theta: outcome.theta.clone(),
            step: outcome.steps,
            time: outcome.time.unwrap_or(0.0),
            work: outcome.work,
            gradient_equivalents: outcome.gradient_equivalents,
            rejected: outcome.rejected,
            carried: outcome.carried.clone(),
            method: method.state().into_iter().map(|part| part.to_vec()).collect(),
            control: controller.state().into_iter().map(|x| *x).collect(),
        }
    }

    fn restore<O: ?Sized, M: Discretization<O> + ?Sized>(
        &self,
        method: &mut M,
        controller: &mut dyn StepController,
    ) -> Result<(), EvalError> {
        if !self.method.is_empty() {
            let state = method.state();
            check_len("the method's state", state.len(), self.method.len())?;
            for (into, from) in state.into_iter().zip(&self.method) {
                check_len("a part of the method's state", into.len(), from.len())?;
                into.copy_from_slice(from);
            }
        }
        if !self.control.is_empty() {
            let state = controller.state();
            check_len("the controller's state", state.len(), self.control.len())?;
            state.into_iter().zip(&self.control).for_each(|(into, from)| *into = *from);
        }
        Ok(())
    }
}

/// Runs `method` from `start` until `budget` ends it.
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
    start: impl Into<Start>,
    budget: &Budget,
) -> Result<Outcome, RunError>
where
    O: Objective + ?Sized,
    M: Discretization<O> + ?Sized,
{
    let start = start.into();
    check_len("theta", objective.dim(), start.theta.len())?;
    if let Some((_, gradient)) = &start.carried.known {
        check_len("the gradient of a start", start.theta.len(), gradient.len())?;
    }
    if let Some(index) = start.theta.iter().position(|x| !x.is_finite()) {
        return Err(RunError::Start { index, value: start.theta[index] });
    }
    method.init(start.theta.len())?;
    start.restore(method, controller)?;
    let follows = method.time(1.0).is_some() && controller.follows_flow();
    let mut run = Run::new(Counted::resuming(objective, start.work), start, follows);

    if run.step > 0 {
        // The sample of the last step, so that the objective can tell whether the next one differs.
        run.objective.begin_step(run.step);
    } else {
        observers.iter_mut().for_each(|observer| observer.step_started());
        run.evaluate(1)?;
        observers.iter_mut().for_each(|observer| observer.step_finished());
        run.report(observers, controller, 0.0, 0.0, None);
    }

    let stop = loop {
        if run.step >= budget.steps {
            break Stop::Steps;
        }
        // A sum of step sizes may fall short of it by its rounding.
        if run.time.is_some_and(|time| time >= budget.flow_time * (1.0 - 1e-12)) {
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
                let norms = run.advance(method.time(h));
                method.accepted(&run.theta, h);
                Ok((h, norms))
            }
            Err(failure) => Err(failure),
        };
        observers.iter_mut().for_each(|observer| observer.step_finished());
        match taken {
            Ok((h, (step_norm, update_ratio))) => {
                run.report(observers, controller, step_norm, update_ratio, Some(h));
                if let Some(reason) = observers.iter_mut().find_map(|observer| observer.stop_requested()) {
                    break Stop::Requested(reason);
                }
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
        carried: Carried { last_loss: run.last_loss, known: run.trial_loss.map(|loss| (loss, run.trial_gradient)) },
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
    /// The loss that the last step started from.
    last_loss: Option<f64>,
    /// Loss and gradient at `trial`, where the controller asked for both.
    trial_loss: Option<f64>,
    trial_gradient: Vec<f64>,
    /// Accepted steps.
    step: u64,
    /// Whether `loss` and `gradient` belong to θ on the sample of the last step.
    evaluated: bool,
    time: Option<f64>,
    events: EventLog,
    rejected_now: u32,
    rejected: u64,
    charged_flops: f64,
    gradient_equivalents: f64,
}

impl<'a, O: Objective + ?Sized> Run<'a, O> {
    fn new(objective: Counted<'a, O>, start: Start, follows_flow: bool) -> Self {
        let p = start.theta.len();
        let Carried { last_loss, known } = start.carried;
        let (trial_loss, trial_gradient) = known.map_or((None, Vec::new()), |(loss, gradient)| (Some(loss), gradient));
        Self {
            charged_flops: objective.work().flops,
            objective,
            theta: start.theta,
            trial: vec![0.0; p],
            delta: vec![0.0; p],
            gradient: vec![0.0; p],
            loss: f64::NAN,
            last_loss,
            trial_loss,
            trial_gradient,
            step: start.step,
            evaluated: false,
            time: follows_flow.then_some(start.time),
            events: EventLog::new(),
            rejected_now: 0,
            rejected: start.rejected,
            gradient_equivalents: start.gradient_equivalents,
        }
    }

    /// Fixes the sample of `step`; computes loss and gradient at θ unless they are known on it.
    fn evaluate(&mut self, step: u64) -> Result<(), EvalError> {
        if let Some(loss) = self.trial_loss.take() {
            self.loss = loss;
            std::mem::swap(&mut self.gradient, &mut self.trial_gradient);
            self.evaluated = true;
        }
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
        let change = self.last_loss.map(|last| (last - self.loss).abs() / self.loss.abs().max(1.0));
        if budget.loss_change > 0.0 && change.is_some_and(|change| change <= budget.loss_change) {
            return Some(Stop::LossChange);
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
        let gradient_norm = vector::norm(&self.gradient);
        let mut h = controller.first(StepStart { step: self.step + 1, loss: self.loss, gradient_norm });
        let needs = controller.needs();
        self.trial_loss = None;
        if needs == Needs::LossAndGradient {
            self.trial_gradient.resize(self.theta.len(), 0.0);
        }
        loop {
            let proposed = method.propose(&mut self.objective, at, h, &mut self.delta, &mut self.events);
            let proposed = proposed.and_then(|()| {
                vector::sum_into(&self.theta, &self.delta, &mut self.trial);
                if vector::all_finite(&self.trial) { Ok(()) } else { Err(StepFailure::NotFinite { what: "θ + δ" }) }
            });
            let judgement = match proposed {
                Ok(()) if method.unconditional(at) => Judgement::Accept,
                Ok(()) => {
                    let trial_loss = match needs {
                        Needs::Nothing => None,
                        Needs::Loss => Some(self.objective.value(&self.trial)?),
                        Needs::LossAndGradient => {
                            Some(self.objective.value_and_gradient(&self.trial, &mut self.trial_gradient)?)
                        }
                    };
                    let with_gradient = needs == Needs::LossAndGradient;
                    self.trial_loss = trial_loss.filter(|_| with_gradient);
                    controller.judge(Trial {
                        theta: &self.theta,
                        delta: &self.delta,
                        loss: self.loss,
                        trial_loss,
                        slope: vector::dot(&self.gradient, &self.delta),
                        trial_slope: with_gradient.then(|| vector::dot(&self.trial_gradient, &self.delta)),
                        h,
                        local_error: method.local_error(),
                        predicted_decrease: method.predicted_decrease(),
                    })
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

    /// Moves θ, and the clock by `time`; returns ‖δ‖ and mean|δ|/mean|θ|.
    fn advance(&mut self, time: Option<f64>) -> (f64, f64) {
        let norms = (vector::norm(&self.delta), vector::mean_abs(&self.delta) / vector::mean_abs(&self.theta));
        std::mem::swap(&mut self.theta, &mut self.trial);
        self.step += 1;
        self.last_loss = Some(self.loss);
        self.evaluated = false;
        self.time = self.time.zip(time).map(|(before, time)| before + time);
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
        controller: &mut dyn StepController,
        step_norm: f64,
        update_ratio: f64,
        h: Option<f64>,
    ) {
        self.charge();
        let record = StepRecord {
            step: self.step,
            time: self.time,
            step_size: h.filter(|_| self.time.is_some()),
            learning_rate: h,
            theta: &self.theta,
            loss: self.loss,
            gradient: &self.gradient,
            gradient_norm: vector::norm(&self.gradient),
            step_norm,
            update_ratio,
            work: self.objective.work(),
            gradient_equivalents: self.gradient_equivalents,
            rejected: self.rejected_now,
            events: self.events.events(),
        };
        observers.iter_mut().for_each(|observer| observer.accepted(&record));
        if let Some(loss) = observers.iter().find_map(|observer| observer.validation_loss()) {
            controller.validated(loss);
        }
    }
}
