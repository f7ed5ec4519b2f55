//! Functions of Moré, Garbow and Hillstrom: numbers 1 to 20 of 35, with standard starts and known minima of f = ‖r‖².
//!
//! Where the paper leaves sizes open: n = 9 in Watson's function, m as [`FUNCTIONS`] has it. Where it names several minima of finite θ, all are
//! listed. Reference: J. J. Moré, B. S. Garbow, K. E. Hillstrom, *Testing unconstrained optimization
//! software*, ACM TOMS 7 (1981) 17–41 (algorithm 566).

mod functions;

use crate::{Problem, problem};

/// Overwrites r (m) and J (m × n, column-major) at θ.
type Both = fn(&[f64], &mut [f64], &mut [f64]);

/// A sum of squares with known minima.
#[derive(Debug, Clone, Copy)]
pub struct Function {
    /// Its number in the paper.
    pub number: usize,
    /// Its name.
    pub name: &'static str,
    /// Residuals.
    pub m: usize,
    /// The standard start, n numbers.
    pub start: &'static [f64],
    /// Known values of ‖r‖² at minima, six digits each; 0 is exact.
    pub minima: &'static [f64],
    both: Both,
}

impl Function {
    /// As objective ½‖r‖².
    pub fn objective(&self) -> Problem {
        problem(self.name, self.m, self.start.len(), self.both)
    }
}

macro_rules! functions {
    ($($number:literal $name:literal $function:ident m = $m:literal start = $start:expr, minima = $minima:expr;)*) => {
        &[$(Function { number: $number, name: $name, m: $m, start: &$start, minima: &$minima, both: functions::$function }),*]
    };
}

/// Rosenbrock, Freudenstein–Roth, Powell badly scaled, Brown badly scaled, Beale, Jennrich–Sampson, helical valley, Bard, Gaussian, Meyer, Gulf research
/// and development, Box three-dimensional, Powell singular, Wood, Kowalik–Osborne, Brown–Dennis, Osborne 1, Biggs EXP6, Osborne 2, Watson.
pub const FUNCTIONS: &[Function] = functions! {
    1 "Rosenbrock" rosenbrock m = 2 start = [-1.2, 1.0], minima = [0.0];
    2 "Freudenstein-Roth" freudenstein_roth m = 2 start = [0.5, -2.0], minima = [0.0, 48.9842];
    3 "Powell-badly-scaled" powell_badly_scaled m = 2 start = [0.0, 1.0], minima = [0.0];
    4 "Brown-badly-scaled" brown_badly_scaled m = 3 start = [1.0, 1.0], minima = [0.0];
    5 "Beale" beale m = 3 start = [1.0, 1.0], minima = [0.0];
    6 "Jennrich-Sampson" jennrich_sampson m = 10 start = [0.3, 0.4], minima = [124.362];
    7 "helical-valley" helical_valley m = 3 start = [-1.0, 0.0, 0.0], minima = [0.0];
    8 "Bard" bard m = 15 start = [1.0, 1.0, 1.0], minima = [8.21487e-3];
    9 "Gaussian" gaussian m = 15 start = [0.4, 1.0, 0.0], minima = [1.12793e-8];
    10 "Meyer" meyer m = 16 start = [0.02, 4000.0, 250.0], minima = [87.9458];
    11 "Gulf" gulf m = 99 start = [5.0, 2.5, 0.15], minima = [0.0];
    12 "Box-3D" box_3d m = 10 start = [0.0, 10.0, 20.0], minima = [0.0];
    13 "Powell-singular" powell_singular m = 4 start = [3.0, -1.0, 0.0, 1.0], minima = [0.0];
    14 "Wood" wood m = 6 start = [-3.0, -1.0, -3.0, -1.0], minima = [0.0];
    15 "Kowalik-Osborne" kowalik_osborne m = 11 start = [0.25, 0.39, 0.415, 0.39], minima = [3.07505e-4];
    16 "Brown-Dennis" brown_dennis m = 20 start = [25.0, 5.0, -5.0, -1.0], minima = [85822.2];
    17 "Osborne-1" osborne_1 m = 33 start = [0.5, 1.5, -1.0, 0.01, 0.02], minima = [5.46489e-5];
    18 "Biggs-EXP6" biggs_exp6 m = 13 start = [1.0, 2.0, 1.0, 1.0, 1.0, 1.0], minima = [0.0, 5.65565e-3];
    19 "Osborne-2" osborne_2 m = 65 start = [1.3, 0.65, 0.65, 0.7, 0.6, 3.0, 5.0, 7.0, 2.0, 4.5, 5.5], minima = [4.01377e-2];
    20 "Watson" watson m = 31 start = [0.0; 9], minima = [1.39976e-6];
};
