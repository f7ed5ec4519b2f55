//! `[problem.NAME]`: functions of a few parameters in place of a network.

use gf_core::problems::{
    Beale, DoubleWell, Himmelblau, LogCosh, Quadratic, Quartic, Rosenbrock, ScalarChain, Sharpening,
};
use gf_core::{FullCurvature, Noisy, Streams, ThirdDerivative, ThroughDense, WithoutHessian};
use gf_verify::nist::{Regression, regression};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An objective with all derivatives up to the third.
pub trait Smooth: FullCurvature + ThirdDerivative {}
impl<T: FullCurvature + ThirdDerivative + ?Sized> Smooth for T {}

/// The functions by name; see [`gf_core::problems`] for their formulas.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FunctionSpec {
    /// Four minima, four saddles, a maximum; 2 parameters.
    Himmelblau(At),
    /// A curved valley; 2 parameters or more.
    Rosenbrock(RosenbrockSpec),
    /// A curved valley, flat far out; 2 parameters.
    Beale(At),
    /// ½ Σ λ_i x_i² along axes or along random directions.
    Quadratic(QuadraticSpec),
    /// ½ λ x² with λ = `curvature`; the teaching text's f = x² has 2.
    Parabola(ParabolaSpec),
    /// ¼(x² − 1)² + tilt·x; 1 parameter.
    DoubleWell(DoubleWellSpec),
    /// ½(xy − 1)²; 2 parameters.
    ScalarChain(At),
    /// ln cosh x; 1 parameter.
    LogCosh(At),
    /// ½yx² − rate·y, a valley that gets steeper; 2 parameters.
    Sharpening(SharpeningSpec),
    /// A nonlinear regression of NIST's, ½‖r‖² with residuals and Jacobian: `gf verify` lists the names.
    Nist(NistSpec),
    /// ¼ Σ x_i⁴; as many parameters as `start` has numbers, 2 when it is not given.
    Quartic(At),
}

/// Where a run starts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct At {
    /// θ before the first step [default: the function's usual start].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<Vec<f64>>,
}

/// `[problem.rosenbrock]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RosenbrockSpec {
    /// Parameters, at least 2.
    pub dim: usize,
    /// θ before the first step [default: −1.2, 1, −1.2, 1, …].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<Vec<f64>>,
}

impl Default for RosenbrockSpec {
    fn default() -> Self {
        Self { dim: 2, start: None }
    }
}

/// `[problem.quadratic]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QuadraticSpec {
    /// The eigenvalues λ_i.
    pub eigenvalues: Vec<f64>,
    /// Random eigenvectors and a random center, drawn from each seed, in place of the axes and 0.
    #[serde(default)]
    pub rotated: bool,
    /// θ before the first step [default: ones].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<Vec<f64>>,
}

/// `[problem.double_well]`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DoubleWellSpec {
    /// With 0 < tilt < 0.385 the minimum on the right is the poor one.
    pub tilt: f64,
    /// θ before the first step, one number [default: 0.1].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<Vec<f64>>,
}

/// `[problem.sharpening]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SharpeningSpec {
    /// How fast the curvature grows along the valley, in units of flow time; positive.
    pub rate: f64,
    /// θ before the first step, two numbers [default: 0.1, 1].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<Vec<f64>>,
}

impl Default for SharpeningSpec {
    fn default() -> Self {
        Self { rate: 0.01, start: None }
    }
}

/// `[problem.nist]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NistSpec {
    /// NIST's name, such as Misra1a.
    pub name: String,
    /// NIST's start: 1 is far from the solution, 2 is near.
    #[serde(default = "near")]
    pub from: usize,
    /// θ before the first step [default: NIST's start of number `from`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<Vec<f64>>,
}

fn near() -> usize {
    2
}

impl NistSpec {
    fn regression(&self) -> Option<Regression> {
        regression(&self.name)
    }
}

/// `[problem.parabola]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ParabolaSpec {
    /// λ of ½λx².
    pub curvature: f64,
    /// θ before the first step, one number [default: −6].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<Vec<f64>>,
}

impl Default for ParabolaSpec {
    fn default() -> Self {
        Self { curvature: 2.0, start: None }
    }
}

