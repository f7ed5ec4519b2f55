//! Activations f with their first three derivatives.

use std::str::FromStr;

use gf_linalg::slices;
use serde::{Deserialize, Serialize};

use crate::NetworkError;

/// An elementwise function a = f(z), to which a skip connection adds later: here a is always f(z). Below, σ' = σ(1 − σ), and φ = Φ' is the
/// normal density.
///
/// | name | f(z) | f'(z) | f''(z) | f'''(z) |
/// |---|---|---|---|---|
/// | `identity` | z | 1 | 0 | 0 |
/// | `relu` | max(z, 0) | 1 for z > 0, else 0 | 0 | 0 |
/// | `leaky_relu` | z for z > 0, else 0.01 z | 1 for z > 0, else 0.01 | 0 | 0 |
/// | `tanh` | tanh z | 1 − a² | −2a(1 − a²) | 2f'(3a² − 1) |
/// | `sigmoid` | σ = 1/(1 + e⁻ᶻ) | σ(1 − σ) | σ(1 − σ)(1 − 2σ) | f'(1 − 6f') |
/// | `softplus` | ln(1 + eᶻ) | σ | σ(1 − σ) | f''(1 − 2σ) |
/// | `silu` | zσ | σ(1 + z(1 − σ)) | σ(1 − σ)(2 + z(1 − 2σ)) | σ'(3(1 − 2σ) + z(1 − 6σ')) |
/// | `gelu` | zΦ(z), Φ the normal distribution (by erf, not by tanh) | Φ + zφ | φ(2 − z²) | φz(z² − 4) |
/// | `elu` | z for z > 0, else eᶻ − 1 | 1 for z > 0, else eᶻ | 0 for z > 0, else eᶻ | f'' |
/// | `sin` | sin z | cos z | −sin z | −cos z |
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the table above defines them")]
pub enum Activation {
    Identity,
    Relu,
    LeakyRelu,
    Tanh,
    Sigmoid,
    Softplus,
    Silu,
    Gelu,
    Elu,
    Sin,
}

/// Slope of `leaky_relu` for z ≤ 0.
const LEAK: f64 = 0.01;

