//! Schedules: factors on a method's step size, by the epoch or by the validation loss.

mod batch_scaling;
mod constant;
mod cosine;
mod exponential;
mod inverse_time;
mod one_cycle;
mod plateau;
mod step;
mod warmup;

use serde::{Deserialize, Serialize};

pub use batch_scaling::BatchScaling;
pub use constant::ConstantFactor;
pub use cosine::CosineDecay;
pub use exponential::ExponentialDecay;
pub use inverse_time::InverseTimeDecay;
pub use one_cycle::OneCycle;
pub use plateau::{Plateau, PlateauWatch};
pub use step::StepDecay;
pub use warmup::Warmup;

use crate::SettingsError;

/// `schedule` of an arm: a table whose members' factors multiply each other and the method's step size h, step by step.
///
/// **Formula**: step k = 1, 2, … begins at epoch $e = (k − 1)/B$, a real number, B the batches per epoch (a function has one step an epoch); its size is
/// $h_k = h\,w(e)\prod_i f_i(\max(e − W, 0))$, w the warm-up over the first W epochs: the other members' clocks start where it ends.
/// **Symbols**: durations in epochs; factors without unit, positive and finite. A length that is not given is that of the run after its warm-up.
/// **Reference**: each member names its own.
///
/// ```
/// use gf_optim::schedule::{CosineDecay, Schedule, Span, Warmup};
/// let schedule = Schedule {
///     warmup: Some(Warmup { epochs: 1.0, from: 0.1 }),
///     cosine: Some(CosineDecay { epochs: None, minimum: 0.01 }),
///     ..Schedule::default()
/// };
/// let span = Span { steps: 40, batches_per_epoch: 4, batch: Some(32) };
/// assert_eq!(schedule.factor(&span, 1), 0.1); // the start of the warm-up
/// assert_eq!(schedule.factor(&span, 5), 1.0); // its end: epoch 1
/// # Ok::<(), gf_optim::SettingsError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Schedule {
    /// A linear rise at the start; the other members begin where it ends. None by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warmup: Option<Warmup>,
    /// The same factor in every step. None by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub constant: Option<ConstantFactor>,
    /// A factor every so many epochs. None by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<StepDecay>,
    /// e^(−rate·epoch). None by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exponential: Option<ExponentialDecay>,
    /// Half a period of the cosine, from 1 down. None by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cosine: Option<CosineDecay>,
    /// 1/(1 + rate·epoch). None by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inverse_time: Option<InverseTimeDecay>,
    /// Up to the method's h and down again. None by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub one_cycle: Option<OneCycle>,
    /// A factor whenever the validation loss stops falling. None by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plateau: Option<Plateau>,
    /// The batch over a reference batch. None by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch_scaling: Option<BatchScaling>,
}

/// The run that a schedule belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Steps at most.
    pub steps: u64,
    /// Steps an epoch, at least 1.
    pub batches_per_epoch: u64,
    /// Samples a batch; none where there are no samples.
    pub batch: Option<usize>,
}

impl Span {
    /// The epoch at which a step (1, 2, …) begins: (k − 1)/B.
    pub fn epoch(&self, step: u64) -> f64 {
        step.saturating_sub(1) as f64 / self.batches_per_epoch as f64
    }

    /// The run's length in epochs.
    pub fn epochs(&self) -> f64 {
        self.steps as f64 / self.batches_per_epoch as f64
    }
}

/// A member that depends on the epoch alone.
trait Factor {
    /// Checks the ranges.
    fn validate(&self) -> Result<(), SettingsError>;

    /// At `epoch`, counted from the end of the warm-up, of a run that lasts `length` epochs from there.
    fn at(&self, epoch: f64, length: f64) -> f64;
}

/// What is said of a kind of schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ScheduleInfo {
    /// Its key in studies.
    pub name: &'static str,
    /// Its factor on h at epoch e.
    pub formula: &'static str,
    /// Its keys: name, default, meaning with unit.
    pub keys: &'static [(&'static str, &'static str, &'static str)],
}

/// All kinds, in the order of [`Schedule`].
pub const SCHEDULES: &[ScheduleInfo] = &[
    warmup::INFO,
    constant::INFO,
    step::INFO,
    exponential::INFO,
    cosine::INFO,
    inverse_time::INFO,
    one_cycle::INFO,
    plateau::INFO,
    batch_scaling::INFO,
];