impl FunctionSpec {
    /// The key below `[problem]`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Himmelblau(_) => "himmelblau",
            Self::Rosenbrock(_) => "rosenbrock",
            Self::Beale(_) => "beale",
            Self::Quadratic(_) => "quadratic",
            Self::Parabola(_) => "parabola",
            Self::DoubleWell(_) => "double_well",
            Self::ScalarChain(_) => "scalar_chain",
            Self::LogCosh(_) => "log_cosh",
            Self::Sharpening(_) => "sharpening",
            Self::Nist(_) => "nist",
            Self::Quartic(_) => "quartic",
        }
    }

    /// The formula, for reports.
    pub fn formula(&self) -> String {
        match self {
            Self::Himmelblau(_) => "L(x, y) = (x² + y − 11)² + (x + y² − 7)²".into(),
            Self::Rosenbrock(spec) => format!("Rosenbrock's function of {} parameters", spec.dim),
            Self::Beale(_) => "Beale's function L(x, y) = Σ (c_k − x(1 − y^k))²".into(),
            Self::Quadratic(spec) => {
                format!("the quadratic L = ½ Σ λ_i x_i² with {} eigenvalues", spec.eigenvalues.len())
            }
            Self::Parabola(spec) => format!("the parabola L(x) = ½·{}·x²", spec.curvature),
            Self::DoubleWell(spec) => format!("the double well L(x) = ¼(x² − 1)² + {}·x", spec.tilt),
            Self::ScalarChain(_) => "the chain of two weights L(x, y) = ½(xy − 1)²".into(),
            Self::LogCosh(_) => "L(x) = ln cosh x".into(),
            Self::Sharpening(spec) => format!("the valley L(x, y) = ½yx² − {}·y", spec.rate),
            Self::Nist(spec) => format!("NIST's nonlinear regression {}, L = ½‖r‖²", spec.name),
            Self::Quartic(_) => "L(x) = ¼ Σ x_i⁴".into(),
        }
    }

    /// The number of parameters.
    pub fn dim(&self) -> usize {
        match self {
            Self::Rosenbrock(spec) => spec.dim,
            Self::Quadratic(spec) => spec.eigenvalues.len(),
            Self::Parabola(_) | Self::DoubleWell(_) | Self::LogCosh(_) => 1,
            Self::Nist(spec) => spec.regression().map_or(0, |regression| regression.certified.len()),
            Self::Quartic(at) => at.start.as_ref().map_or(2, Vec::len),
            Self::Himmelblau(_) | Self::Beale(_) | Self::ScalarChain(_) | Self::Sharpening(_) => 2,
        }
    }

    /// What is wrong with it: the key, and expected and found.
    ///
    /// # Errors
    /// The first fault.
    pub fn validate(&self) -> Result<(), (&'static str, String)> {
        /// Its Hessian is a dense matrix, also behind products.
        const MOST_PARAMETERS: usize = 4096;
        if self.dim() > MOST_PARAMETERS {
            let key = match self {
                Self::Rosenbrock(_) => "dim",
                Self::Quadratic(_) => "eigenvalues",
                _ => "start",
            };
            return Err((key, format!("expected at most {MOST_PARAMETERS} parameters, found {}", self.dim())));
        }
        match self {
            Self::Nist(spec) if spec.regression().is_none() => {
                let near = gf_utils::suggest(&spec.name, gf_verify::nist::names());
                let hint = near.map(|near| format!("; did you mean \"{near}\"?")).unwrap_or_default();
                Err((
                    "name",
                    format!("expected a regression of NIST's (gf verify lists them), found \"{}\"{hint}", spec.name),
                ))
            }
            Self::Nist(spec) if !(1..=2).contains(&spec.from) => {
                Err(("from", format!("expected 1 or 2, found {}", spec.from)))
            }
            Self::Rosenbrock(spec) if spec.dim < 2 => Err(("dim", format!("expected at least 2, found {}", spec.dim))),
            Self::Quadratic(spec) if spec.eigenvalues.is_empty() => {
                Err(("eigenvalues", "expected at least one number, found none".into()))
            }
            Self::Quadratic(spec) if !spec.eigenvalues.iter().all(|x| x.is_finite()) => {
                Err(("eigenvalues", format!("expected finite numbers, found {:?}", spec.eigenvalues)))
            }
            Self::DoubleWell(spec) if !spec.tilt.is_finite() => {
                Err(("tilt", format!("expected a finite number, found {}", spec.tilt)))
            }
            Self::Sharpening(spec) if !(spec.rate.is_finite() && spec.rate > 0.0) => {
                Err(("rate", format!("expected a positive number, found {}", spec.rate)))
            }
            Self::Parabola(spec) if !spec.curvature.is_finite() => {
                Err(("curvature", format!("expected a finite number, found {}", spec.curvature)))
            }
            _ => self.check_start(&self.start()).map_err(|message| ("start", message)),
        }
    }

    /// Whether θ = `start` has the right length.
    ///
    /// # Errors
    /// Expected and found.
    pub fn check_start(&self, start: &[f64]) -> Result<(), String> {
        let dim = self.dim();
        if start.len() != dim || dim == 0 {
            return Err(format!("expected {dim} numbers, found {}", start.len()));
        }
        match start.iter().find(|x| !x.is_finite()) {
            Some(x) => Err(format!("expected finite numbers, found {x}")),
            None => Ok(()),
        }
    }

    /// θ before the first step.
    pub fn start(&self) -> Vec<f64> {
        let (given, usual) = match self {
            Self::Himmelblau(at) => (&at.start, vec![0.0, 0.0]),
            Self::Rosenbrock(spec) => (&spec.start, (0..spec.dim).map(|k| [-1.2, 1.0][k % 2]).collect()),
            Self::Beale(at) => (&at.start, vec![1.0, 1.0]),
            Self::Quadratic(spec) => (&spec.start, vec![1.0; spec.eigenvalues.len()]),
            Self::Parabola(spec) => (&spec.start, vec![-6.0]),
            Self::DoubleWell(spec) => (&spec.start, vec![0.1]),
            Self::ScalarChain(at) => (&at.start, vec![2.0, 0.1]),
            Self::LogCosh(at) => (&at.start, vec![0.5]),
            Self::Sharpening(spec) => (&spec.start, vec![0.1, 1.0]),
            Self::Nist(spec) => {
                let starts = spec.regression().map(|regression| regression.starts);
                let start = starts.and_then(|starts| starts.get(spec.from.wrapping_sub(1)).cloned());
                (&spec.start, start.unwrap_or_default())
            }
            Self::Quartic(at) => (&at.start, vec![1.2, -0.7]),
        };
        given.clone().unwrap_or(usual)
    }

    /// The objective of a seed.
    pub fn objective(&self, seed: u64) -> Box<dyn FullCurvature> {
        match (self.smooth_objective(seed), self) {
            (None, Self::Nist(spec)) => {
                let regression = spec.regression().expect("the name was checked when the study was read");
                Box::new(WithoutHessian(regression.objective()))
            }
            (smooth, _) => Box::new(smooth.expect("all functions but regressions are smooth")),
        }
    }

    /// The objective of a seed with its third derivatives; none for regressions, which have residuals and their Jacobian only.
    pub fn smooth_objective(&self, seed: u64) -> Option<Box<dyn Smooth>> {
        Some(match self {
            Self::Himmelblau(_) => Box::new(ThroughDense::new(Himmelblau)),
            Self::Rosenbrock(spec) => Box::new(ThroughDense::new(Rosenbrock::new(spec.dim))),
            Self::Beale(_) => Box::new(ThroughDense::new(Beale)),
            Self::Quadratic(spec) if spec.rotated => {
                Box::new(Quadratic::rotated(&spec.eigenvalues, &mut Streams::new(seed).data()))
            }
            Self::Quadratic(spec) => Box::new(Quadratic::diagonal(&spec.eigenvalues)),
            Self::Parabola(spec) => Box::new(Quadratic::diagonal(&[spec.curvature])),
            Self::DoubleWell(spec) => Box::new(ThroughDense::new(DoubleWell { tilt: spec.tilt })),
            Self::ScalarChain(_) => Box::new(ThroughDense::new(ScalarChain)),
            Self::LogCosh(_) => Box::new(ThroughDense::new(LogCosh)),
            Self::Sharpening(spec) => Box::new(ThroughDense::new(Sharpening { rate: spec.rate })),
            Self::Nist(_) => return None,
            Self::Quartic(_) => Box::new(ThroughDense::new(Quartic::new(self.dim()))),
        })
    }

    /// The objective of a seed with gradient noise of standard deviation `sigma`.
    pub fn noisy_objective(&self, seed: u64, sigma: f64) -> Box<dyn FullCurvature> {
        Box::new(Noisy::new(self.objective(seed), sigma, Streams::new(seed)))
    }

    /// L(θ), not a number where it cannot be computed.
    pub fn value(&self, seed: u64, theta: &[f64]) -> f64 {
        self.objective(seed).value(theta).unwrap_or(f64::NAN)
    }
}