impl Activation {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Identity,
        Self::Relu,
        Self::LeakyRelu,
        Self::Tanh,
        Self::Sigmoid,
        Self::Softplus,
        Self::Silu,
        Self::Gelu,
        Self::Elu,
        Self::Sin,
    ];

    /// The name used in studies.
    pub fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Relu => "relu",
            Self::LeakyRelu => "leaky_relu",
            Self::Tanh => "tanh",
            Self::Sigmoid => "sigmoid",
            Self::Softplus => "softplus",
            Self::Silu => "silu",
            Self::Gelu => "gelu",
            Self::Elu => "elu",
            Self::Sin => "sin",
        }
    }

    /// All names, in the order of [`Activation::ALL`].
    pub fn names() -> [&'static str; 10] {
        Self::ALL.map(Self::name)
    }

    /// Whether f' is continuous; Taylor checks and trajectories in continuous time expect it.
    pub fn is_smooth(self) -> bool {
        !matches!(self, Self::Relu | Self::LeakyRelu)
    }

    /// Whether f'' = 0 wherever it exists.
    pub fn is_piecewise_linear(self) -> bool {
        matches!(self, Self::Identity | Self::Relu | Self::LeakyRelu)
    }

    /// Whether the initialization `auto` treats it like relu (He) and not like tanh (Xavier).
    pub fn is_relu_like(self) -> bool {
        matches!(self, Self::Relu | Self::LeakyRelu | Self::Softplus | Self::Silu | Self::Gelu | Self::Elu)
    }

    /// out = f(z), element by element; here and below the slices of a call have one length.
    pub fn value(self, z: &[f64], out: &mut [f64]) {
        debug_assert_eq!(z.len(), out.len());
        match self {
            Self::Identity => out.copy_from_slice(z),
            Self::Relu => slices::map(z, out, |z| if z <= 0.0 { 0.0 } else { z }),
            Self::LeakyRelu => slices::map(z, out, |z| if z > 0.0 { z } else { LEAK * z }),
            Self::Tanh => slices::tanh(z, out),
            Self::Sigmoid => slices::sigmoid(z, out),
            Self::Softplus => slices::softplus(z, out),
            Self::Silu => {
                slices::sigmoid(z, out);
                // −∞·0 would be NaN.
                slices::update(z, out, |z, s| if s == 0.0 { 0.0 } else { z * s });
            }
            Self::Gelu => slices::gelu(z, out),
            Self::Elu => {
                slices::exp_m1_of_negative(z, out);
                slices::update(z, out, |z, e| if z > 0.0 { z } else { e });
            }
            Self::Sin => slices::sin(z, out),
        }
    }

    /// out = f'(z), given a = f(z) too.
    pub fn slope(self, z: &[f64], a: &[f64], out: &mut [f64]) {
        debug_assert!(z.len() == out.len() && a.len() == out.len());
        match self {
            Self::Identity => out.fill(1.0),
            Self::Relu => slices::map(z, out, |z| if z > 0.0 { 1.0 } else { 0.0 }),
            Self::LeakyRelu => slices::map(z, out, |z| if z > 0.0 { 1.0 } else { LEAK }),
            Self::Tanh => slices::map(a, out, |a| (1.0 - a) * (1.0 + a)),
            Self::Sigmoid => slices::map(a, out, |a| a * (1.0 - a)),
            Self::Softplus => slices::sigmoid(z, out),
            Self::Silu => {
                slices::sigmoid(z, out);
                slices::update(z, out, |z, s| s * (1.0 + z * (1.0 - s)));
            }
            Self::Gelu => slices::gelu_slope(z, out),
            // eᶻ = a + 1 for z ≤ 0.
            Self::Elu => {
                slices::map(a, out, |a| a + 1.0);
                slices::update(z, out, |z, e| if z > 0.0 { 1.0 } else { e });
            }
            Self::Sin => slices::cos(z, out),
        }
    }

    /// out = f''(z), given a = f(z) and `slope` = f'(z) too.
    pub fn bend(self, z: &[f64], a: &[f64], slope: &[f64], out: &mut [f64]) {
        debug_assert!(z.len() == out.len() && a.len() == out.len() && slope.len() == out.len());
        match self {
            Self::Identity | Self::Relu | Self::LeakyRelu => out.fill(0.0),
            Self::Tanh => {
                out.copy_from_slice(slope);
                slices::update(a, out, |a, slope| -2.0 * a * slope);
            }
            Self::Sigmoid => {
                out.copy_from_slice(slope);
                slices::update(a, out, |a, slope| slope * (1.0 - 2.0 * a));
            }
            Self::Softplus => slices::map(slope, out, |s| s * (1.0 - s)),
            Self::Silu => {
                slices::sigmoid(z, out);
                slices::update(z, out, |z, s| s * (1.0 - s) * (2.0 + z * (1.0 - 2.0 * s)));
            }
            Self::Gelu => {
                slices::normal_density(z, out);
                // 0·∞ would be NaN.
                slices::update(z, out, |z, density| if density == 0.0 { 0.0 } else { density * (2.0 - z * z) });
            }
            Self::Elu => {
                slices::map(a, out, |a| a + 1.0);
                slices::update(z, out, |z, e| if z > 0.0 { 0.0 } else { e });
            }
            Self::Sin => slices::map(a, out, |a| -a),
        }
    }

    /// out = f'''(z), given `slope` = f'(z) and `bend` = f''(z) too. At a kink of f'' it is the left one.
    pub fn third(self, z: &[f64], slope: &[f64], bend: &[f64], out: &mut [f64]) {
        debug_assert!(z.len() == out.len() && slope.len() == out.len() && bend.len() == out.len());
        match self {
            Self::Identity | Self::Relu | Self::LeakyRelu => out.fill(0.0),
            Self::Tanh => slices::map(slope, out, |s| 2.0 * s * (2.0 - 3.0 * s)),
            Self::Sigmoid => slices::map(slope, out, |s| s * (1.0 - 6.0 * s)),
            Self::Softplus => {
                out.copy_from_slice(bend);
                slices::update(slope, out, |s, bend| bend * (1.0 - 2.0 * s));
            }
            Self::Silu => {
                slices::sigmoid(z, out);
                slices::update(z, out, |z, s| {
                    let slope = s * (1.0 - s);
                    slope * (3.0 * (1.0 - 2.0 * s) + z * (1.0 - 6.0 * slope))
                });
            }
            Self::Gelu => {
                slices::normal_density(z, out);
                // 0·∞ would be NaN.
                slices::update(z, out, |z, density| if density == 0.0 { 0.0 } else { density * z * (z * z - 4.0) });
            }
            Self::Elu => out.copy_from_slice(bend),
            Self::Sin => slices::map(slope, out, |s| -s),
        }
    }
}

impl FromStr for Activation {
    type Err = NetworkError;

    fn from_str(name: &str) -> Result<Self, NetworkError> {
        let found = Self::ALL.into_iter().find(|activation| activation.name() == name);
        found.ok_or_else(|| NetworkError::UnknownActivation { found: name.to_owned() })
    }
}
