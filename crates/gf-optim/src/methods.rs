//! The discretizations, one a file, and their list at the end of this one, which [`crate::registry`] works with.

use serde::{Deserialize, Serialize};

use crate::registry::{MethodInfo, Settings};

mod adam;
mod adamw;
mod backward_euler;
mod bdf2;
mod clip;
mod cubic;
mod damped_newton;
mod direction;
mod dormand_prince;
mod explicit_euler;
mod exponential_euler;
mod gauss_newton;
mod heavy_ball;
mod heun;
mod implicit_midpoint;
mod indefinite;
mod lbfgs;
mod levenberg_marquardt;
mod linearly_implicit_euler;
mod midpoint;
mod modified_newton;
mod moments;
mod nesterov;
mod newton_cg;
mod normalized;
mod phi;
mod rk4;
mod rkc2;
mod rmsprop;
mod rodas3;
mod ros2;
mod rosenbrock;
mod runge_kutta;
mod saddle_free;
mod sdirk2;
mod secular;
mod shifted_system;
mod spectrum;
mod stage;
mod steihaug;
mod tr_bdf2;
mod trapezoidal;
mod truncated_cg;
mod trust_region;
mod tsitouras;

pub use adam::{Adam, AdamSettings};
pub use adamw::AdamWSettings;
pub use backward_euler::{BackwardEuler, BackwardEulerSettings};
pub use bdf2::{Bdf2, Bdf2Settings};
pub use clip::{Clip, Clipped};
pub use cubic::{CubicRegularization, CubicSettings};
pub use damped_newton::{DampedNewton, NewtonSettings, OnAscent};
pub use dormand_prince::DormandPrinceSettings;
pub use explicit_euler::{ExplicitEuler, ExplicitSettings};
pub use exponential_euler::{ExponentialEuler, ExponentialEulerSettings, PhiBy};
pub use gauss_newton::{GaussNewtonSettings, GaussNewtonStep};
pub use heavy_ball::{HeavyBall, HeavyBallSettings};
pub use heun::HeunSettings;
pub use implicit_midpoint::{ImplicitMidpoint, ImplicitMidpointSettings};
pub use indefinite::{AbsoluteHessian, Accept, IndefinitePolicy, IndefiniteSystem, Reject, UseGaussNewton};
pub use lbfgs::{Lbfgs, LbfgsSettings};
pub use levenberg_marquardt::{LevenbergMarquardt, LevenbergMarquardtSettings};
pub use linearly_implicit_euler::{ImplicitSettings, LinearlyImplicitEuler, OnIndefinite};
pub use midpoint::MidpointSettings;
pub use modified_newton::{ModifiedNewton, ModifiedNewtonSettings};
pub use nesterov::{Nesterov, NesterovSettings};
pub use newton_cg::{NewtonCg, NewtonCgSettings};
pub use normalized::{NormalizedDescent, NormalizedSettings};
pub use phi::{PhiByEigendecomposition, PhiByLanczos, PhiProduct};
pub use rk4::Rk4Settings;
pub use rkc2::{Rkc2, Rkc2Settings};
pub use rmsprop::{RmsProp, RmsPropSettings};
pub use rodas3::{Rodas3, Rodas3Settings};
pub use ros2::{Ros2, Ros2Settings};
pub use rosenbrock::Rosenbrock;
pub use runge_kutta::{Interpolant, RungeKutta};
pub use saddle_free::{SaddleFree, SaddleFreeSettings};
pub use sdirk2::{Sdirk2, Sdirk2Settings};
pub use shifted_system::{AtPole, ShiftedSystem};
pub use stage::StageSolver;
pub use steihaug::{Steihaug, SteihaugSettings};
pub use tr_bdf2::{TrBdf2, TrBdf2Settings};
pub use trapezoidal::{Trapezoidal, TrapezoidalSettings};
pub use trust_region::{TrustRegion, TrustRegionSettings};
pub use tsitouras::TsitourasSettings;