impl Schedule {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`SettingsError`] that names the key; that of a table without members is empty.
    pub fn validate(&self) -> Result<(), SettingsError> {
        if *self == Self::default() {
            let names: Vec<&str> = SCHEDULES.iter().map(|info| info.name).collect();
            let expected = format!("at least one of {}", names.join(", "));
            return Err(SettingsError::new("", &expected, "an empty table"));
        }
        self.warmup.map_or(Ok(()), |warmup| warmup.validate())?;
        self.members().try_for_each(Factor::validate)?;
        self.plateau.map_or(Ok(()), |plateau| plateau.validate())?;
        self.batch_scaling.map_or(Ok(()), |scaling| scaling.validate())
    }

    /// Checks that the schedule has what it needs of a run.
    ///
    /// # Errors
    /// [`SettingsError`] for batch scaling without batches.
    pub fn check(&self, span: &Span) -> Result<(), SettingsError> {
        match (&self.batch_scaling, span.batch) {
            (Some(_), None) => Err(SettingsError::new("batch-scaling", "a problem with samples", "a function")),
            _ => Ok(()),
        }
    }

    /// The factor on the size of a step (1, 2, …), but for what the validation loss decides: [`PlateauWatch::factor`].
    pub fn factor(&self, span: &Span, step: u64) -> f64 {
        let epoch = span.epoch(step);
        let waits = self.warmup_epochs();
        let (since, length) = ((epoch - waits).max(0.0), (span.epochs() - waits).max(0.0));
        let start = self.warmup.map_or(1.0, |warmup| warmup.at(epoch));
        let batch = self.batch_scaling.map_or(1.0, |scaling| scaling.factor(span.batch));
        let product = self.members().fold(start * batch, |product, member| product * member.at(since, length));
        // A long exponential decay underflows, and a step of 0 is none.
        product.clamp(f64::MIN_POSITIVE, f64::MAX)
    }

    /// The names of its members, in the order of [`SCHEDULES`].
    pub fn names(&self) -> impl Iterator<Item = &'static str> + use<> {
        let is_member = [
            self.warmup.is_some(),
            self.constant.is_some(),
            self.step.is_some(),
            self.exponential.is_some(),
            self.cosine.is_some(),
            self.inverse_time.is_some(),
            self.one_cycle.is_some(),
            self.plateau.is_some(),
            self.batch_scaling.is_some(),
        ];
        SCHEDULES.iter().zip(is_member).filter(|(_, is_member)| *is_member).map(|(info, _)| info.name)
    }

    /// How long the warm-up lasts.
    pub fn warmup_epochs(&self) -> f64 {
        self.warmup.map_or(0.0, |warmup| warmup.epochs)
    }

    fn members(&self) -> impl Iterator<Item = &dyn Factor> {
        let members: [Option<&dyn Factor>; 6] = [
            self.constant.as_ref().map(|x| x as _),
            self.step.as_ref().map(|x| x as _),
            self.exponential.as_ref().map(|x| x as _),
            self.cosine.as_ref().map(|x| x as _),
            self.inverse_time.as_ref().map(|x| x as _),
            self.one_cycle.as_ref().map(|x| x as _),
        ];
        members.into_iter().flatten()
    }
}

/// How much of `length` has passed, from 0 to 1; a length of 0 has passed as soon as it begins.
fn share(epoch: f64, length: f64) -> f64 {
    if epoch <= 0.0 {
        0.0
    } else if epoch >= length {
        1.0
    } else {
        epoch / length
    }
}

/// From 1 at x = 0 to 0 at x = 1 along half a period of the cosine.
fn half_cosine(x: f64) -> f64 {
    0.5 * (1.0 + (std::f64::consts::PI * x).cos())
}

/// `value` must be a positive factor of at most 1.
fn part(key: &str, value: f64) -> Result<(), SettingsError> {
    if value > 0.0 && value <= 1.0 {
        Ok(())
    } else {
        Err(SettingsError::new(key, "a number above 0 and at most 1", value))
    }
}

/// `value` must be finite and not negative.
fn not_negative(key: &str, value: f64) -> Result<(), SettingsError> {
    if value >= 0.0 && value.is_finite() {
        Ok(())
    } else {
        Err(SettingsError::new(key, "a number of at least 0", value))
    }
}
