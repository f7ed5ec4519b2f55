//! The driver: it alone moves θ.

mod budget;
mod outcome;
mod start;

use gf_core::{Counted, EvalError, Event, Objective, Observer, Sample, StepRecord, check_len, vector};

use crate::control::{Judgement, Needs, StepStart, Trial};
use crate::{Discretization, EventLog, Point, StepController, StepFailure};

pub use budget::Budget;
pub use outcome::{Outcome, RunError, Stop};
pub use start::{Carried, Start};

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