/// One line a method: its key in a study, its settings, its claims, how it is built.
macro_rules! methods {
    ($($key:literal $variant:ident($settings:ty), $info:expr;)*) => {
        /// A method with its settings, as a study gives it: `method.implicit = { h = 0.05 }`.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        pub enum MethodSettings {
            $(
                #[doc = concat!("`method.", $key, "`.")]
                #[serde(rename = $key)]
                $variant($settings),
            )*
        }

        /// All methods, in the order of the documentation.
        pub const METHODS: &[MethodInfo] = &[$($info),*];

        impl MethodSettings {
            /// Every method with its default settings, in the order of [`METHODS`].
            pub fn all_defaults() -> Vec<Self> {
                vec![$(Self::$variant(<$settings>::default())),*]
            }

            /// The method's claims.
            pub fn info(&self) -> &'static MethodInfo {
                match self { $(Self::$variant(_) => { const INFO: &MethodInfo = &$info; INFO })* }
            }

            /// The method's settings, whichever method it is.
            pub fn settings(&self) -> &dyn Settings {
                match self { $(Self::$variant(settings) => settings,)* }
            }
        }
    };
}

methods! {
    "explicit" Explicit(ExplicitSettings), explicit_euler::INFO;
    "normalized" Normalized(NormalizedSettings), normalized::INFO;
    "midpoint" Midpoint(MidpointSettings), midpoint::INFO;
    "heun" Heun(HeunSettings), heun::INFO;
    "rk4" Rk4(Rk4Settings), rk4::INFO;
    "dormand-prince" DormandPrince(DormandPrinceSettings), dormand_prince::INFO;
    "tsitouras" Tsitouras(TsitourasSettings), tsitouras::INFO;
    "rkc2" Rkc2(Rkc2Settings), rkc2::INFO;
    "heavy-ball" HeavyBall(HeavyBallSettings), heavy_ball::INFO;
    "nesterov" Nesterov(NesterovSettings), nesterov::INFO;
    "rmsprop" RmsProp(RmsPropSettings), rmsprop::INFO;
    "adam" Adam(AdamSettings), adam::INFO;
    "adamw" AdamW(AdamWSettings), adamw::INFO;
    "implicit" Implicit(ImplicitSettings), linearly_implicit_euler::INFO;
    "backward-euler" BackwardEuler(BackwardEulerSettings), backward_euler::INFO;
    "implicit-midpoint" ImplicitMidpoint(ImplicitMidpointSettings), implicit_midpoint::INFO;
    "trapezoidal" Trapezoidal(TrapezoidalSettings), trapezoidal::INFO;
    "sdirk2" Sdirk2(Sdirk2Settings), sdirk2::INFO;
    "tr-bdf2" TrBdf2(TrBdf2Settings), tr_bdf2::INFO;
    "bdf2" Bdf2(Bdf2Settings), bdf2::INFO;
    "ros2" Ros2(Ros2Settings), ros2::INFO;
    "rodas3" Rodas3(Rodas3Settings), rodas3::INFO;
    "exponential-euler" ExponentialEuler(ExponentialEulerSettings), exponential_euler::INFO;
    "newton" Newton(NewtonSettings), damped_newton::INFO;
    "modified-newton" ModifiedNewton(ModifiedNewtonSettings), modified_newton::INFO;
    "saddle-free" SaddleFree(SaddleFreeSettings), saddle_free::INFO;
    "gauss-newton" GaussNewton(GaussNewtonSettings), gauss_newton::INFO;
    "levenberg-marquardt" LevenbergMarquardt(LevenbergMarquardtSettings), levenberg_marquardt::INFO;
    "trust-region" TrustRegion(TrustRegionSettings), trust_region::INFO;
    "steihaug" Steihaug(SteihaugSettings), steihaug::INFO;
    "cubic" Cubic(CubicSettings), cubic::INFO;
    "lbfgs" Lbfgs(LbfgsSettings), lbfgs::INFO;
    "newton-cg" NewtonCg(NewtonCgSettings), newton_cg::INFO;
}
